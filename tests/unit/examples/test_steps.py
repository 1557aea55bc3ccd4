"""The tour stops at the first step that does not do what it should, and says which, what was expected and what seen."""

from typing import Any, cast

import pytest

import assay
from examples.tour import run
from examples.tour.context import Tour, interval, signed
from examples.tour.expect import NotAsExpected, expect, until


class _Screen:
    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, number: int, title: str, about: str) -> None:
        self.said.append(f"{number} {title}")

    def failed(self, text: str) -> None:
        self.said.append(text)


class _Tour:
    def __init__(self) -> None:
        self.screen = _Screen()


async def _good(_tour: Tour) -> None:
    return None


async def _bad(_tour: Tour) -> None:
    expect(1 + 1 == 3, "three", 2)


async def _bad_together(_tour: Tour) -> None:
    raise ExceptionGroup("workers", [NotAsExpected("three", 2), NotAsExpected("four", 3)])


async def _server_gone(_tour: Tour) -> None:
    raise assay.ServerUnreachable("nobody answers", connected=False)


async def _walk(monkeypatch: pytest.MonkeyPatch, *steps: Any) -> tuple[bool, list[str]]:
    monkeypatch.setattr(run, "STEPS", tuple((f"Step{n}", "", step) for n, step in enumerate(steps, 1)))
    tour = _Tour()
    return await run._steps(cast("Tour", tour)), tour.screen.said


async def test_all_steps_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _walk(monkeypatch, _good, _good) == (True, ["1 Step1", "2 Step2"])


@pytest.mark.parametrize("bad", [_bad, _bad_together])
async def test_a_step_that_fails_is_named_and_the_last(monkeypatch: pytest.MonkeyPatch, bad: Any) -> None:
    went_well, said = await _walk(monkeypatch, _good, bad, _good)

    assert not went_well
    assert said[:2] == ["1 Step1", "2 Step2"]
    assert len(said) == 3
    assert "Step 2, Step2" in said[2]
    assert "expected three; seen: 2" in said[2]


async def test_a_server_that_is_gone_fails_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    went_well, said = await _walk(monkeypatch, _server_gone)

    assert not went_well
    assert "nobody answers" in said[-1]


async def test_a_fault_of_the_tour_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_tour: Tour) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await _walk(monkeypatch, broken)


async def test_waiting_ends_when_the_state_is_there() -> None:
    looks = iter(range(10))

    async def probe() -> int:
        return next(looks)

    assert await until("two", probe, lambda value: value == 2) == 2
    assert next(looks) == 3


async def test_waiting_says_what_was_seen_last() -> None:
    async def probe() -> str:
        return "nothing"

    with pytest.raises(NotAsExpected, match="something within 0 s; seen: nothing"):
        await until("something", probe, lambda value: False, deadline_s=0)


def test_numbers_have_a_real_minus() -> None:
    assert (signed(0.166), interval((-0.3, 0.06))) == ("+0.17", "[−0.30, +0.06]")
