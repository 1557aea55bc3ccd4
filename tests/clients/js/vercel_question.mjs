// What every script of the Vercel AI SDK asks, and where its spans go.
// Settings: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS; OPENAI_BASE_URL.
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { z } from "zod";

export const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "support" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

// `createOpenAICompatible`, `stepCountIs` and `tool` are of the version that asks.
export function question({ createOpenAICompatible, stepCountIs, tool }, settings = {}) {
  const openai = createOpenAICompatible({ name: "openai", baseURL: process.env.OPENAI_BASE_URL, apiKey: "none", ...settings });
  return {
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
  };
}
