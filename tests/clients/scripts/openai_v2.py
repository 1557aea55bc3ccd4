"""OpenTelemetry's own instrumentation of the openai package; what was said travels in a log record.

Settings: OTEL_EXPORTER_OTLP_*, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, OTEL_SEMCONV_STABILITY_OPT_IN.
"""

import os

from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

resource = Resource.create({"service.name": "support"})
tracer_provider = TracerProvider(resource=resource)
tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(tracer_provider)
logger_provider = LoggerProvider(resource=resource)
logger_provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
_logs.set_logger_provider(logger_provider)
meter_provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)
metrics.set_meter_provider(meter_provider)
OpenAIInstrumentor().instrument()

import openai  # noqa: E402 - after its instrumentation

tracer = trace.get_tracer("shop")
with tracer.start_as_current_span("answer") as root:
    root.set_attributes(
        {"gen_ai.operation.name": "invoke_agent", "user.id": "ada", "session.id": os.environ["BENCH_SESSION"]}
    )
    openai.OpenAI().chat.completions.create(
        model="gpt-4o-mini",
        messages=[
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "I am ada.lovelace@mail-box.org. How long do refunds take?"},
        ],
    )
logger_provider.shutdown()
meter_provider.shutdown()
tracer_provider.shutdown()
