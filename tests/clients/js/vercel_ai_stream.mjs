// The Vercel AI SDK with its telemetry switched on, streaming, a tool call in between.
// Settings: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS; experimental_telemetry in the code.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { streamText, stepCountIs, tool } from "ai";
import { provider, question } from "./vercel_question.mjs";

const stream = streamText({
  ...question({ createOpenAICompatible, stepCountIs, tool }, { includeUsage: true }),
  experimental_telemetry: {
    isEnabled: true,
    functionId: "answer",
    metadata: { userId: "ada", sessionId: process.env.BENCH_SESSION, tags: ["shop"] },
  },
});
await stream.consumeStream();
await provider.shutdown();
