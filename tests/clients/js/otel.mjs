// OpenTelemetry's JavaScript SDK over OTLP, spans by hand after the GenAI conventions, parallel branches.
// Settings: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS; OTEL_EXPORTER_OTLP_PROTOCOL chooses the exporter.
import { context, SpanKind, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const exporters = {
  "http/json": "@opentelemetry/exporter-trace-otlp-http",
  "http/protobuf": "@opentelemetry/exporter-trace-otlp-proto",
  grpc: "@opentelemetry/exporter-trace-otlp-grpc",
};
const { OTLPTraceExporter } = await import(exporters[process.env.OTEL_EXPORTER_OTLP_PROTOCOL ?? "http/json"]);
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "support" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
const tracer = trace.getTracer("shop", "1.2");

function messages(role, content) {
  return JSON.stringify([{ role, parts: [{ type: "text", content }] }]);
}

async function search(query, parent) {
  const span = tracer.startSpan("search", {}, parent);
  span.setAttributes({
    "gen_ai.operation.name": "retrieval",
    "gen_ai.retrieval.query.text": query,
    "gen_ai.retrieval.documents": JSON.stringify([{ id: "faq-1", content: "14 days", score: 0.9 }]),
  });
  await new Promise((done) => setTimeout(done, 2));
  span.end();
}

await tracer.startActiveSpan("answer", async (root) => {
  root.setAttributes({
    "gen_ai.operation.name": "invoke_agent",
    "user.id": "ada",
    "session.id": process.env.BENCH_SESSION,
  });
  await Promise.all([search("refunds", context.active()), search("returns", context.active())]);
  const call = tracer.startSpan("chat gpt-4o-mini", { kind: SpanKind.CLIENT });
  call.setAttributes({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.input.messages": messages("user", "I am ada.lovelace@mail-box.org. How long do refunds take?"),
    "gen_ai.output.messages": messages("assistant", "Refunds take 14 days."),
    "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.output_tokens": 30,
    "gen_ai.usage.cache_read.input_tokens": 20,
    "gen_ai.usage.reasoning.output_tokens": 10,
  });
  call.end();
  const tool = tracer.startSpan("execute_tool look_up");
  tool.setAttributes({
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "look_up",
    "gen_ai.tool.call.arguments": '{"topic": "refunds"}',
    "gen_ai.tool.call.result": "14 days",
  });
  tool.end();
  root.end();
});
await provider.shutdown();
