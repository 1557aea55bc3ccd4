"""Disks that are full, read-only or wrong: nothing acknowledged is lost, reading goes on, and it mends by itself.

The limit on the size of files (`RLIMIT_FSIZE`) stands in for a full disk: the system refuses the same writes.
"""

import contextlib
import os
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay_server.core.errors import Corrupt, Unavailable
from assay_server.core.records import Facts, Span
from assay_server.store import Doomed, DuckStore, Settings
from assay_server.store.directory import Directory
from assay_server.store.faults import wrapped
from tests.conformance.store import a_span
from tests.fixtures.many_names import BATCHES, SPANS, with_many_names

_RNG = random.Random(7)


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file can grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def some_spans(first: int, n: int = 20) -> list[Span]:
    """About 60 kB that cannot be compressed well."""
    return [a_span(first + k, first + k, input=_RNG.randbytes(1500).hex()) for k in range(n)]


async def _fill(store: DuckStore, most: int = 400) -> tuple[list[Span], Unavailable]:
    """Appends until it is refused."""
    acknowledged: list[Span] = []
    for batch in range(most):
        spans = some_spans(1 + batch * 20)
        try:
            await store.append(Facts(spans=spans))
        except Unavailable as refusal:
            return acknowledged, refusal
        acknowledged += spans
    raise AssertionError("the disk never got full")


async def _count(store: DuckStore) -> int:
    return int((await store.scan("SELECT count(input) AS n FROM spans"))[0]["n"])


async def test_a_full_disk_refuses_and_is_written_again_once_there_is_room(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path, Settings(reserve=0))
    with files_up_to(2_000_000):
        acknowledged, refusal = await _fill(store)
        assert await _count(store) == len(acknowledged)
    again = await store.append(Facts(spans=[*acknowledged, *some_spans(10_000)]))
    await store.close()
    store = await DuckStore.open(tmp_path)
    assert (refusal.fix, refusal.retry_after_s) != (None, None)
    assert (again.spans, again.duplicates) == (20, len(acknowledged))
    assert await _count(store) == len(acknowledged) + 20
    await store.close()


async def test_a_checkpoint_that_fails_takes_nothing_out_of_order(tmp_path: Path) -> None:
    """Its commit is on disk by then, so it is acknowledged; reading and writing go on behind it."""
    store = await DuckStore.open(tmp_path, Settings(checkpoint_threshold="1MB", reserve=0))
    with files_up_to(2_500_000):
        acknowledged, _ = await _fill(store)
        assert await _count(store) == len(acknowledged)
        assert (await store.append(Facts(spans=acknowledged[:20]))).duplicates == 20
    later = await store.append(Facts(spans=some_spans(10_000)))
    again = await store.append(Facts(spans=acknowledged))
    await store.close()
    store = await DuckStore.open(tmp_path)
    assert len(acknowledged) * 3000 > 2_500_000  # more than the log alone could take: checkpoints there were
    assert (later.spans, again.spans, again.duplicates) == (20, 0, len(acknowledged))
    assert await _count(store) == len(acknowledged) + 20
    await store.close()


async def test_some_room_is_kept_free(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=some_spans(1)))
    await store.check()
    await store.close()
    store = await DuckStore.open(tmp_path, Settings(reserve=1 << 62))
    with pytest.raises(Unavailable, match="kept free") as refusal:
        await store.append(Facts(spans=some_spans(100)))
    with pytest.raises(Unavailable):
        await store.check()
    assert (refusal.value.field, await _count(store)) == ("disk", 20)
    await store.close()


async def test_a_read_only_disk_is_told_before_anything_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=some_spans(1)))
    real = os.statvfs

    def read_only(path: Path) -> os.statvfs_result:
        found = list(real(path))
        found[8] |= os.ST_RDONLY
        return os.statvfs_result(found)

    with monkeypatch.context() as mounted:
        mounted.setattr("os.statvfs", read_only)
        with pytest.raises(Unavailable, match="read-only"):
            await store.append(Facts(spans=some_spans(100)))
        assert await _count(store) == 20
    assert (await store.append(Facts(spans=some_spans(100)))).spans == 20
    await store.close()


async def _killed(folder: Path, commits: int) -> Path:
    """A store as a kill leaves it: everything in the log."""
    store = await DuckStore.open(folder / "alive")
    for n in range(commits):
        await store.append(Facts(spans=[a_span(n * 5 + k, n * 5 + k, input="x" * 300) for k in range(1, 6)]))
    shutil.copytree(folder / "alive", folder / "killed", ignore=shutil.ignore_patterns("text"))
    await store.close()
    return folder / "killed"


def _flipped(at: Callable[[int], int]) -> Callable[[bytes], bytes]:
    def change(log: bytes) -> bytes:
        place = at(len(log))
        return log[:place] + bytes([log[place] ^ 1]) + log[place + 1 :]

    return change


@pytest.mark.parametrize(
    ("damage", "commits_left"),
    [
        pytest.param(lambda log: log[:-1], 9, id="one-byte-short"),
        pytest.param(lambda log: log[:-300], 9, id="cut-in-the-last-commit"),
        pytest.param(lambda log: log + random.Random(5).randbytes(500), 10, id="garbage-behind"),
        pytest.param(lambda log: log + bytes(4096), 10, id="zeros-behind"),
        pytest.param(_flipped(lambda size: size - 60), 9, id="a-bit-of-the-last-commit"),
    ],
)
async def test_a_damaged_end_of_the_log_costs_at_most_the_last_commit(
    tmp_path: Path, damage: Callable[[bytes], bytes], commits_left: int
) -> None:
    folder = await _killed(tmp_path, 10)
    log = folder / "facts.duckdb.wal"
    log.write_bytes(damage(log.read_bytes()))
    damaged = log.read_bytes()
    store = await DuckStore.open(folder)
    before = await _count(store)
    await store.append(Facts(spans=[a_span(999, 999, input="later")]))
    await store.close()
    store = await DuckStore.open(folder)
    after = await _count(store)
    await store.close()
    assert (before, after) == (commits_left * 5, commits_left * 5 + 1)
    kept = list(folder.glob("broken-*.wal"))
    assert [each.read_bytes() for each in kept] in ([], [damaged])


async def test_damage_in_the_middle_of_the_log_is_for_people_to_decide(tmp_path: Path) -> None:
    folder = await _killed(tmp_path, 10)
    log = folder / "facts.duckdb.wal"
    damaged = _flipped(lambda size: size // 2)(log.read_bytes())
    log.write_bytes(damaged)
    with pytest.raises(Corrupt) as refusal:
        await DuckStore.open(folder)
    assert refusal.value.fix is not None
    assert log.read_bytes() == damaged


async def _opened_and_read(folder: Path) -> int:
    store = await DuckStore.open(folder)
    try:
        return await _count(store)
    finally:
        await store.close()


async def test_a_damaged_block_is_told_as_such_and_not_touched(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    for batch in range(10):
        await store.append(Facts(spans=some_spans(1 + batch * 20)))
    await store.compact()
    await store.close()
    file = next(tmp_path.glob("facts*.duckdb"))
    content = bytearray(file.read_bytes())
    for at in range(12_288 + 5000, len(content), 262_144):  # one bit of every block
        content[at] ^= 1
    file.write_bytes(content)
    with pytest.raises(Corrupt):
        await _opened_and_read(tmp_path)
    assert file.read_bytes() == bytes(content)


def test_an_engine_that_stopped_says_to_start_it_again() -> None:
    """What DuckDB says of every statement after a fault of its own. Restoring a backup would mend nothing."""
    said = (
        "FATAL Error: Failed: database has been invalidated because of a previous fatal error. The database must be"
        ' restarted prior to being used again.\nOriginal error: "it cannot append"'
    )

    def work() -> None:
        raise duckdb.FatalException(said)

    with pytest.raises(Unavailable, match="it cannot append") as refusal:
        wrapped(work)
    assert refusal.value.fix == "restart the server; nothing that was acknowledged is lost"


async def test_a_rollback_that_found_no_memory_is_made_up_for(tmp_path: Path) -> None:
    """The writer's connection refused every append and deletion from then on, until the server was started anew."""
    store = await DuckStore.open(tmp_path / "facts")
    for change in (
        lambda: store.append(Facts(some_spans(100))),
        lambda: store.erase("prj_a", [Doomed("spans", "trace_id = ?", (f"{100:032x}",))]),
        store.compact,
    ):
        await store._in_writer(lambda: _left_open(store._connection))
        await change()
    assert (await store.stats()).rows["spans"] == 19
    await store.close()


async def test_a_deletion_whose_checkpoint_fails_says_what_it_deleted(tmp_path: Path) -> None:
    """It was done once more, and found nothing: the proof of a deletion said so."""
    store = await DuckStore.open(tmp_path, Settings(reserve=0))
    for batch in range(20):
        await store.append(Facts(spans=some_spans(1 + batch * 20)))
    await store.settle()
    store._control.execute("CHECKPOINT facts")
    size = (tmp_path / "facts.duckdb").stat().st_size
    await store.append(Facts(spans=some_spans(1_000, 200)))
    store._control.execute("SET GLOBAL checkpoint_threshold = '1KB'")
    with files_up_to(size + 10_000):
        removed = await store.erase("prj_a", [Doomed("spans", "start_ns < ?", (1_000_000 + 101,))])
    rows = (await store.stats()).rows
    await store.close()
    assert (removed["spans"], removed["traces"], rows["spans"]) == (100, 100, 500)


async def test_what_a_failed_commit_left_on_disk_after_all_is_not_stored_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await DuckStore.open(tmp_path)
    real = store._appending._commit

    def commit(*given: Any) -> None:
        real(*given)
        raise duckdb.IOException("nobody knows whether that was written")

    with monkeypatch.context() as patched:
        patched.setattr(store._appending, "_commit", commit)
        with pytest.raises(Unavailable):
            await store.append(Facts(spans=[a_span(1, 1), a_span(1, 2)]))
    again = await store.append(Facts(spans=[a_span(1, 1), a_span(1, 2), a_span(1, 3)]))
    rows = (await store.stats()).rows
    await store.close()
    assert (again.spans, again.duplicates, rows["spans"], rows["traces"]) == (1, 2, 3, 1)


async def test_facts_are_put_in_order_where_a_note_of_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing could be read any more as long as the disk was full."""
    store = await with_many_names(tmp_path, "1GB")
    with pytest.raises(duckdb.Error, match=r"checkpoint|Checkpoint"):
        store._control.execute("CHECKPOINT facts")

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Directory, "set_whole", full)
    assert await _count(store) == 0  # they have no input
    assert (await store.stats()).rows["spans"] == BATCHES * SPANS
    await store.close()


def _left_open(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("BEGIN")
    with contextlib.suppress(duckdb.Error):
        connection.execute("SELECT 'no number'::INT FROM range(2)").fetchall()


async def test_who_sends_more_than_memory_holds_is_told_to_send_less(tmp_path: Path) -> None:
    """Spans came and "narrow the filters" was the answer."""
    store = await DuckStore.open(tmp_path, Settings(memory_limit="24MB"))
    spans = [a_span(n, n, input=_RNG.randbytes(400_000).hex()) for n in range(1, 60)]
    with pytest.raises(Unavailable, match="memory") as refusal:
        await store.append(Facts(spans=spans))
    assert refusal.value.fix == "send again, fewer or smaller at once"
    assert refusal.value.retry_after_s == 5
    await store.append(Facts(spans=some_spans(100, 2)))
    assert await _count(store) == 2
    await store.close()
