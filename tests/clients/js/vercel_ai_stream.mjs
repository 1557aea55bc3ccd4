// The Vercel AI SDK with its telemetry switched on, streaming, a tool call in between.
// Settings: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS; experimental_telemetry in the code.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { streamText, stepCountIs, tool } from "ai";
import { z } from "zod";

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "support" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

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
  experimental_telemetry: {
    isEnabled: true,
    functionId: "answer",
    metadata: { userId: "ada", sessionId: process.env.BENCH_SESSION, tags: ["shop"] },
  },
});
await stream.consumeStream();
await provider.shutdown();
