"""OpenTelemetry's SDK over OTLP, spans by hand after the GenAI conventions, one parallel branch.

Settings: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS; OTEL_EXPORTER_OTLP_PROTOCOL chooses the exporter.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

QUESTION = "I am ada.lovelace@mail-box.org. How long do refunds take?"

PROTOCOL = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
if PROTOCOL == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
elif PROTOCOL == "http/json":
    from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider(resource=Resource.create({"service.name": "support"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop", "1.2")
session = os.environ["BENCH_SESSION"]


def retrieve(query: str, parent: context.Context) -> None:
    token = context.attach(parent)
    with tracer.start_as_current_span("search") as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "retrieval",
                "gen_ai.retrieval.query.text": query,
                "gen_ai.retrieval.documents": json.dumps([{"id": "faq-1", "content": "14 days", "score": 0.9}]),
            }
        )
    context.detach(token)


with tracer.start_as_current_span("answer") as root:
    root.set_attributes({"gen_ai.operation.name": "invoke_agent", "user.id": "ada", "session.id": session})
    with ThreadPoolExecutor(2) as pool:
        for query in ("refunds", "returns"):
            pool.submit(retrieve, query, context.get_current())
    with tracer.start_as_current_span("chat gpt-4o-mini", kind=trace.SpanKind.CLIENT) as call:
        call.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
                "gen_ai.input.messages": json.dumps(
                    [{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}]
                ),
                "gen_ai.output.messages": json.dumps(
                    [{"role": "assistant", "parts": [{"type": "text", "content": "Refunds take 14 days."}]}]
                ),
                "gen_ai.usage.input_tokens": 120,
                "gen_ai.usage.output_tokens": 30,
                "gen_ai.usage.cache_read.input_tokens": 20,
                "gen_ai.usage.reasoning.output_tokens": 10,
            }
        )
    with tracer.start_as_current_span("execute_tool look_up") as tool:
        tool.set_attributes(
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "look_up",
                "gen_ai.tool.call.arguments": json.dumps({"topic": "refunds"}),
                "gen_ai.tool.call.result": "14 days",
            }
        )
provider.shutdown()
