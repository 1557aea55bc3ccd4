// The Vercel AI SDK with its telemetry switched on, a tool call in between.
// Settings: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS; experimental_telemetry in the code.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, tool } from "ai";
import { provider, question } from "./vercel_question.mjs";

await generateText({
  ...question({ createOpenAICompatible, stepCountIs, tool }),
  experimental_telemetry: {
    isEnabled: true,
    functionId: "answer",
    metadata: { userId: "ada", sessionId: process.env.BENCH_SESSION, tags: ["shop"] },
  },
});
await provider.shutdown();
