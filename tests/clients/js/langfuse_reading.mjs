// Langfuse's JavaScript SDK 5, which reads back what it sent: traces, observations, sessions, scores.
// Settings: LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY.
import assert from "node:assert/strict";
import { LangfuseClient } from "@langfuse/client";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { propagateAttributes, startActiveObservation, startObservation } from "@langfuse/tracing";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const session = process.env.BENCH_SESSION;
const began = new Date(Date.now() - 60_000).toISOString();
const usage = { input: 100, input_cached_tokens: 20, output: 20, output_reasoning_tokens: 10 };
const answered = { role: "assistant", content: "Refunds take 14 days." };
const processor = new LangfuseSpanProcessor({ environment: "staging", release: "v7" });
const provider = new NodeTracerProvider({ spanProcessors: [processor] });
provider.register();
const client = new LangfuseClient();
let root, call;

await propagateAttributes({ userId: "ada", sessionId: session, tags: ["bench", "reading"] }, async () => {
  await startActiveObservation("answer", async (outer) => {
    root = outer;
    root.update({ input: { question: "refunds" }, output: ["14 days"] });
    call = startObservation(
      "chat",
      {
        model: "gpt-4o-mini-2024-07-18",
        modelParameters: { temperature: 0 },
        input: [{ role: "user", content: "I am ada.lovelace@mail-box.org. How long do refunds take?" }],
        output: answered,
        usageDetails: usage,
      },
      { asType: "generation" },
    );
    call.end();
    client.score.observation(call, { name: "correct", value: 1, dataType: "BOOLEAN", comment: "so it is" });
    client.score.trace(root, { name: "helpful", value: 0.75 });
  }, { asType: "agent" });
});
client.score.create({ name: "solved", value: 1, sessionId: session });
await client.flush();
await processor.forceFlush();

const listed = await client.api.trace.list({ sessionId: session, name: "answer", tags: ["bench", "reading"], fromTimestamp: began });
assert.deepEqual(listed.data.map((one) => one.id), [root.traceId]);
assert.equal(listed.meta.totalItems, 1);
assert.deepEqual([listed.data[0].input, listed.data[0].output], [{ question: "refunds" }, ["14 days"]]);

const whole = await client.api.trace.get(root.traceId);
assert.deepEqual([whole.userId, whole.sessionId, whole.tags], ["ada", session, ["bench", "reading"]]);
assert.deepEqual([whole.release, whole.environment], ["v7", "staging"]);
const inner = whole.observations.find((one) => one.id === call.id);
assert.deepEqual([inner.type, inner.parentObservationId, inner.output], ["GENERATION", root.id, answered]);
assert.deepEqual(inner.usageDetails, { ...usage, total: 150 });
assert.ok(inner.costDetails.total > 0 && whole.totalCost > 0);
assert.ok(!JSON.stringify(whole).includes("mail-box"));
const given = Object.fromEntries(whole.scores.map((score) => [score.name, score.value]));
assert.deepEqual(given, { correct: 1, helpful: 0.75 });

const groups = "core,basic,io,usage";
const first = await client.api.observations.getMany({ traceId: root.traceId, fields: groups, limit: 1 });
const rest = await client.api.observations.getMany({ traceId: root.traceId, fields: groups, cursor: first.meta.cursor });
assert.deepEqual([...first.data, ...rest.data].map((one) => one.name).sort(), ["answer", "chat"]);
const legacy = await client.api.legacy.observationsV1.getMany({ traceId: root.traceId, type: "GENERATION" });
assert.deepEqual(legacy.data.map((one) => one.id), [call.id]);
assert.equal((await client.api.legacy.observationsV1.get(call.id)).name, "chat");

const sessions = await client.api.sessions.list({ fromTimestamp: began });
assert.ok(sessions.data.some((one) => one.id === session));
assert.deepEqual((await client.api.sessions.get(session)).traces.map((one) => one.id), [root.traceId]);

const scores = await client.api.scores.getMany({ traceId: root.traceId, name: "helpful" });
assert.deepEqual(scores.data.map((one) => one.value), [0.75]);
assert.equal((await client.api.scores.getById(scores.data[0].id)).name, "helpful");
const newest = await client.api.scoresV3.getManyV3({ traceId: root.traceId, fields: "subject" });
assert.deepEqual(newest.data.map((one) => [one.name, one.value]).sort(), [["correct", true], ["helpful", 0.75]]);

await assert.rejects(client.api.trace.list({ orderBy: "name.asc" }), /orderBy|400/);
await provider.shutdown();
