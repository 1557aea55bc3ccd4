// Langfuse's JavaScript SDK 5: nested observations over OTLP, a picture in an input, scores.
// Settings: LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY.
import { LangfuseClient } from "@langfuse/client";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { propagateAttributes, startActiveObservation, startObservation } from "@langfuse/tracing";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const session = process.env.BENCH_SESSION;
// One pixel, whose author is told beside it. Each run makes it its own: what is known is not put again.
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAAIHRFWHRBdXRob3IAYWRhLmxvdmVsYWNlQG1haWwtYm94Lm9yZ6Z2" +
  "nyQAAAAKSURBVHicY2AAAAACAAFIr6RxAAAAAElFTkSuQmCC";
const PICTURE =
  "data:image/png;base64," + Buffer.concat([Buffer.from(PIXEL, "base64"), Buffer.from(session)]).toString("base64");
const processor = new LangfuseSpanProcessor({ environment: "staging", release: "v7", timeout: 30 });
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "support" }),
  spanProcessors: [processor],
});
provider.register();
const client = new LangfuseClient();
const question = "I am ada.lovelace@mail-box.org. How long do refunds take?";

await propagateAttributes({ userId: "ada", sessionId: session, tags: ["bench"] }, async () => {
  await startActiveObservation("answer", async (root) => {
    root.update({ input: question });
    startObservation("search", { input: "refunds", output: ["14 days"] }, { asType: "retriever" }).end();
    startObservation("look_up", { input: { topic: "refunds" }, output: "14 days" }, { asType: "tool" }).end();
    const content = [
      { type: "text", text: question },
      { type: "image_url", image_url: { url: PICTURE } },
    ];
    const call = startObservation(
      "chat",
      {
        model: "gpt-4o-mini-2024-07-18",
        modelParameters: { temperature: 0 },
        input: [{ role: "user", content }],
        metadata: { experiment: "exp" },
      },
      { asType: "generation" },
    );
    call.update({
      output: { role: "assistant", content: "Refunds take 14 days." },
      usageDetails: { input: 100, input_cached_tokens: 20, output: 20, output_reasoning_tokens: 10 },
    });
    call.end();
    client.score.observation(call, {
      name: "correct",
      value: 1,
      dataType: "BOOLEAN",
      comment: "as ada.lovelace@mail-box.org said",
    });
    client.score.trace(root, { name: "helpful", value: 0.75 });
    client.score.trace(root, { name: "tone", value: "friendly", dataType: "CATEGORICAL" });
    root.update({ output: "Refunds take 14 days." });
  }, { asType: "agent" });
});
client.score.create({ name: "solved", value: 1, sessionId: session });
await client.flush();
await processor.forceFlush();
await provider.shutdown();
