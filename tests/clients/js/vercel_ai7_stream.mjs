// The Vercel AI SDK 7 with its OpenTelemetry package, streaming, a tool call in between.
// Settings: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS; registerTelemetry and runtimeContext in the code.
import { OpenTelemetry } from "@ai-sdk/otel";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { streamText, registerTelemetry, stepCountIs, tool } from "ai7";
import { createOpenAICompatible } from "openai-compatible3";
import { z } from "zod";

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "support" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
registerTelemetry(new OpenTelemetry({ runtimeContext: true }));

const openai = createOpenAICompatible({ name: "openai", baseURL: process.env.OPENAI_BASE_URL, apiKey: "none", includeUsage: true });
const stream = streamText({
  model: openai("gpt-4o-mini"),
  system: "Be kind.",
  prompt: "I am ada.lovelace@mail-box.org. How long do refunds take?",
  stopWhen: stepCountIs(3),
  tools: {
    look_up: tool({
      description: "What the handbook says.",
      inputSchema: z.object({ topic: z.string() }),
      execute: async ({ topic }) => `${topic}: 14 days`,
    }),
  },
  runtimeContext: { userId: "ada", sessionId: process.env.BENCH_SESSION },
  telemetry: { functionId: "answer", includeRuntimeContext: { userId: true, sessionId: true } },
});
await stream.consumeStream();
await provider.shutdown();
