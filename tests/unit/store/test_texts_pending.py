"""Texts that a question read before the index did: indexed once, found once, gone when they are removed."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Event, Facts
from assay_server.store import Bounds, Doomed, DuckStore
from assay_server.store.text import feed, search
from assay_server.store.text.pending import Round
from tests.conformance.store import a_span
from tests.conformance.texts import found


def reads_of(store: DuckStore) -> list[int]:
    """How many rows are read each time, from now on; before anything is looked for."""
    reads: list[int] = []
    scan = store.texts._scan

    async def counted(sql: str, params: Any = ()) -> list[dict[str, Any]]:
        rows = await scan(sql, params)
        if sql == feed._NEW:
            reads.append(len(rows))
        return rows

    store.texts._scan = counted
    return reads


async def much_unread(path: Path, monkeypatch: pytest.MonkeyPatch, traces: int) -> tuple[DuckStore, list[int]]:
    """More than a question reads at once, each trace of a commit of its own; and how many rows are read."""
    monkeypatch.setattr(feed, "_ROUND", 2)
    monkeypatch.setattr(feed, "_AT_ONCE", 3)
    store = await DuckStore.open(path)
    reads = reads_of(store)
    for n in range(1, traces + 1):
        await store.append(Facts(spans=[a_span(n, n, start_ns=n, input="refund")]))
    return store, reads


async def test_what_was_read_by_a_question_is_indexed_and_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_ROUND", 2)
    store = await DuckStore.open(tmp_path)
    reads = reads_of(store)
    answers = []
    for n in range(1, 8):
        await store.append(Facts(spans=[a_span(n, n, start_ns=n, input="refund")]))
        if n in (3, 5):
            answers.append(await found(store, "refund"))
    await store.texts.catch_up()
    answers.append(await found(store, "refund"))
    texts = (await store.texts.state("prj_a")).texts
    await store.close()
    assert answers == [[3, 2, 1], [5, 4, 3, 2, 1], [7, 6, 5, 4, 3, 2, 1]]
    assert (sum(reads), texts) == (7, 7)


async def test_where_much_is_unread_each_question_reads_a_part_and_all_answer_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_READ_EVERY_S", 3_600)
    store, reads = await much_unread(tmp_path, monkeypatch, 9)
    answers, after_each = [], []
    for _ in range(4):
        answers.append(await found(store, "refund"))
        after_each.append(sum(reads))
    await store.close()
    assert answers == [list(range(9, 0, -1))] * 4
    assert after_each == [2, 4, 9, 9]


async def test_after_a_question_the_rest_is_read_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while the index merges: the next question finds in memory what would be too much to read for it."""
    monkeypatch.setattr(search, "_READ_EVERY_S", 0.01)
    store, reads = await much_unread(tmp_path, monkeypatch, 39)
    first = await found(store, "refund")
    async with asyncio.timeout(10):
        while sum(reads) < 39:
            await asyncio.sleep(0.01)
    monkeypatch.setattr(store.texts, "_from_facts", None)  # nothing is left to be read plainly
    second = await found(store, "refund")
    await store.texts.catch_up()
    texts = (await store.texts.state("prj_a")).texts
    await store.close()
    assert first == second == list(range(39, 0, -1))
    assert (sum(reads), texts) == (39, 39)


async def test_what_a_question_read_is_found_no_more_once_it_is_removed(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    both = [a_span(1, 1, input="refund"), a_span(1, 2, input="parcel")]
    await store.append(Facts(spans=both))
    answers = [await found(store, "refund")]
    await store.erase("prj_a", [Doomed("spans", "span_id = ?", (f"{1:016x}",))])
    answers += [await found(store, "refund"), await found(store, "parcel")]
    await store.append(Facts(spans=both[:1]))  # sent again, it is new
    answers.append(await found(store, "refund"))
    await store.texts.catch_up()
    answers += [await found(store, "refund"), await found(store, "parcel")]
    await store.close()
    assert answers == [[1], [], [1], [1], [1], [1]]


async def test_a_question_that_nobody_waits_for_loses_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(input="refund")]))
    await store.texts.state("prj_a")  # opens it
    reading, go_on = threading.Event(), threading.Event()

    class Slow(Round):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            reading.set()
            go_on.wait()

    with monkeypatch.context() as slow:
        slow.setattr(feed, "Round", Slow)
        asking = asyncio.create_task(found(store, "refund"))
        await asyncio.to_thread(reading.wait)
        asking.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await asking
    await store.texts.catch_up()
    answer = await found(store, "refund")
    await store.close()
    assert answer == [1]


async def test_a_late_span_and_an_early_log_record_stand_where_their_trace_does(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(1, 1, start_ns=100, input="parcel"), a_span(3, 3, start_ns=300)]))
    await store.texts.catch_up()
    said = {"body": "refund"}
    await store.append(Facts(events=[Event("prj_a", "evt_1", "log", 5, trace_id=f"{2:032x}", span_id="2", data=said)]))
    early = await store.texts.find("prj_a", "refund", Bounds(), 9)
    await store.append(Facts(spans=[a_span(1, 11, start_ns=900, input="refund"), a_span(2, 2, start_ns=200)]))
    pending = await store.texts.find("prj_a", "refund", Bounds(), 9)
    await store.close()
    assert [start for start, _ in early.traces] == [5]
    assert [(start, int(trace_id, 16)) for start, trace_id in pending.traces] == [(200, 2), (100, 1)]


@pytest.mark.parametrize(
    ("said", "asked", "held"),
    [
        ("xab ab ab", '"ab ab"', True),
        ("xab ab", '"ab ab"', False),
        ("Ab-aB", '"ab ab"', True),
        ("ab_ab", "ab", True),
        ("abab", "ab", False),
        ("abab", "ab*", True),
        ("x" * 199, "x*", True),
        ("x" * 200, "x*", False),
        ("ab " + "x" * 200 + " ab", '"ab ab"', False),
    ],
)
async def test_words_are_told_in_memory_as_the_index_tells_them(
    tmp_path: Path, said: str, asked: str, held: bool
) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(1, 1, input=said)]))
    in_memory = await found(store, asked)
    await store.texts.catch_up()
    indexed = await found(store, asked)
    await store.close()
    assert in_memory == indexed == ([1] if held else [])
