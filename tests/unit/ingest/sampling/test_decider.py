"""Traces whose content waits: when they are decided, and for what they are kept."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Score, Span, Thin
from assay_server.governance import Policy, parse
from assay_server.ingest import Decider
from assay_server.store import DuckStore
from tests.fakes.clock import FakeClock

S = 1_000_000_000
MS = 1_000_000


class World:
    """A store and a decider over it, at the store's own time."""

    def __init__(self, store: DuckStore) -> None:
        self.store = store
        self.clock = FakeClock()
        self.policies: dict[str, Policy] = {}
        self.counted: dict[tuple[str, str], int] = {}
        self.gone: list[str] = []
        self.decider = Decider(store, self, self, self.clock, self.gone.append)

    def add(self, project: str, what: str, n: int) -> None:
        self.counted[project, what] = self.counted.get((project, what), 0) + n

    def tail(self, project: str = "prj_a", **fields: Any) -> None:
        self.policies = {
            **self.policies,
            project: parse([], {"share": 0.0, "quiet_s": 1000, "patience_s": 3000, **fields}),
        }

    async def arrive(
        self, trace: int, *, ms: float = 10, project: str = "prj_a", number: int = 1, **fields: Any
    ) -> None:
        """One span, and the clock at the moment when it was stored."""
        start = 1_795_248_000 * S + trace
        parent = None if number == 1 else f"{1:016x}"
        span = Span(project, f"{trace:032x}", f"{number:016x}", parent, "agent", "agent", start, start + int(ms * MS))
        for name, value in fields.items():
            setattr(span, name, value)
        span.input, span.thin = "text", Thin("waiting", {})
        await self.store.append(Facts(spans=[span]))
        newest = (await self.store.scan("SELECT max(stored_ns) AS n FROM spans"))[0]["n"]
        self.clock = self.decider._clock = FakeClock(newest)

    async def contents(self, project: str = "prj_a") -> dict[int, str | None]:
        rows = await self.store.scan("SELECT trace_id, content FROM spans WHERE project = ? ORDER BY 1", [project])
        return {int(row["trace_id"], 16): row["content"] for row in rows}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = await DuckStore.open(tmp_path / "facts")
    yield World(store)
    await store.close()


async def test_a_trace_is_decided_when_it_is_quiet(world: World) -> None:
    world.tail()
    await world.arrive(1, status="error")
    await world.arrive(2)
    world.clock.advance(500)
    assert await world.decider.decide() == 0
    assert await world.decider.waiting("prj_a") == {"spans": 2, "traces": 2}
    world.clock.advance(501)
    assert await world.decider.decide() == 2
    assert await world.contents() == {1: "kept", 2: "let_go"}
    assert world.counted == {("prj_a", "sampled_out"): 1}
    assert world.gone == ["prj_a"], "whoever follows traces hears of it"


async def test_a_trace_that_never_rests_is_decided_after_its_patience(world: World) -> None:
    world.tail(quiet_s=2900)
    await world.arrive(1)
    world.clock.advance(3001)
    assert await world.decider.decide() == 1


async def test_what_is_flagged_or_slow_is_kept(world: World) -> None:
    world.tail(slower_than_ms=500)
    await world.arrive(1, pii=["EMAIL_ADDRESS"])
    await world.arrive(2, ms=501)
    await world.arrive(3)
    await world.arrive(4)
    await world.arrive(5)
    scores = [
        Score("prj_a", "s1", "tool_loop", 1, "code", 1.0, trace_id=f"{3:032x}"),
        Score("prj_a", "s2", "feedback", 1, "end_user", 0.0, trace_id=f"{4:032x}"),
        Score("prj_a", "s3", "feedback", 1, "end_user", 1.0, trace_id=f"{5:032x}"),
        Score("prj_b", "s4", "feedback", 1, "end_user", 0.0, trace_id=f"{5:032x}"),
    ]
    await world.store.append(Facts(scores=scores))
    world.clock.advance(1001)
    await world.decider.decide()
    assert await world.contents() == {1: "kept", 2: "kept", 3: "kept", 4: "kept", 5: "let_go"}


async def test_the_slowest_of_a_name_are_kept(world: World) -> None:
    """The limit is the quantile of the last day's traces of that root name, from fifty on."""
    world.tail(slower_than_quantile=0.9)
    await world.arrive(1, ms=185)
    await world.arrive(2, ms=195)
    world.clock.advance(1001)
    start = world.clock.now_ns() - 3600 * S
    past = [
        Span("prj_a", f"{n:032x}", f"{1:016x}", None, name, "agent", start, start + n * MS)
        for name, first in (("agent", 100), ("rare", 1000))
        for n in range(first, first + (100 if name == "agent" else 10))
    ]
    await world.store.append(Facts(spans=past))
    await world.decider.decide()
    contents = await world.contents()
    assert (contents[1], contents[2]) == ("let_go", "kept")


async def test_late_spans_follow_their_trace_also_after_a_restart(world: World) -> None:
    world.tail()
    await world.arrive(1, status="error")
    await world.arrive(2)
    world.clock.advance(1001)
    await world.decider.decide()
    world.decider = Decider(world.store, world, world, world.clock, world.gone.append)
    await world.arrive(1, number=2)
    await world.arrive(2, number=2)
    world.clock.advance(1001)
    await world.decider.decide()
    rows = await world.store.scan("SELECT trace_id, content, input FROM spans ORDER BY 1, span_id")
    assert [(row["content"], row["input"]) for row in rows] == [("kept", "text")] * 2 + [("let_go", None)] * 2


async def test_an_error_that_comes_after_the_decision_keeps_what_is_still_there(world: World) -> None:
    """The children of an agent were quiet for long and let go; then its root ends, and fails."""
    world.tail()
    await world.arrive(1, number=2)
    world.clock.advance(1001)
    await world.decider.decide()
    await world.arrive(1, status="error")
    world.clock.advance(1001)
    await world.decider.decide()
    await world.arrive(1, number=3)
    world.clock.advance(1001)
    await world.decider.decide()
    rows = await world.store.scan("SELECT span_id, content, input FROM spans ORDER BY 1")
    assert [(row["content"], row["input"]) for row in rows] == [("kept", "text"), ("let_go", None), ("kept", "text")]


async def test_without_a_tail_what_waits_is_kept_at_once(world: World) -> None:
    world.tail("prj_b")
    await world.arrive(1)
    await world.arrive(1, project="prj_b")
    assert await world.decider.decide() == 1
    assert await world.contents() == {1: "kept"}
    assert await world.contents("prj_b") == {1: "waiting"}


async def test_a_clock_that_is_set_back_holds_no_content_back(world: World) -> None:
    world.tail(share=1.0)
    await world.arrive(1)
    world.clock.advance(-365 * 86_400)
    assert await world.decider.decide() == 1
    assert await world.contents() == {1: "kept"}


async def test_a_clock_that_is_set_back_a_little_decides_as_ever(world: World) -> None:
    world.tail(share=1.0)
    await world.arrive(1)
    world.clock.advance(-2000)
    assert await world.decider.decide() == 0
    world.clock.advance(3001)
    assert await world.decider.decide() == 1
