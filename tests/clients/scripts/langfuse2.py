"""Langfuse's Python SDK 2: `@observe` with `langfuse_context`, which begins and ends spans in separate events.

Settings: LANGFUSE_HOST, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY.
"""

import os
import time

from langfuse.decorators import langfuse_context, observe

langfuse_context.configure(environment="staging", release="v7")
session = os.environ["BENCH_SESSION"]


@observe()
def look_up(topic: str) -> str:
    return "14 days"


@observe(as_type="generation")
def chat(messages: list[dict]) -> str:
    langfuse_context.update_current_observation(
        model="gpt-4o-mini-2024-07-18",
        model_parameters={"temperature": 0},
        usage_details={"input": 100, "input_cached_tokens": 20, "output": 20, "output_reasoning_tokens": 10},
        metadata={"experiment": "exp"},
    )
    langfuse_context.score_current_observation(name="correct", value=1, comment="as ada.lovelace@mail-box.org said")
    time.sleep(1.2)  # longer than the client waits: the call begins in one batch and ends in another
    return "Refunds take 14 days."


@observe()
def answer(question: str) -> str:
    langfuse_context.update_current_trace(user_id="ada", session_id=session, tags=["bench"])
    look_up("refunds")
    found = chat([{"role": "user", "content": question}])
    langfuse_context.score_current_trace(name="helpful", value=0.75)
    langfuse_context.score_current_trace(name="tone", value="friendly", data_type="CATEGORICAL")
    return found


answer("I am ada.lovelace@mail-box.org. How long do refunds take?")
langfuse_context.flush()
