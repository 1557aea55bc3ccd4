// Langfuse's JavaScript SDK 5: prompts, datasets and an experiment over a dataset, as scripts/langfuse_data.py.
// Settings: LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY.
import assert from "node:assert/strict";
import { LangfuseClient } from "@langfuse/client";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { propagateAttributes, startActiveObservation } from "@langfuse/tracing";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const PERSON = "ada.lovelace@mail-box.org";
const session = process.env.BENCH_SESSION;
const name = `refunds-${session}`.replaceAll("_", "-");
const processor = new LangfuseSpanProcessor();
new NodeTracerProvider({ spanProcessors: [processor] }).register();
const client = new LangfuseClient();

// Prompts: pushed, read by label and by version, linked to a call; one that is missing has a fallback.
await client.prompt.create({
  name, prompt: "Answer {{question}}", config: { temperature: 0 }, labels: [], commitMessage: "first",
});
const newest = await client.prompt.get(name, { label: "latest" });
assert.deepEqual([newest.version, newest.labels, newest.config], [1, ["latest"], { temperature: 0 }]);
assert.equal((await client.prompt.get(name, { version: 1 })).compile({ question: "it" }), "Answer it");
const missing = await client.prompt.get(`${name}-missing`, { fallback: "Say {{what}}", maxRetries: 0 });
assert.equal(missing.compile({ what: "so" }), "Say so");
await client.prompt.create({
  name,
  type: "chat",
  labels: [],
  prompt: [
    { role: "system", content: "Be kind." },
    { role: "user", content: "{{question}}" },
  ],
});
const chat = await client.prompt.get(name, { type: "chat", version: 2, cacheTtlSeconds: 0 });
await client.prompt.update({ name, version: 2, newLabels: ["latest"] });
await assert.rejects(client.prompt.update({ name, version: 2, newLabels: ["production"] }), (error) =>
  JSON.stringify([error.message, error.body]).includes(`make a release with ${name}@2`),
);

// A dataset: made, filled, read.
await client.api.datasets.create({ name, description: `Questions of ${PERSON}`, metadata: { team: "support" } });
for (const [number, days] of ["14 days", "30 days"].entries()) {
  await client.dataset.createItem({
    datasetName: name,
    id: `${name}-${number}`,
    input: { question: `I am ${PERSON}. How long, case ${number}?` },
    expectedOutput: days,
    metadata: { case: number },
  });
}
const dataset = await client.dataset.get(name);
assert.deepEqual(dataset.items.map((item) => item.expectedOutput), ["14 days", "30 days"]);

// An experiment over it, whose items call a model.
const answer = async ({ input }) =>
  propagateAttributes({ userId: "ada", sessionId: session }, () =>
    startActiveObservation(
      "chat",
      async (call) => {
        call.update({
          model: "gpt-4o-mini-2024-07-18",
          input,
          output: "14 days",
          prompt: chat,
          usageDetails: { input: 100, input_cached_tokens: 20, output: 20, output_reasoning_tokens: 10 },
        });
        return "14 days";
      },
      { asType: "generation" },
    ),
  );
const result = await dataset.runExperiment({
  name: "nightly",
  runName: `nightly-${session}`,
  description: `asked for by ${PERSON}`,
  metadata: { by: "ci" },
  task: answer,
  evaluators: [
    async ({ output, expectedOutput }) => ({
      name: "exact", value: output === expectedOutput ? 1 : 0, comment: `${PERSON} said so`,
    }),
  ],
  runEvaluators: [
    async ({ itemResults }) => {
      const values = itemResults.flatMap((one) => one.evaluations.map((score) => score.value));
      return { name: "mean_exact", value: values.reduce((sum, value) => sum + value, 0) / values.length };
    },
  ],
});
assert.equal(result.itemResults.length, 2);
await processor.forceFlush();
await client.flush();
