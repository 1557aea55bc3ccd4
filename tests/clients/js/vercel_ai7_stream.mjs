// The Vercel AI SDK 7 with its OpenTelemetry package, streaming, a tool call in between.
// Settings: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS; registerTelemetry and runtimeContext in the code.
import { OpenTelemetry } from "@ai-sdk/otel";
import { streamText, registerTelemetry, stepCountIs, tool } from "ai7";
import { createOpenAICompatible } from "openai-compatible3";
import { provider, question } from "./vercel_question.mjs";

registerTelemetry(new OpenTelemetry({ runtimeContext: true }));

const stream = streamText({
  ...question({ createOpenAICompatible, stepCountIs, tool }, { includeUsage: true }),
  runtimeContext: { userId: "ada", sessionId: process.env.BENCH_SESSION },
  telemetry: { functionId: "answer", includeRuntimeContext: { userId: true, sessionId: true } },
});
await stream.consumeStream();
await provider.shutdown();
