"""Traceloop's SDK (OpenLLMetry): decorators, association properties, its instrumentation of openai.

Settings: TRACELOOP_BASE_URL, TRACELOOP_API_KEY; over gRPC (grpc://…) TRACELOOP_HEADERS instead of the key, and
TRACELOOP_METRICS_ENABLED=false.
"""

import os

import openai
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import tool, workflow

Traceloop.init(app_name="support", disable_batch=False)


@tool(name="look_up")
def look_up(topic: str) -> str:
    return "14 days"


@workflow(name="answer")
def answer(question: str) -> str:
    look_up("refunds")
    made = openai.OpenAI().chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": question}],
    )
    return made.choices[0].message.content or ""


Traceloop.set_association_properties({"user_id": "ada", "session_id": os.environ["BENCH_SESSION"]})
answer("I am ada.lovelace@mail-box.org. How long do refunds take?")
