"""The rewritten file of the DuckDB store: what was removed is in no byte of it, and a kill leaves one whole store."""

import asyncio
import errno
import gc
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay_server.core.errors import Corrupt, Unavailable
from assay_server.core.records import Facts, Score
from assay_server.store import Doomed, DuckStore, Settings, Thinned, copying
from assay_server.store.directory import Directory
from assay_server.store.reading import Reading
from tests.conformance.store import a_span
from tests.conformance.taking_away import TakingAwayConformance
from tests.fixtures.many_names import with_many_names

SECRET = "a-word-that-nobody-else-writes-7261"

_REWRITER = """
import asyncio, os, sys
from assay_server.core.records import Facts
from assay_server.store import DuckStore
from assay_server.store.directory import Directory
from tests.conformance.store import a_span
where = sys.argv[2]
switch = Directory.switch
def dying(self, file):
    if where == "after":
        switch(self, file)
    os._exit(9)
Directory.switch = dying
async def main():
    store = await DuckStore.open(sys.argv[1])
    await store.append(Facts(spans=[a_span(n, n) for n in range(1, 101)]))
    await store.compact()
asyncio.run(main())
"""


class TestConformance(TakingAwayConformance):
    async def reopen(self, path: Path) -> DuckStore:
        return await DuckStore.open(path / "facts")


def _files_with(path: Path, word: str) -> list[str]:
    files = (file for file in path.rglob("*") if file.is_file())
    return sorted(file.name for file in files if word.encode() in file.read_bytes())


async def test_no_byte_is_left_of_what_was_removed(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    store._connection.execute("SET GLOBAL force_compression = 'uncompressed'")  # so that it can be found at all
    hidden = {"k": SECRET, "input.value": SECRET}
    spans = [a_span(1, n, input=SECRET, attributes=hidden, name="call") for n in range(1, 4)]
    await store.append(Facts(spans=[*spans, a_span(2, 9, input="harmless")]))
    await store.append(Facts(scores=[Score("prj_a", "scr_1", "q", 1, "human", reason=SECRET)]))
    store._connection.execute("CHECKPOINT")
    assert _files_with(tmp_path, SECRET) == ["facts.duckdb"]
    await store.erase("prj_a", [Doomed("spans", "trace_id = ?", (spans[0].trace_id,)), Doomed("scores", "true")])
    assert _files_with(tmp_path, SECRET) != []  # invisible, and still on the disk
    await store.compact()
    left = _files_with(tmp_path, SECRET)
    rows = await store.scan("SELECT input FROM spans")
    await store.close()
    assert left == []
    assert rows == [{"input": "harmless"}]


async def test_a_compaction_that_waits_for_a_backup_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It held the lock of all changes meanwhile: nothing was settled or priced anew for as long as the copy took. And
    no log is emptied while rows change that a copy still reads as they were."""
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts(spans=[a_span(1, 1)]))
    copying_now, go_on = asyncio.Event(), threading.Event()
    loop, real = asyncio.get_running_loop(), store._rewriting.copy

    def copy(*given: Any) -> dict[str, int]:
        loop.call_soon_threadsafe(copying_now.set)
        go_on.wait(30)
        return real(*given)

    monkeypatch.setattr(store._rewriting, "copy", copy)
    backup = asyncio.ensure_future(store.copy(tmp_path / "backup"))
    await copying_now.wait()
    compaction = asyncio.ensure_future(store.compact())
    thinned = asyncio.ensure_future(store.let_go("prj_a", [Thinned("spans", 1, {}, 30)], 77))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(20):
        await store.append(Facts(spans=[a_span(1, 2)]))
        await store.settle()
        await store.reprice("prj_a", [])
        waited = not thinned.done() and not compaction.done()
        go_on.set()
        await asyncio.gather(backup, compaction, thinned)
    await store.close()
    assert waited


async def test_reads_and_appends_go_on_while_everything_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the copy takes: here it takes until both were answered."""
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts(spans=[a_span(n, n) for n in range(1, 11)]))
    copying_now, go_on, real = threading.Event(), threading.Event(), copying.copy

    def slow(*given: Any) -> copying.Marks:
        marks = real(*given)
        copying_now.set()
        assert go_on.wait(60), "nobody was answered meanwhile"
        return marks

    monkeypatch.setattr(copying, "copy", slow)
    compaction = asyncio.ensure_future(store.compact())
    await asyncio.to_thread(copying_now.wait, 30)
    async with asyncio.timeout(20):
        before = await store.scan("SELECT count(*) AS n FROM spans")
        await store.append(Facts(spans=[a_span(11, 11)]))
        after = await store.scan("SELECT count(*) AS n FROM spans")
    assert not compaction.done()
    go_on.set()
    await compaction
    rows = await store.scan("SELECT count(*) AS n FROM spans")
    await store.close()
    assert [before[0]["n"], after[0]["n"], rows[0]["n"]] == [10, 11, 11]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_kill_at_the_switch_leaves_one_whole_store(tmp_path: Path, moment: str) -> None:
    root = str(Path(__file__).parents[3])
    killed = subprocess.run(
        [sys.executable, "-c", _REWRITER, str(tmp_path), moment], env={**os.environ, "PYTHONPATH": root}, check=False
    )
    assert killed.returncode == 9
    assert len(list(tmp_path.glob("facts*.duckdb"))) == 2
    store = await DuckStore.open(tmp_path)
    rows = (await store.stats()).rows
    again = await store.append(Facts(spans=[a_span(n, n) for n in range(1, 101)]))
    await store.close()
    assert (rows["spans"], rows["traces"], again.duplicates) == (100, 100, 100)
    in_force = "facts.duckdb" if moment == "before" else "facts-1.duckdb"
    assert [file.name for file in tmp_path.glob("facts*.duckdb")] == [in_force]


async def test_rewriting_again_and_again_keeps_one_file(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    for n in range(1, 4):
        await store.append(Facts(spans=[a_span(n, n)]))
        await store.compact()
        assert [file.name for file in tmp_path.glob("facts*.duckdb")] == [f"facts-{n}.duckdb"]
        assert (await store.stats()).rows["spans"] == n
    await store.close()
    store = await DuckStore.open(tmp_path)
    assert (await store.stats()).rows["spans"] == 3
    await store.close()


async def test_a_change_waits_for_the_rewrite_and_is_not_lost(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(n, n) for n in range(1, 101)]))
    compacting = asyncio.create_task(store.compact())
    await asyncio.sleep(0)
    erasing = asyncio.create_task(store.erase("prj_a", [Doomed("spans", "span_id > ?", (f"{50:016x}",))]))
    await asyncio.sleep(0)
    compacting.cancel()  # who asked goes away; the work goes on, and the lock with it
    removed = await erasing
    rows = (await store.stats()).rows
    await store.close()
    assert (removed["spans"], rows["spans"]) == (50, 50)


async def test_closing_ends_a_rewrite_that_nobody_waits_for_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, closed = threading.Event(), threading.Event()

    def copy(*_: object) -> None:
        begun.set()
        assert closed.wait(10)
        raise duckdb.InterruptException("Interrupted!")

    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    monkeypatch.setattr(copying, "copy", copy)
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span()]))
    compacting = asyncio.create_task(store.compact())
    await asyncio.to_thread(begun.wait, 10)
    compacting.cancel()
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0.05)
    closed.set()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await compacting
    del compacting, closing
    for _ in range(3):
        await asyncio.sleep(0)
        gc.collect()
    assert told == []


async def test_closing_ends_a_rewrite_that_is_between_two_statements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told once, noticed nothing, and the store was closed when all was copied."""
    begun, told, ended = threading.Event(), threading.Event(), []
    real = Reading.stop

    def stop(self: Reading) -> bool:
        running = real(self)
        told.set()
        return running

    def copy(cursor: duckdb.DuckDBPyConnection, *_: object) -> None:
        begun.set()
        assert told.wait(10)
        try:
            cursor.execute("SELECT count(*) FROM range(10_000_000_000) r(n) WHERE hash(n) = 7").fetchall()
        except duckdb.InterruptException:
            ended.append("stopped")
            raise

    monkeypatch.setattr(copying, "copy", copy)
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span()]))
    monkeypatch.setattr(Reading, "stop", stop)
    compacting = asyncio.create_task(store.compact())
    await asyncio.to_thread(begun.wait, 10)
    await store.close()
    with pytest.raises(Unavailable, match="stopped"):
        await compacting
    assert ended == ["stopped"]


async def test_without_room_for_a_second_file_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span()]))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(Unavailable, match="GB") as refusal:
        await store.compact()
    with pytest.raises(Unavailable):
        await store.copy(tmp_path / "copy")
    again = await store.append(Facts(spans=[a_span()]))
    await store.close()
    assert refusal.value.fix is not None
    assert again.duplicates == 1


async def test_a_store_json_that_names_no_database_is_corrupt(tmp_path: Path) -> None:
    tmp_path.joinpath("store.json").write_text(json.dumps({"assay-facts": 1, "file": "../../etc/passwd"}))
    with pytest.raises(Corrupt):
        await DuckStore.open(tmp_path)


async def test_a_copy_of_several_row_groups_is_made_in_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB spreads large attributes over columns of their own, and then cannot append behind them in the transaction
    that wrote them: unless the statement gives an answer, which has it write whole row groups only."""
    monkeypatch.setattr(copying, "_AT_ONCE", 5_000)
    store = await DuckStore.open(tmp_path, Settings(row_group_size=6_144))
    store._connection.execute("SET GLOBAL variant_minimum_shredding_size = 0")
    for first in range(1, 24_000, 4_000):
        spans = [a_span(n, n, attributes={"n": n, "word": "as it was"}) for n in range(first, first + 4_000)]
        await store.append(Facts(spans=spans))
    rewritten = await store.compact()
    assert rewritten.rows["spans"] == 24_000
    kept = await store.scan(
        "SELECT count(*) AS n, sum(variant_extract(attributes, 'n')::BIGINT)::BIGINT AS s FROM spans"
    )
    assert kept == [{"n": 24_000, "s": sum(range(1, 24_001))}]
    await store.append(Facts(spans=[a_span(24_001, 1, attributes={"n": 1})]))
    await store.compact()
    await store.close()


async def test_a_store_that_is_being_attached_again_is_not_copied_as_an_empty_one(tmp_path: Path) -> None:
    """Its tables are in no list then, and no statement fails: the empty file took the place of the facts."""
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(n, n) for n in range(1, 101)]))
    await store.settle()
    store._control.execute("DETACH DATABASE facts")
    assert (await store.compact()).rows["spans"] == 100
    assert (await store.scan("SELECT count(*) AS n FROM spans")) == [{"n": 100}]
    store._control.execute("DETACH DATABASE facts_1")
    assert (await store.copy(tmp_path / "copied"))["spans"] == 100
    await store.close()


async def test_a_copy_with_fewer_rows_is_not_put_in_the_place_of_the_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(n, n) for n in range(1, 101)]))
    inserted = copying._inserted

    def fewer(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
        return inserted(cursor, f"{sql} LIMIT 99" if "INTO facts_1.spans " in sql else sql)

    with monkeypatch.context() as patched:
        patched.setattr(copying, "_inserted", fewer)
        with pytest.raises(Unavailable, match="99 of 100 rows of spans"):
            await store.compact()
    assert sorted(file.name for file in tmp_path.glob("facts*")) == ["facts.duckdb", "facts.duckdb.wal"]
    assert (await store.scan("SELECT count(*) AS n FROM spans")) == [{"n": 100}]
    assert (await store.compact()).rows["spans"] == 100
    await store.close()


async def test_a_backup_that_found_no_memory_for_its_checkpoint_holds_every_row_once(tmp_path: Path) -> None:
    """What was committed by then was copied once more behind it: the backup had twice as many rows as it said."""
    store = await with_many_names(tmp_path / "facts", "64MB")
    copied = await store.copy(tmp_path / "copied")
    await store.close()
    backup = await DuckStore.open(tmp_path / "copied")
    rows = (await backup.stats()).rows
    await backup.close()
    assert (rows["spans"], rows["traces"]) == (copied["spans"], copied["traces"])


async def test_a_copy_is_not_added_to_a_store_that_is_there(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts(spans=[a_span(1, 1)]))
    await store.copy(tmp_path / "copied")
    with pytest.raises(Unavailable, match="holds facts already") as refusal:
        await store.copy(tmp_path / "copied")
    await store.close()
    backup = await DuckStore.open(tmp_path / "copied")
    rows = (await backup.stats()).rows
    await backup.close()
    assert (rows["spans"], refusal.value.fix) == (1, "give a new folder")


async def test_a_switch_that_cannot_be_noted_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(1, 1)]))
    with monkeypatch.context() as patched:
        patched.setattr(Directory, "switch", _refused)
        with pytest.raises(Unavailable, match="No space left on device") as refusal:
            await store.compact()
    await store.append(Facts(spans=[a_span(2, 2)]))
    await store.close()
    store = await DuckStore.open(tmp_path)
    rows = (await store.stats()).rows
    await store.close()
    assert (rows["spans"], refusal.value.fix is None) == (2, False)


def _refused(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_folder_that_cannot_be_synced_does_not_cost_the_file_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """store.json named the new file by then, and that was removed as one that failed: the next start began with
    nothing."""
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(1, 1)]))
    real, folder = os.fsync, tmp_path.stat()

    def failing(handle: int) -> None:
        if os.path.samestat(os.fstat(handle), folder):
            raise OSError(5, "Input/output error")
        real(handle)

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", failing)
        await store.compact()
    await store.append(Facts(spans=[a_span(2, 2)]))
    await store.close()
    store = await DuckStore.open(tmp_path)
    rows = (await store.stats()).rows
    await store.close()
    assert rows["spans"] == 2


async def test_a_store_whose_file_is_missing_is_refused_and_not_begun_anew(tmp_path: Path) -> None:
    """An empty one took its place, and whatever else stood there was removed."""
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(1, 1)]))
    await store.compact()
    await store.close()
    (tmp_path / "facts-1.duckdb").rename(tmp_path / "facts-2.duckdb")
    with pytest.raises(Corrupt, match=r"facts-1\.duckdb is missing") as refusal:
        await DuckStore.open(tmp_path)
    assert refusal.value.fix is not None
    (tmp_path / "facts-2.duckdb").rename(tmp_path / "facts-1.duckdb")
    told = tmp_path.joinpath("store.json").read_text()
    tmp_path.joinpath("store.json").unlink()
    with pytest.raises(Corrupt, match=r"facts-1\.duckdb stands without its store.json"):
        await DuckStore.open(tmp_path)
    tmp_path.joinpath("store.json").write_text(told)
    store = await DuckStore.open(tmp_path)
    rows = (await store.stats()).rows
    await store.close()
    assert rows["spans"] == 1


async def test_the_log_of_commits_during_a_checkpoint_is_no_rest_of_a_rewrite(tmp_path: Path) -> None:
    """DuckDB keeps what is committed beside a checkpoint in a second log until that is done."""
    directory = Directory.hold(tmp_path)
    logs = [tmp_path / f"facts.duckdb{end}" for end in (".wal", ".wal.checkpoint")]
    rests = [tmp_path / f"facts-1.duckdb{end}" for end in ("", ".wal", ".wal.checkpoint")]
    for file in (*logs, *rests):
        file.touch()
    directory.remove_others()
    directory.release()
    assert [file for file in (*logs, *rests) if file.exists()] == logs


async def test_what_a_killed_query_had_put_on_disk_goes_at_the_next_start(tmp_path: Path) -> None:
    """After a rewrite nobody looked there any more."""
    spilt = tmp_path / "facts.duckdb.spill" / "duckdb_temp_storage-0.tmp"
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(1, 1)]))
    await store.compact()
    await store.close()
    spilt.parent.mkdir(exist_ok=True)
    spilt.write_text(SECRET)
    store = await DuckStore.open(tmp_path)
    await store.close()
    assert _files_with(tmp_path, SECRET) == []
