"""Log records of traces that are sampled: they follow their span, whichever came first."""

import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import Unavailable
from assay_server.core.records import Event, Facts, Span, Thin
from assay_server.governance import Policy, parse
from assay_server.ingest import Decider, Doorkeeper, Labels, LogFates, aliases
from assay_server.ingest.sampling import log_fates
from assay_server.keeping import remains_of_log_record
from assay_server.store import Bounds, DuckStore
from tests.fakes.clock import FakeClock

S = 1_000_000_000
START = 1_795_248_000 * S
POLICY = parse(
    [
        {"name": "pings", "match": {"name": "ping"}, "action": "drop"},
        {"name": "steps", "match": {"name": "step"}, "action": "sample", "rate": 0.0},
        {"name": "roots", "match": {"name": "root"}, "action": "keep"},
    ],
    {"share": 0.0, "quiet_s": 1},
)


def a_span(trace: int, number: int = 1, name: str = "step", project: str = "prj_a", **fields: Any) -> Span:
    made = Span(project, f"{trace:032x}", f"{number:016x}", None, name, "llm", START, START + S, input="text", **fields)
    made.attributes = {}
    return made


def a_record(trace: int, number: int | None = 1, project: str = "prj_a", kind: str = "content") -> Event:
    place = None if number is None else f"{number:016x}"
    data = {"name": "gen_ai.user.message", "severity": "INFO", "input": "secretword", "attributes": {"n": 5}}
    return Event(project, f"e{trace}-{number}", kind, START, f"{trace:032x}", place, data=data)


class World:
    """A door, a decider and whoever follows, over one store."""

    def __init__(self, store: DuckStore) -> None:
        self.store = store
        self.clock = FakeClock(time.time_ns())
        self.policies: dict[str, Policy] = {"prj_a": POLICY}
        self.start()

    def start(self) -> None:
        remains = partial(remains_of_log_record, is_label=Labels(aliases()).is_label)
        self.fates = LogFates(self.store, self, self.clock, remains)
        self.decider = Decider(self.store, self, self, self.clock, self.fates.touched)
        self.door = Doorkeeper(self, self, self, self.decider.held, self.fates)

    def add(self, project: str, what: str, n: int) -> None: ...

    def check(self, project: str) -> None: ...

    async def arrive(self, *facts: Span | Event) -> None:
        both = Facts(
            spans=[one for one in facts if isinstance(one, Span)], events=[one for one in facts if type(one) is Event]
        )
        tally = self.door.admit(both)
        await self.store.append(both)
        self.door.stored(tally, both)

    async def quiet(self) -> None:
        self.clock.advance(3)
        await self.decider.decide()
        await self.fates.follow()

    async def texts(self) -> dict[str, bool]:
        rows = await self.store.scan("SELECT id, data FROM events ORDER BY id")
        return {row["id"]: "secretword" in row["data"] for row in rows}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = await DuckStore.open(tmp_path / "facts")
    yield World(store)
    await store.close()


@pytest.mark.parametrize("record_first", [True, False])
async def test_a_record_goes_the_way_of_its_span(world: World, record_first: bool) -> None:
    spans = [a_span(1), a_span(1, 2, "root"), a_span(2, 1, "other"), a_span(3, 1, "other", status="error")]
    records = [a_record(1), a_record(1, 2), a_record(2), a_record(3), a_record(4)]
    for facts in (records, spans) if record_first else (spans, records):
        await world.arrive(*facts)
        await world.fates.follow()
    waiting = await world.texts()
    await world.quiet()
    assert waiting == {"e1-1": False, "e1-2": True, "e2-1": True, "e3-1": True, "e4-1": True}
    assert await world.texts() == {"e1-1": False, "e1-2": True, "e2-1": False, "e3-1": True, "e4-1": True}
    row = (await world.store.scan("SELECT data FROM events WHERE id = 'e1-1'"))[0]["data"]
    assert '"severity":"INFO"' in row
    assert '"n":5' in row, "what is counted stays"
    found = await world.store.texts.find("prj_a", "secretword", Bounds(), 10)
    assert {trace_id[-2:] for _, trace_id in found.traces} == {"01", "03", "04"}


async def test_what_is_dropped_while_the_store_is_not_to_be_had_does_not_fill_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_fates, "_MOST_DROPPED", 10)
    for n in range(1, 101):
        world.fates.dropped(a_span(n))
    assert len(world.fates._new["prj_a"]) < 20
    assert len(world.fates._dropped) == 10


async def test_a_record_of_the_whole_trace_goes_when_nothing_of_it_is_kept(world: World) -> None:
    await world.arrive(a_span(1), a_span(1, 2, "root"), a_span(2), a_span(2, 2, "other"))
    await world.arrive(a_record(1, None), a_record(2, None, kind="log"))
    await world.fates.follow()
    assert await world.texts() == {"e1-None": True, "e2-None": True}, "a span of it waits"
    await world.quiet()
    assert await world.texts() == {"e1-None": True, "e2-None": False}


async def test_records_of_dropped_spans_are_not_kept(world: World) -> None:
    await world.arrive(a_record(1), a_record(2))
    await world.arrive(a_span(1, 1, "ping"), a_span(3, 1, "ping"))
    await world.arrive(a_record(3))
    await world.fates.follow()
    assert await world.texts() == {"e2-1": True}


async def test_other_projects_and_other_events_are_left_alone(world: World) -> None:
    thin = a_span(1, project="prj_b")
    thin.thin = Thin("sampled_out", {})
    await world.arrive(a_span(1), thin, a_record(1), a_record(1, project="prj_b"))
    await world.arrive(a_record(2, kind="deployment"), a_span(2))
    await world.fates.follow()
    rows = await world.store.scan("SELECT project, kind, let_go_ns IS NULL AS whole FROM events ORDER BY ALL")
    assert [tuple(row.values()) for row in rows] == [
        ("prj_a", "content", False),
        ("prj_a", "deployment", True),
        ("prj_b", "content", False),
    ]


async def test_what_the_last_end_left_is_taken_up(world: World) -> None:
    await world.arrive(a_span(1), a_record(1))
    world.start()
    assert await world.fates.follow() == 1
    assert await world.fates.follow() == 0


async def test_what_could_not_be_done_is_done_the_next_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.fates.follow()
    await world.arrive(a_span(1), a_record(1), a_record(2))
    await world.arrive(a_span(2, 1, "ping"))

    async def full(*_: Any) -> int:
        raise Unavailable("The disk is full.", field="disk", fix="free some space")

    with monkeypatch.context() as patched:
        patched.setattr(world.store, "let_go", full)
        with pytest.raises(Unavailable):
            await world.fates.follow()
    await world.fates.follow()
    assert await world.texts() == {"e1-1": False}
