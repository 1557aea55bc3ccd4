"""What is removed leaves the index of texts too, whatever happens meanwhile."""

import asyncio
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay_server.core.errors import Unavailable
from assay_server.core.records import Facts
from assay_server.store import Doomed, DuckStore, Thinned
from assay_server.store.text import search
from assay_server.store.text.feed import Feed
from assay_server.store.text.index import TextIndex
from tests.conformance.store import a_span
from tests.conformance.texts import found


async def _filled(path: Path) -> DuckStore:
    store = await DuckStore.open(path)
    await store.append(Facts(spans=[a_span(1, 1, input="refund"), a_span(2, 2, input="parcel")]))
    await store.texts.catch_up()
    return store


def _trace(n: int) -> list[Doomed]:
    return [Doomed("spans", "trace_id = ?", (f"{n:032x}",))]


def _until(held: threading.Event, go_on: threading.Event) -> None:
    held.set()
    go_on.wait(30)


def _noted(path: Path) -> list[str]:
    return [name for name in ("removing.json", "removed") if (path / "text" / name).exists()]


async def test_a_deletion_whose_caller_goes_away_leaves_the_index_too(tmp_path: Path) -> None:
    """The index was renewed before the rows had gone, and its note of them was taken away."""
    store = await _filled(tmp_path)
    held, go_on = threading.Event(), threading.Event()
    store._writer.submit(_until, held, go_on)
    held.wait(30)
    erasing = asyncio.create_task(store.erase("prj_a", _trace(1)))
    while not store._changing.locked():
        await asyncio.sleep(0)
    erasing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await erasing
    go_on.set()
    await store.erase("prj_a", _trace(3))  # has its turn behind that one
    async with store.texts._removing:
        answers = await found(store, "refund"), await found(store, "parcel")
    await store.close()
    assert answers == ([], [2])


async def test_a_backup_that_nobody_waits_for_still_keeps_texts_from_being_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows must not change that a copy still reads as they were."""
    store = await _filled(tmp_path / "facts")
    begun, go_on = threading.Event(), threading.Event()

    def copy(*_: Any) -> dict[str, int]:
        begun.set()
        go_on.wait(30)
        return {}

    monkeypatch.setattr(store._rewriting, "copy", copy)
    backup = asyncio.create_task(store.copy(tmp_path / "backup"))
    await asyncio.to_thread(begun.wait, 30)
    backup.cancel()
    with pytest.raises(asyncio.CancelledError):
        await backup
    thinned = asyncio.create_task(store.let_go("prj_a", [Thinned("spans", 1, {}, 30)], 77))
    await asyncio.sleep(0.05)
    waited = not thinned.done() and store._copying.locked()
    go_on.set()
    await thinned
    await store.close()
    assert waited


async def test_what_the_index_refused_leaves_it_with_the_next_removal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one wrote its note over that of the first."""
    store = await _filled(tmp_path)

    async def refused(_: Feed, project: str, traces: Sequence[str]) -> None:
        raise Unavailable(f"no memory for {traces} of {project}")

    with monkeypatch.context() as patched:
        patched.setattr(Feed, "renew", refused)
        with pytest.raises(Unavailable, match="no memory"):
            await store.erase("prj_a", _trace(1))
    before, noted = await found(store, "refund"), _noted(tmp_path)
    await store.erase("prj_a", [Doomed("scores", "true")])
    after, left = await found(store, "refund"), _noted(tmp_path)
    await store.close()
    assert (before, noted) == ([1], ["removing.json", "removed"])
    assert (after, left) == ([], ["removed"])


async def test_an_index_made_anew_does_not_answer_for_what_was_removed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold those words, so the next compaction has to make it anew again."""
    store = await _filled(tmp_path)
    await store.erase("prj_a", _trace(1))
    real = store.texts.rebuild

    async def rebuild() -> None:
        await real()
        await store.erase("prj_a", _trace(2))

    monkeypatch.setattr(store.texts, "rebuild", rebuild)
    await store.compact()
    meanwhile = _noted(tmp_path)
    monkeypatch.setattr(store.texts, "rebuild", real)
    await store.compact()
    afterwards = _noted(tmp_path)
    await store.close()
    assert (meanwhile, afterwards) == (["removed"], [])


async def test_an_index_that_was_not_made_anew_before_the_store_closed_is_made_by_the_next_compaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note was taken away: what was removed stayed in its files."""
    store = await _filled(tmp_path)
    await store.erase("prj_a", _trace(1))
    monkeypatch.setattr(store.texts, "_closed", True)
    with pytest.raises(Unavailable, match="being closed"):
        await store.compact()
    await store.close()
    assert _noted(tmp_path) == ["removed"]
    store = await DuckStore.open(tmp_path)
    await store.compact()
    answers = await found(store, "refund"), await found(store, "parcel")
    await store.close()
    assert (_noted(tmp_path), answers) == ([], ([], [2]))


async def test_an_index_whose_swap_failed_is_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await _filled(tmp_path)

    def refused(_: TextIndex, folder: Path) -> None:
        shutil.rmtree(folder / "v1")
        raise OSError("Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(TextIndex, "move_to", refused)
        with pytest.raises(OSError, match="Input/output"):
            await store.texts.rebuild()
    await store.append(Facts(spans=[a_span(3, 3, input="refund")]))
    await store.texts.catch_up()
    answer = await found(store, "refund")
    await store.close()
    assert answer == [3, 1]


async def test_the_index_follows_on_after_an_error_of_any_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the engine's own errors it never came back: nothing was indexed any more until the next start."""
    monkeypatch.setattr(search, "_RETRY_S", 0.01)
    monkeypatch.setattr(search, "_EVERY_S", 0.01)
    store = await DuckStore.open(tmp_path)
    real, failed = store.texts._scan, asyncio.Event()
    store.texts._every_s = 0.01

    async def scan(sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        if not failed.is_set():
            failed.set()
            raise duckdb.BinderException("of another kind")
        return await real(sql, params)

    monkeypatch.setattr(store.texts, "_scan", scan)
    await store.append(Facts(spans=[a_span(1, 1, input="refund")]))
    async with asyncio.timeout(30):
        await failed.wait()
        while store.texts._feed is None or store.texts._feed.through < 0:
            await asyncio.sleep(0.01)
    indexed = (await store.texts.state("prj_a")).texts
    await store.close()
    assert indexed == 1


async def test_a_deletion_on_a_disk_that_takes_no_note_of_it_is_refused_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(1, 1)]))

    def full(*_: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(store.texts._removals, "begin", full)
        with pytest.raises(Unavailable, match="Too many open files") as refusal:
            await store.erase("prj_a", [Doomed("spans", "true")])
    rows = (await store.stats()).rows
    await store.close()
    assert (rows["spans"], refusal.value.fix) == (1, "allow the server more open files")
