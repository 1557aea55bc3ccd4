"""Spans that come in pieces: whole at last, never lost, never twice, and scrubbed before they touch a disk."""

import asyncio
from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from assay_server.checks.pii import Scrubber
from assay_server.core.clock import SystemClock
from assay_server.core.errors import Busy, Unavailable
from assay_server.core.records import Facts
from assay_server.ingest import OF_TRACE, Ingest, Part, PartialSpans
from assay_server.ledger import Ledger, tables
from assay_server.providers import Prices
from assay_server.query import Traces
from assay_server.store import DuckStore
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT

TRACE = "0af7651916cd43dd8448eb211c80319c"
ROOT, CALL = "00000000000000aa", "00000000000000bb"
T0 = 1_795_248_000_000_000_000
S = 1_000_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


@pytest.fixture
async def sink(store: DuckStore) -> AsyncIterator[Ingest]:
    ingest = Ingest(store, Scrubber(), Prices())
    yield ingest
    await ingest.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pieces(ledger: Ledger, sink: Ingest, clock: FakeClock) -> PartialSpans:
    return PartialSpans(ledger, sink, Scrubber(), clock=clock, salt=b"s")


def root(**fields: Any) -> Part:
    return Part(TRACE, ROOT, name="answer", start_ns=T0, root=True, **fields)


def begun(**fields: Any) -> Part:
    return Part(TRACE, CALL, name="chat", start_ns=T0 + S, attributes={"langfuse.observation.type": "generation"})


def ended(**attributes: Any) -> Part:
    return Part(TRACE, CALL, end_ns=T0 + 3 * S, attributes=attributes)


async def spans(store: DuckStore, project: str = PROJECT) -> dict[str, dict[str, Any]]:
    found = await Traces(store).get(project, TRACE)
    return {span["name"]: span for span in found["spans"]} if found else {}


async def kept(ledger: Ledger) -> str:
    rows = await ledger.read(lambda connection: connection.execute(select(tables.foreign.partial_spans)).all())
    return str(rows)


async def test_pieces_of_several_requests_become_one_span(
    pieces: PartialSpans, store: DuckStore, clock: FakeClock
) -> None:
    await pieces.put(PROJECT, [begun()])
    await pieces.put(PROJECT, [root(attributes={"user.id": "ada", "langfuse.trace.tags": ["x"]})])
    clock.advance(30)
    assert await pieces.settle() == 0, "a call that has not ended is waited for"
    await pieces.put(PROJECT, [ended(**{"langfuse.observation.output": "14 days"})])
    assert await pieces.settle() == 0, "somebody may still be speaking"
    clock.advance(4)
    assert await pieces.settle() == 2
    found = await spans(store)
    call, above = found["chat"], found["answer"]
    assert (call["kind"], call["output"], call["parent_id"], call["latency_ms"]) == ("llm", "14 days", ROOT, 2000)
    assert (above["parent_id"], above["latency_ms"]) == (None, 3000)
    assert [(span["user"], span["tags"]) for span in (call, above)] == [("ada", ["x"])] * 2
    assert await pieces.settle() == 0


async def test_a_call_that_never_ends_is_written_when_patience_does(
    pieces: PartialSpans, store: DuckStore, clock: FakeClock
) -> None:
    await pieces.put(PROJECT, [begun()])
    clock.advance(599)
    assert await pieces.settle() == 0
    clock.advance(2)
    assert await pieces.settle() == 1
    assert (await spans(store))["chat"]["latency_ms"] == 0


async def test_what_comes_late_stands_below_its_span_and_only_once(
    pieces: PartialSpans, store: DuckStore, clock: FakeClock
) -> None:
    await pieces.put(PROJECT, [begun(), ended()])
    clock.advance(4)
    await pieces.settle()
    for _ in range(2):  # a client that did not hear our answer sends again
        await pieces.put(PROJECT, [ended(**{"langfuse.observation.output": "14 days"})])
        clock.advance(4)
        await pieces.settle()
    found = await spans(store)
    assert found.keys() == {"chat", "chat (later)"}
    assert (found["chat (later)"]["parent_id"], found["chat (later)"]["output"]) == (CALL, "14 days")


async def test_the_same_pieces_again_change_nothing(pieces: PartialSpans, store: DuckStore, clock: FakeClock) -> None:
    for _ in range(2):
        await pieces.put(PROJECT, [begun(), ended()])
        clock.advance(4)
        await pieces.settle()
    assert (await spans(store)).keys() == {"chat"}


async def test_what_was_acknowledged_outlives_the_process(
    pieces: PartialSpans, ledger: Ledger, sink: Ingest, store: DuckStore, clock: FakeClock
) -> None:
    await pieces.put(PROJECT, [begun()])
    after = PartialSpans(ledger, sink, Scrubber(), clock=clock)
    await after.put(PROJECT, [ended(**{"langfuse.observation.output": "14 days"})])
    clock.advance(4)
    assert await after.settle() == 1
    assert (await spans(store))["chat"]["output"] == "14 days"


async def test_the_ledger_holds_nothing_personal(
    pieces: PartialSpans, ledger: Ledger, store: DuckStore, clock: FakeClock
) -> None:
    said = {"user.id": "ada@mail-box.org", "langfuse.observation.input": "I am ada@mail-box.org"}
    await pieces.put(PROJECT, [root(attributes=said, error="ada@mail-box.org failed")])
    assert "mail-box" not in await kept(ledger)
    clock.advance(4)
    await pieces.settle()
    span = (await spans(store))["answer"]
    assert span["pii"] == ["EMAIL_ADDRESS"]
    assert span["user"].startswith("[EMAIL_ADDRESS:")
    assert (span["status"], span["input"]) == ("error", "I am [EMAIL_ADDRESS]")


async def test_projects_do_not_meet(pieces: PartialSpans, store: DuckStore, clock: FakeClock) -> None:
    await pieces.put(PROJECT, [begun()])
    await pieces.put(OTHER_PROJECT, [ended()])
    clock.advance(601)
    assert await pieces.settle() == 2
    assert (await spans(store)).keys() == {"chat"}
    assert (await spans(store, OTHER_PROJECT)).keys() == {"span"}


class Refusing:
    """A sink whose disk is full."""

    async def write(self, facts: Facts) -> None:
        raise Unavailable


async def test_a_full_disk_loses_nothing(
    ledger: Ledger, sink: Ingest, store: DuckStore, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    first = PartialSpans(ledger, Refusing(), Scrubber(), clock=clock)
    await first.put(PROJECT, [begun(), ended()])
    clock.advance(4)
    assert await first.settle() == 0
    assert "tried again" in caplog.text
    assert await PartialSpans(ledger, sink, Scrubber(), clock=clock).settle() == 1
    assert (await spans(store)).keys() == {"chat"}


async def test_too_much_at_once_is_put_off(pieces: PartialSpans) -> None:
    with pytest.raises(Busy):
        await pieces.put(PROJECT, [begun()] * 50_001)


async def test_the_task_takes_up_what_the_last_end_left(ledger: Ledger, sink: Ingest, store: DuckStore) -> None:
    await PartialSpans(ledger, sink, Scrubber(), clock=SystemClock()).put(PROJECT, [begun(), ended()])
    written = PartialSpans(ledger, sink, Scrubber(), quiet_s=0)
    written.start()
    while not (await store.stats()).rows["spans"]:
        await asyncio.sleep(0.02)
    await written.close()
    assert (await spans(store)).keys() == {"chat"}


def whole(finished: bool | None = True, **attributes: Any) -> Part:
    return Part(TRACE, OF_TRACE, name="trace", finished=finished, attributes=attributes)


def in_one_piece(**fields: Any) -> Part:
    return Part(TRACE, CALL, name="chat", start_ns=T0, end_ns=T0 + S, **fields)


async def test_what_is_said_of_a_trace_reaches_its_spans_in_whatever_order(
    pieces: PartialSpans, store: DuckStore, clock: FakeClock
) -> None:
    await pieces.put(PROJECT, [whole(None), in_one_piece(parent_id=ROOT)])
    clock.advance(60)
    assert await pieces.settle() == 0, "nothing was said of the trace yet"
    await pieces.put(PROJECT, [whole(**{"mlflow.trace.user": "ada", "mlflow.traceTag.shop": "north"})])
    clock.advance(4)
    assert await pieces.settle() == 1
    await pieces.put(PROJECT, [Part(TRACE, ROOT, name="answer", start_ns=T0, end_ns=T0 + S)])
    clock.advance(4)
    assert await pieces.settle() == 1
    found = await spans(store)
    assert {name: span["user"] for name, span in found.items()} == {"chat": "ada", "answer": "ada"}
    assert "mlflow.traceTag.shop" not in found["chat"]["attributes"]
    assert found["answer"]["attributes"]["mlflow.traceTag.shop"] == "north"


async def test_what_is_said_late_of_a_trace_stands_below_its_outermost_span(
    pieces: PartialSpans, store: DuckStore, clock: FakeClock
) -> None:
    await pieces.put(PROJECT, [whole(), in_one_piece()])
    clock.advance(4)
    await pieces.settle()
    await pieces.put(PROJECT, [whole(**{"mlflow.traceTag.shop": "north"})])
    clock.advance(4)
    assert await pieces.settle() == 1
    later = (await spans(store))["trace (later)"]
    assert (later["parent_id"], later["attributes"]["mlflow.traceTag.shop"]) == (CALL, "north")


async def test_a_span_in_one_piece_keeps_all_it_said(pieces: PartialSpans, store: DuckStore, clock: FakeClock) -> None:
    said = {"name": "exception", "time_ns": T0, "attributes": {"exception.message": "ada@mail-box.org failed"}}
    await pieces.put(PROJECT, [in_one_piece(status="ok", resource={"service.name": "shop"}, events=[said])])
    clock.advance(4)
    await pieces.settle()
    span = (await spans(store))["chat"]
    assert (span["status"], span["service"]) == ("ok", "shop")
    assert span["events"][0]["attributes"] == {"exception.message": "[EMAIL_ADDRESS] failed"}


async def test_a_trace_that_is_asked_for_is_written_at_once_if_it_has_ended(
    pieces: PartialSpans, store: DuckStore, clock: FakeClock
) -> None:
    await pieces.put(PROJECT, [begun()])
    await pieces.flush(PROJECT, TRACE)
    assert await store.scan("SELECT 1 AS one FROM spans") == []
    await pieces.put(PROJECT, [ended()])
    await pieces.flush(OTHER_PROJECT, TRACE)
    assert await store.scan("SELECT 1 AS one FROM spans") == []
    await pieces.flush(PROJECT, TRACE)
    assert (await spans(store)).keys() == {"chat"}


async def test_a_clock_that_is_set_back_holds_no_span_back(
    pieces: PartialSpans, store: DuckStore, clock: FakeClock
) -> None:
    await pieces.put(PROJECT, [root(), begun()])
    clock.advance(-86_400)
    assert await pieces.settle() == 2
    clock.advance(86_400)
    assert await pieces.settle() == 0


def told(at: int, **fields: Any) -> Part:
    return Part(TRACE, ROOT, root=True, told_ns=T0 + at, **fields)


ORDER = [
    told(1, name="begun", start_ns=T0, attributes={"a": "first", "b": "first"}),
    told(2, name="answer", attributes={"a": "second", "c": "second"}),
    told(3, end_ns=T0 + S, attributes={"b": "third"}),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_what_was_told_last_wins_field_by_field_whatever_came_first(
    order: tuple[int, ...], pieces: PartialSpans, store: DuckStore, clock: FakeClock
) -> None:
    for which in order:
        await pieces.put(PROJECT, [ORDER[which]])
    clock.advance(30)
    await pieces.settle()
    [(name, span)] = (await spans(store)).items()
    assert (name, span["latency_ms"]) == ("answer", 1000)
    assert {key: span["attributes"][key] for key in "abc"} == {"a": "second", "b": "third", "c": "second"}


async def test_what_was_told_before_and_comes_after_the_end_says_only_what_nobody_said(
    pieces: PartialSpans, store: DuckStore, clock: FakeClock
) -> None:
    await pieces.put(PROJECT, [told(5, name="answer", start_ns=T0, end_ns=T0 + S, attributes={"a": 5})])
    clock.advance(30)
    await pieces.settle()
    await pieces.put(PROJECT, [told(5, name="answer", attributes={"a": 5}), told(9, attributes={"a": 5})])
    await pieces.put(PROJECT, [told(1, name="begun", attributes={"a": 1})])
    clock.advance(30)
    assert (await pieces.settle(), set(await spans(store))) == (0, {"answer"})
    await pieces.put(PROJECT, [told(1, name="begun", attributes={"a": 1, "b": 1})])
    clock.advance(30)
    await pieces.settle()
    later = (await spans(store))["answer (later)"]
    assert (later["attributes"].get("a"), later["attributes"]["b"]) == (None, 1)
