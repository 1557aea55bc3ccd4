"""Opik's SDK: nested `@opik.track`, a model call with usage, thread, tags and feedback.

Settings: OPIK_URL_OVERRIDE, OPIK_API_KEY, OPIK_WORKSPACE.
"""

import os

import opik
from opik import opik_context

session = os.environ["BENCH_SESSION"]


@opik.track(type="tool")
def look_up(topic: str) -> str:
    return "14 days"


@opik.track(type="llm")
def chat(messages: list[dict]) -> str:
    opik_context.update_current_span(
        model="gpt-4o-mini-2024-07-18",
        provider="openai",
        usage={
            "prompt_tokens": 120,
            "completion_tokens": 30,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 20},
            "completion_tokens_details": {"reasoning_tokens": 10},
        },
        feedback_scores=[{"name": "correct", "value": 1.0}],
    )
    return "Refunds take 14 days."


@opik.track(project_name="support")
def answer(question: str) -> str:
    opik_context.update_current_trace(thread_id=session, tags=["bench"], metadata={"user": "ada"})
    look_up("refunds")
    found = chat([{"role": "user", "content": question}])
    opik_context.update_current_trace(
        feedback_scores=[{"name": "helpful", "value": 0.75, "reason": "as ada.lovelace@mail-box.org said"}]
    )
    return found


answer("I am ada.lovelace@mail-box.org. How long do refunds take?")
opik.flush_tracker()
client = opik.Opik()
client.log_threads_feedback_scores([{"id": session, "name": "solved", "value": 1.0, "project_name": "support"}])
client.flush()
