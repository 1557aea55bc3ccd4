"""A call whose answer carries logprobs says how sure the model was: a score, and what it was made of in the span."""

import json
import math
from typing import Any

import pytest

from tests.fakes.gateway import World
from tests.fakes.provider import Behaviour

HELLO: Any = [{"role": "user", "content": "Hello"}]


def whole(logprobs: Any) -> bytes:
    choice = {"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop", "logprobs": logprobs}
    return json.dumps({"choices": [choice]}).encode()


async def confidences(world: World) -> list[float | None]:
    await world.spans()
    return [score.value for score in world.sink.scores]


async def test_a_streamed_answer_has_the_mean_of_its_tokens(world: World) -> None:
    world.provider.on("m", Behaviour(logprobs=(0.0, -0.2, -0.4)))
    await world.post({"model": "fake/m", "messages": HELLO, "logprobs": True, "stream": True}, x_assay_user="u")
    span = await world.span()
    assert span.attributes["assay.logprob.mean"] == pytest.approx(-0.2)
    assert span.attributes["assay.logprob.tokens"] == 3
    [score] = world.sink.scores
    assert score.value == pytest.approx(math.exp(-0.2))
    assert (score.name, score.source, score.trace_id, score.span_id) == (
        "confidence",
        "code",
        span.trace_id,
        span.span_id,
    )


async def test_one_token_that_is_very_unlikely_does_not_drown_the_others(world: World) -> None:
    tokens = [{"token": "a", "logprob": -9999.0}, *({"token": "b", "logprob": 0.0} for _ in range(99))]
    world.provider.on("m", Behaviour(body=whole({"content": tokens})))
    await world.post({"model": "fake/m", "messages": HELLO, "logprobs": True})
    assert await confidences(world) == [pytest.approx(math.exp(-0.2))]


@pytest.mark.parametrize(
    "odd",
    [None, [], "none", {"content": None}, {"content": []}, {"content": [None, {"logprob": "x"}, {"logprob": True}]},
     {"content": [{"logprob": 0.5}]}],
    ids=["none", "list", "text", "no content", "empty", "odd tokens", "above zero"],
)  # fmt: skip
async def test_without_logprobs_nothing_is_said(world: World, odd: Any) -> None:
    world.provider.on("m", Behaviour(body=whole(odd)))
    answer = await world.post({"model": "fake/m", "messages": HELLO})
    assert answer.status_code == 200
    assert await confidences(world) == []
    assert "assay.logprob.mean" not in (await world.span()).attributes
