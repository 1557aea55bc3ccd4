"""Anthropic's SDK, which traces itself, with Traceloop's instrumentation beside it: both tell of each call.

Settings: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS; ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content,
or it says no texts.
"""

import os

import anthropic
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "support"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
AnthropicInstrumentor().instrument()
client = anthropic.Anthropic()
question = {"role": "user", "content": "I am ada.lovelace@mail-box.org. How long do refunds take?"}

said = {"user.id": "ada", "session.id": os.environ["BENCH_SESSION"], "http.route": "/ask"}
with trace.get_tracer("shop").start_as_current_span("POST /ask", kind=trace.SpanKind.SERVER, attributes=said):
    client.messages.create(model="claude-sonnet-4-5", max_tokens=50, system="Be kind.", messages=[question])
    with client.messages.stream(model="claude-sonnet-4-5", max_tokens=50, messages=[question]) as stream:
        stream.get_final_message()
provider.shutdown()
