"""Plain OpenTelemetry, no Assay package: the GenAI conventions are understood as they are.

export ASSAY_API_KEY=sk_…
python examples/quickstart/opentelemetry_only.py
"""

import json
import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def provider() -> TracerProvider:
    """The usual set-up, with Assay's address and key."""
    url = os.environ.get("ASSAY_URL", "http://127.0.0.1:4600")
    exporter = OTLPSpanExporter(
        endpoint=f"{url}/v1/traces", headers={"Authorization": f"Bearer {os.environ['ASSAY_API_KEY']}"}
    )
    made = TracerProvider(resource=Resource.create({"service.name": "quickstart-otel"}))
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made


def main() -> None:
    """One request with one model call, written down by hand."""
    traces = provider()
    tracer = traces.get_tracer("quickstart")
    asked = [{"role": "user", "parts": [{"type": "text", "content": "How long is the warranty?"}]}]
    told = [{"role": "assistant", "parts": [{"type": "text", "content": "Two years."}], "finish_reason": "stop"}]
    with tracer.start_as_current_span("request", attributes={"user.id": "ada", "session.id": "s-1"}) as request:
        with tracer.start_as_current_span("chat gpt-4o", kind=trace.SpanKind.CLIENT) as call:
            call.set_attribute("gen_ai.operation.name", "chat")
            call.set_attribute("gen_ai.provider.name", "openai")
            call.set_attribute("gen_ai.request.model", "gpt-4o")
            call.set_attribute("gen_ai.response.model", "gpt-4o-2024-08-06")
            call.set_attribute("gen_ai.input.messages", json.dumps(asked))
            call.set_attribute("gen_ai.output.messages", json.dumps(told))
            call.set_attribute("gen_ai.usage.input_tokens", 12)
            call.set_attribute("gen_ai.usage.output_tokens", 3)
        print(f"trace: assay trace show {trace.format_trace_id(request.get_span_context().trace_id)}")
    traces.shutdown()


if __name__ == "__main__":
    main()
