"""MLflow's tracing SDK when it exports to a collector: nested spans, autolog of openai, nothing of its API.

Settings: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (gRPC, where OTEL_EXPORTER_OTLP_PROTOCOL says nothing else),
OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, MLFLOW_TRACKING_URI (without which it does not start), for
OpenTelemetry's names MLFLOW_ENABLE_OTEL_GENAI_SEMCONV; OPENAI_BASE_URL, OPENAI_API_KEY.
"""

import os

import mlflow
import openai
from mlflow.entities import Document, SpanType

mlflow.openai.autolog()
client = openai.OpenAI()


@mlflow.trace(span_type=SpanType.TOOL)
def look_up(topic: str) -> str:
    return "14 days"


@mlflow.trace(span_type=SpanType.AGENT)
def answer(question: str) -> str:
    # What `update_current_trace` says is not exported, and tags make 3.17.2 drop the outermost span.
    mlflow.get_current_active_span().set_attributes({"user.id": "ada", "session.id": os.environ["BENCH_SESSION"]})
    with mlflow.start_span("search", span_type=SpanType.RETRIEVER) as span:
        span.set_inputs({"query": "refunds"})
        span.set_outputs([Document("14 days", metadata={"shelf": 3}, id="faq-1")])
    look_up("refunds")
    told = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "system", "content": "You help."}, {"role": "user", "content": question}],
    )
    return told.choices[0].message.content


answer("I am ada.lovelace@mail-box.org. How long do refunds take?")
mlflow.flush_trace_async_logging()
