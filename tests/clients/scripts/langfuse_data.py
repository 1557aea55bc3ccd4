"""Langfuse's Python SDK from version 3 on: prompts, datasets and an experiment over a dataset (versions 3, 4 and 5 run
the same lines).

Settings: LANGFUSE_HOST and LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY.
"""

import os
from typing import Any

from langfuse import Evaluation, Langfuse, propagate_attributes

PERSON = "ada.lovelace@mail-box.org"

session = os.environ["BENCH_SESSION"]
name = f"refunds-{session}".replace("_", "-")
client = Langfuse()

# Prompts: pushed, read by label and by version, linked to a call; one that is missing has a fallback.
client.create_prompt(name=name, prompt="Answer {{question}}", config={"temperature": 0}, commit_message="first")
newest = client.get_prompt(name, label="latest", cache_ttl_seconds=0)
assert (newest.version, newest.labels, newest.config) == (1, ["latest"], {"temperature": 0})
assert client.get_prompt(name, version=1, cache_ttl_seconds=0).compile(question="it") == "Answer it"
assert client.get_prompt(name, cache_ttl_seconds=0).version == 1  # nothing is live yet: the newest
missing = client.get_prompt(f"{name}-missing", fallback="Say {{what}}", max_retries=0)
assert (missing.is_fallback, missing.compile(what="so")) == (True, "Say so")
client.create_prompt(
    name=name,
    type="chat",
    prompt=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{question}}"}],
)
chat = client.get_prompt(name, type="chat", version=2, cache_ttl_seconds=0)
assert [one["role"] for one in chat.compile(question="it")] == ["system", "user"]
assert client.update_prompt(name=name, version=2, new_labels=["latest"])
try:
    client.update_prompt(name=name, version=2, new_labels=["production"])
except Exception as error:  # noqa: BLE001 - each version has its own
    assert f"make a release with {name}@2" in str(error), error
else:
    raise AssertionError("a label went around the gate")

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
assert [item.expected_output for item in dataset.items] == ["14 days", "30 days"]
assert [item.metadata for item in dataset.items] == [{"case": 0}, {"case": 1}]
assert PERSON not in str([item.input for item in dataset.items])


# An experiment over it, whose items call a model.
def answer(*, item: Any, **_: Any) -> str:
    with (
        propagate_attributes(user_id="ada", session_id=session),
        client.start_as_current_observation(
            as_type="generation", name="chat", model="gpt-4o-mini-2024-07-18", input=item.input, prompt=chat
        ) as call,
    ):
        call.update(
            output="14 days",
            usage_details={"input": 100, "input_cached_tokens": 20, "output": 20, "output_reasoning_tokens": 10},
        )
    return "14 days"


def exact(*, output: Any, expected_output: Any, **_: Any) -> Evaluation:
    return Evaluation(name="exact", value=float(output == expected_output), comment=f"{PERSON} said so")


def mean(*, item_results: Any, **_: Any) -> Evaluation:
    values = [one.value for result in item_results for one in result.evaluations]
    return Evaluation(name="mean_exact", value=sum(values) / len(values))


result = dataset.run_experiment(
    name="nightly",
    run_name=f"nightly-{session}",
    description=f"asked for by {PERSON}",
    task=answer,
    evaluators=[exact],
    run_evaluators=[mean],
    metadata={"by": "ci"},
)
assert len(result.item_results) == 2
client.flush()
client.shutdown()
