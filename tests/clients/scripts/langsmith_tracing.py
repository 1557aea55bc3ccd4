"""LangSmith's SDK: nested `@traceable`, a retriever, a model run with usage, LangGraph's metadata, feedback.

Settings: LANGSMITH_ENDPOINT, LANGSMITH_API_KEY, LANGSMITH_TRACING, LANGSMITH_PROJECT.
"""

import os

from langsmith import Client, traceable
from langsmith.run_helpers import get_current_run_tree

session = os.environ["BENCH_SESSION"]
client = Client()


@traceable(run_type="tool")
def look_up(topic: str) -> str:
    return "14 days"


@traceable(run_type="retriever")
def search(query: str) -> list[dict]:
    return [{"page_content": "14 days", "type": "Document", "metadata": {"shelf": 3}}]


@traceable(run_type="llm", metadata={"ls_provider": "openai", "ls_model_name": "gpt-4o-mini-2024-07-18"})
def chat(messages: list[dict]) -> dict:
    return {
        "choices": [{"message": {"role": "assistant", "content": "Refunds take 14 days."}}],
        "usage_metadata": {
            "input_tokens": 120,
            "output_tokens": 30,
            "total_tokens": 150,
            "input_token_details": {"cache_read": 20},
            "output_token_details": {"reasoning": 10},
        },
    }


@traceable(run_type="chain", tags=["bench"], metadata={"session_id": session, "user_id": "ada"})
def answer(question: str) -> str:
    look_up("refunds", langsmith_extra={"metadata": {"langgraph_node": "tools", "langgraph_step": 2}})
    search("refunds")
    chat([{"role": "user", "content": question}])
    run = get_current_run_tree()
    client.create_feedback(
        run.id, key="helpful", score=0.75, comment="as ada.lovelace@mail-box.org said", trace_id=run.trace_id
    )
    return "Refunds take 14 days."


answer("I am ada.lovelace@mail-box.org. How long do refunds take?", langsmith_extra={"client": client})
client.flush()
