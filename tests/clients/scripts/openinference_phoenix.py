"""OpenInference's instrumentation of openai, registered by arize-phoenix-otel.

Settings: PHOENIX_COLLECTOR_ENDPOINT, PHOENIX_API_KEY (or PHOENIX_CLIENT_HEADERS); over gRPC, which it picks where no
protocol is said, also PHOENIX_GRPC_PORT.
"""

import json
import os

import openai
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
from phoenix.otel import register

protocol = None if "PHOENIX_GRPC_PORT" in os.environ else "http/protobuf"
provider = register(project_name="support", batch=True, verbose=False, protocol=protocol)
OpenAIInstrumentor().instrument(tracer_provider=provider)
tracer = provider.get_tracer("shop")


@tracer.tool(name="look_up")
def look_up(topic: str) -> str:
    return "14 days"


@tracer.agent(name="answer")
def answer(question: str) -> str:
    with tracer.start_as_current_span("search", openinference_span_kind="retriever") as span:
        span.set_input(question)
        span.set_attributes(
            {
                "retrieval.documents.0.document.id": "faq-1",
                "retrieval.documents.0.document.content": "14 days",
                "retrieval.documents.0.document.score": 0.9,
                "retrieval.documents.0.document.metadata": json.dumps({"shelf": 3}),
            }
        )
    look_up("refunds")
    made = openai.OpenAI().chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": question}],
    )
    return made.choices[0].message.content or ""


with using_attributes(session_id=os.environ["BENCH_SESSION"], user_id="ada", tags=["shop"], metadata={"plan": "gold"}):
    answer("I am ada.lovelace@mail-box.org. How long do refunds take?")
provider.shutdown()
