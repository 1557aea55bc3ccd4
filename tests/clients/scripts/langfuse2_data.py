"""Langfuse's Python SDK 2: prompts, a dataset, and an experiment over it by hand: one item within `item.observe`, one
with `item.link`.

Settings: LANGFUSE_HOST, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY.
"""

import os

from langfuse import Langfuse
from langfuse.decorators import langfuse_context, observe

PERSON = "ada.lovelace@mail-box.org"
MODEL = "gpt-4o-mini-2024-07-18"
USAGE = {"input": 100, "input_cached_tokens": 20, "output": 20, "output_reasoning_tokens": 10}

session = os.environ["BENCH_SESSION"]
name = f"refunds-{session}".replace("_", "-")
client = Langfuse()

# Prompts: pushed, read by label and by version, linked to a call; one that is missing has a fallback.
client.create_prompt(name=name, prompt="Answer {{question}}", config={"temperature": 0}, commit_message="first")
newest = client.get_prompt(name, label="latest", cache_ttl_seconds=0)
assert (newest.version, newest.labels, newest.config) == (1, ["latest"], {"temperature": 0})
assert client.get_prompt(name, version=1, cache_ttl_seconds=0).compile(question="it") == "Answer it"
missing = client.get_prompt(f"{name}-missing", fallback="Say {{what}}", max_retries=1)
assert (missing.is_fallback, missing.compile(what="so")) == (True, "Say so")
client.create_prompt(
    name=name,
    type="chat",
    prompt=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{question}}"}],
)
chat_prompt = client.get_prompt(name, type="chat", version=2, cache_ttl_seconds=0)
assert [one["role"] for one in chat_prompt.compile(question="it")] == ["system", "user"]

# A dataset: made, filled, read.
client.create_dataset(name=name, description="Questions of " + PERSON, metadata={"team": "support"})
for number, days in enumerate(("14 days", "30 days")):
    client.create_dataset_item(
        dataset_name=name,
        id=f"{name}-{number}",
        input={"question": f"I am {PERSON}. How long, case {number}?"},
        expected_output=days,
        metadata={"case": number},
    )
dataset = client.get_dataset(name)
first, second = dataset.items
assert [item.expected_output for item in dataset.items] == ["14 days", "30 days"]
assert [item.metadata for item in dataset.items] == [{"case": 0}, {"case": 1}]
assert PERSON not in str([item.input for item in dataset.items])

experiment = {
    "run_name": f"nightly-{session}",
    "run_description": f"asked for by {PERSON}",
    "run_metadata": {"by": "ci"},
}


@observe(as_type="generation")
def chat(question: dict) -> str:
    langfuse_context.update_current_observation(model=MODEL, usage_details=USAGE, prompt=chat_prompt)
    return "14 days"


@observe()
def answer(question: dict) -> str:
    langfuse_context.update_current_trace(user_id="ada", session_id=session)
    return chat(question)


with first.observe(**experiment) as trace_id:
    told = answer(first.input)
client.score(trace_id=trace_id, name="exact", value=float(told == first.expected_output), comment=f"{PERSON} said so")

trace = client.trace(name="answer", user_id="ada", session_id=session, input=second.input)
call = trace.generation(name="chat", model=MODEL, input=second.input, prompt=chat_prompt)
call.end(output="14 days", usage_details=USAGE)
trace.update(output="14 days")
second.link(call, **experiment)
trace.score(name="exact", value=float(second.expected_output == "14 days"))
langfuse_context.flush()
client.flush()
