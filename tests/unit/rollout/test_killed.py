"""Killed between any two steps of any transition, a canary goes on where it was: nothing twice, nothing lost."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from assay_server.rollout import MACHINE, Canaries, Plan, Watched
from tests.fakes.rollout import FEEDBACK, Stage
from tests.fixtures.ledger import PROJECT


class Killed(BaseException):
    """The process ends here: no handler of ours may catch it."""


class Fuse:
    """Kills at the n-th call that goes through it, before or after the call took effect."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after, self.calls = at, after, 0

    def around(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def fused(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.calls == self.at and not self.after:
                raise Killed
            answer = await call(*args, **kwargs)
            if self.calls == self.at:
                raise Killed
            return answer

        return fused


class Fused:
    """Everything an object does, through a fuse."""

    def __init__(self, inner: Any, fuse: Fuse, names: set[str]) -> None:
        self._inner, self._fuse, self._names = inner, fuse, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._fuse.around(found) if name in self._names else found


def mortal(stage: Stage, fuse: Fuse) -> Canaries:
    channels = Fused(stage.channels, fuse, {"begin", "advance", "finish"})
    ledger: Any = Fused(stage.ledger, fuse, {"write"})
    opening: Any = fuse.around(stage.incidents)
    return Canaries(ledger, channels, stage.releases, stage.world, opening, stage.clock, stage.canaries._scrub)


STORIES: dict[str, tuple[Plan, dict[str, float], list[str], int]] = {
    "promoted": (
        Plan(scores=(FEEDBACK,), min_units=40),
        {"baseline": 0.7, "candidate": 0.95},
        ["canary_start", "canary_step", "canary_promote"],
        0,
    ),
    "rolled back": (
        Plan(scores=(FEEDBACK,), min_units=40),
        {"baseline": 0.85, "candidate": 0.3},
        ["canary_start", "canary_rollback"],
        1,
    ),
    "held": (
        Plan(scores=(Watched("user_feedback", 0.001),), steps=(50,), min_units=40, max_units=400),
        {"baseline": 0.8, "candidate": 0.8},
        ["canary_start"],
        1,
    ),
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("story", STORIES)
async def test_killed_at_every_step_it_ends_the_same(stage: Stage, story: str, after: bool) -> None:
    plan, good, history, incidents = STORIES[story]
    kills = 0
    for at in range(1, 40):
        stage.channels.__init__(clock=stage.clock)  # type: ignore[misc]
        stage.incidents.__init__()  # type: ignore[misc]
        stage.world.__init__(stage.channels, stage.clock, seed=7)  # type: ignore[misc]
        kills += await _live(stage, mortal(stage, Fuse(at, after=after)), plan, good)
        assert [action for action, _, _ in stage.channels.history] == history
        assert len(stage.incidents.opened) == incidents
        await _forget_held(stage)
    assert kills >= 6


async def _live(stage: Stage, mortal: Canaries, plan: Plan, good: dict[str, float]) -> int:
    """A canary from start to end; the first process dies on its fuse, the next one finds only the ledger."""
    room, kills, wanted = mortal, 0, {"channel": "production", "release": "rel_b", "plan": plan}
    try:
        await room.start(PROJECT, **wanted, by="user:ann", reason="try")  # type: ignore[arg-type]
    except Killed:
        room, kills = stage.again(), 1
        if not await room.unfinished():  # died before anything was written: the caller got no answer, and asks again
            await room.start(PROJECT, **wanted, by="user:ann", reason="try")  # type: ignore[arg-type]
    for _ in range(60):
        found = [canary for _, canary in await room.unfinished()]
        if not found or (await room.get(PROJECT, found[0])).status == "held":
            break
        stage.world.new_users(120, good=good)
        try:
            await room.tick(PROJECT, found[0])
        except Killed:
            room, kills = stage.again(), 1
            await room.tick(PROJECT, found[0])
    return kills


async def _forget_held(stage: Stage) -> None:
    room = stage.again()
    for _, canary in await room.unfinished():
        await room.abort(PROJECT, canary, by=MACHINE, reason="next")
