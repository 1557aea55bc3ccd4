"""How sure a model was, out of the answers that clients keep: a score, once however often the span is sent."""

import json
import math
from typing import Any

import pytest

from assay_server.checks.pii import Scrubber
from assay_server.core.records import Span
from assay_server.ingest import PROTOBUF, Ingest
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.normalise.normaliser import Normaliser
from assay_server.providers import Prices
from tests.fakes.memory_store import MemoryStore
from tests.fakes.otlp_requests import a_span, protobuf

TOKENS = [{"token": "a", "logprob": -0.1, "top_logprobs": [{"token": "b", "logprob": -9.0}]}, {"logprob": -0.3}]
CHAT = {"choices": [{"message": {"role": "assistant", "content": "hi"}, "logprobs": {"content": TOKENS}}]}
RESPONSE = {"output": [{"content": [{"type": "output_text", "text": "hi", "logprobs": TOKENS}]}]}


def scores_of(attributes: dict[str, Any], kind: str = "LLM") -> list[Any]:
    told = {"openinference.span.kind": kind, **attributes}
    return Normaliser(aliases()).fill(Span("prj_a", "1" * 32, "2" * 16, None, "chat", "span", 1, 9, attributes=told))


@pytest.mark.parametrize("answer", [CHAT, RESPONSE], ids=["chat", "response"])
@pytest.mark.parametrize("key", ["output.value", "mlflow.spanOutputs", "langfuse.observation.output"])
@pytest.mark.parametrize("as_text", [True, False])
def test_the_answer_that_a_client_keeps_says_how_sure_the_model_was(key: str, answer: Any, as_text: bool) -> None:
    [score] = scores_of({key: json.dumps(answer) if as_text else answer})
    assert (score.name, score.source, score.span_id) == ("confidence", "code", "2" * 16)
    assert score.value == pytest.approx(math.exp(-0.2))
    assert score.reason == "mean logprob -0.2000 of 2 tokens"


def test_one_impossible_token_does_not_decide_over_all() -> None:
    told = [{"logprob": -9999.0}, *({"logprob": 0.0} for _ in range(99))]
    [score] = scores_of({"output.value": {"choices": [{"logprobs": {"content": told}}]}})
    assert score.value == pytest.approx(math.exp(-0.2))


@pytest.mark.parametrize(
    "answer",
    [
        "hi", 'a "logprob" that somebody speaks of', '{"logprob": -1', None, {}, {"logprobs": None},
        {"logprobs": {"content": None}}, {"logprobs": {"content": [None, {"logprob": "x"}, {"logprob": True}]}},
        {"logprobs": [{"logprob": 0.5}]}, {"logprob": -1},
    ],
)  # fmt: skip
def test_without_logprobs_nothing_is_said(answer: Any) -> None:
    assert scores_of({} if answer is None else {"output.value": answer}) == []


def test_only_calls_of_models_are_sure() -> None:
    """An agent's span repeats what its call answered."""
    assert scores_of({"output.value": CHAT}, kind="AGENT") == []


async def test_a_span_that_comes_twice_is_judged_once() -> None:
    store = MemoryStore()
    ingest = Ingest(store, Scrubber(), Prices())
    attributes = {"openinference.span.kind": "LLM", "output.value": json.dumps(CHAT)}
    for _ in range(2):
        await ingest.otlp("prj_a", protobuf(a_span(attributes=attributes)), PROTOBUF)
    await ingest.close()
    assert len({score.id for batch in store.batches for score in batch.scores}) == 1
