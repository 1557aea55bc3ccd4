"""Rows that are too large for the store's memory: copies get more of it for a while, the index takes fewer at once."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay_server.core.errors import Unavailable
from assay_server.core.sizes import size_of
from assay_server.store import DuckStore, Settings, memory
from assay_server.store.directory import Directory
from assay_server.store.faults import wrapped
from assay_server.store.memory import MemoryLimit, ReadMemory, Threads, share_of_machine, with_memory
from assay_server.store.text.feed import Feed
from tests.fixtures.waiting import until

LARGE = "SELECT length(string_agg(repeat('x', 1000000), '')) AS n FROM range(60)"
SETTINGS = Settings(memory_limit="32MB", copy_limit="512MB")


@pytest.fixture
def cursor() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"memory_limit": SETTINGS.memory_limit, "temp_directory": ""})


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    held = Directory.hold(tmp_path)
    yield held
    held.release()


def limit(cursor: duckdb.DuckDBPyConnection) -> Any:
    return cursor.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]


def threads(cursor: duckdb.DuckDBPyConnection) -> Any:
    return cursor.execute("SELECT current_setting('threads')").fetchall()[0][0]


def limit_of(cursor: duckdb.DuckDBPyConnection) -> MemoryLimit:
    return MemoryLimit(cursor.cursor(), SETTINGS.memory_limit)


def threads_of(cursor: duckdb.DuckDBPyConnection) -> Threads:
    cursor.execute("SET GLOBAL threads = 2")
    return Threads(cursor.cursor(), 2)


def test_what_needs_more_memory_gets_it_once(cursor: duckdb.DuckDBPyConnection, directory: Directory) -> None:
    """A deletion came to no end, and no backup was made."""
    before = limit(cursor)
    tried: list[str] = []

    def work() -> Any:
        tried.append(limit(cursor))
        return cursor.execute(LARGE).fetchall()

    assert with_memory(cursor, work, limit_of(cursor), SETTINGS, directory) == [(60_000_000,)]
    assert (len(tried), tried[0], limit(cursor)) == (2, before, before)
    assert tried[1] > before


def test_what_fails_for_another_reason_is_not_done_again(
    cursor: duckdb.DuckDBPyConnection, directory: Directory
) -> None:
    tried: list[int] = []

    def work() -> None:
        tried.append(1)
        raise Unavailable("The disk refuses.")

    with pytest.raises(Unavailable, match="disk"):
        with_memory(cursor, work, limit_of(cursor), SETTINGS, directory)
    assert tried == [1]


async def test_the_index_reads_fewer_rows_where_they_are_large(cursor: duckdb.DuckDBPyConnection) -> None:
    """It stayed where it was, and searches read more and more rows by themselves."""
    asked: list[tuple[int, int]] = []

    async def scan(sql: str, params: Sequence[Any], **_: Any) -> list[dict[str, Any]]:
        after, until = params[0], params[1]
        asked.append((after, until))
        if until - after > 2:
            wrapped(lambda: cursor.execute(LARGE))
        return []

    feed = Feed(None, scan, None)  # type: ignore[arg-type]
    commits = [{"stored_ns": at, "n": 100} for at in range(1, 201)]
    rows, until, left = await feed._read_some(0, commits)
    assert (rows, until, left) == ([], 1, 199 * 100)
    assert [until for _, until in asked] == [40, 5, 1]


async def test_one_commit_that_is_too_large_is_told(cursor: duckdb.DuckDBPyConnection) -> None:
    async def scan(*_: Any, **__: Any) -> list[dict[str, Any]]:
        wrapped(lambda: cursor.execute(LARGE))
        return []

    with pytest.raises(Unavailable, match="memory"):
        await Feed(None, scan, None)._read_some(0, [{"stored_ns": 1, "n": 9}])  # type: ignore[arg-type]


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_the_most_of_what_is_wanted_holds(cursor: duckdb.DuckDBPyConnection) -> None:
    one = limit_of(cursor)
    usual = limit(cursor)
    one.want("1GiB")
    with one.wanted("512MiB"):
        assert (one.holds, limit(cursor)) == ("1GiB", "1.0 GiB")
    assert limit(cursor) == "1.0 GiB"
    with one.wanted("1536MiB"):
        assert limit(cursor) == "1.5 GiB"
    one.let_go("1GiB")
    assert (one.holds, limit(cursor)) == (SETTINGS.memory_limit, usual)
    with one.wanted("16MB"):
        assert limit(cursor) == usual, "never less than usual"


def test_what_others_use_is_not_taken_from_them(cursor: duckdb.DuckDBPyConnection) -> None:
    """A limit that cannot be lowered just now stays, and is asked for again."""
    one = limit_of(cursor)
    one.want("1GiB")
    cursor.execute("CREATE TABLE held AS SELECT repeat('x', 1000) || range AS text FROM range(100_000)")
    one.let_go("1GiB")
    assert (one.holds, limit(cursor)) == ("1GiB", "1.0 GiB")
    assert not one.again()
    cursor.execute("DROP TABLE held")
    assert one.again()
    assert one.holds == SETTINGS.memory_limit


async def test_memory_is_more_while_people_read(cursor: duckdb.DuckDBPyConnection) -> None:
    one, clock = limit_of(cursor), Hands()
    reading = ReadMemory(one, threads_of(cursor), "1GiB", 5, clock)
    for _ in range(30):  # a monitor's look, minute after minute
        clock.at += 60
        reading.took(0.25)
    await asyncio.sleep(0)
    assert one.holds == SETTINGS.memory_limit
    for _ in range(10):  # the panels of a page
        reading.took(0.2)
    assert await asyncio.to_thread(until, lambda: one.holds == "1GiB" and threads(cursor) == 5, 10)
    await reading.close()


async def test_memory_is_given_back_when_they_have_gone(cursor: duckdb.DuckDBPyConnection) -> None:
    one, clock = limit_of(cursor), Hands()
    reading = ReadMemory(one, threads_of(cursor), "1GiB", 5, clock)
    reading.took(1.01)
    reading.took(1.01)
    clock.at += 125  # nearly gone: what is left passes in truth
    assert await asyncio.to_thread(until, lambda: one.holds == "1GiB", 10)
    clock.at += 10
    assert await asyncio.to_thread(until, lambda: one.holds == SETTINGS.memory_limit, 10)
    assert threads(cursor) == 2
    reading.took(2.01)
    assert await asyncio.to_thread(until, lambda: one.holds == "1GiB", 10)
    await reading.close()


def test_a_share_of_the_machine_is_less_than_the_machine(cursor: duckdb.DuckDBPyConnection) -> None:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    share, cores = share_of_machine()
    assert 0 < size_of(share) <= machine / 7
    assert 1 <= cores <= (os.cpu_count() or 1)


@pytest.mark.parametrize(("most", "held", "are"), [(8, "4GB", 8), (8, "700MB", 5), (8, "100MB", 2), (1, "4GB", 2)])
def test_threads_are_as_many_as_there_is_memory_for(
    cursor: duckdb.DuckDBPyConnection, most: int, held: str, are: int
) -> None:
    some = threads_of(cursor)
    some.more(most, held)
    assert (some.are, threads(cursor)) == (are, are)
    some.usual()
    assert threads(cursor) == 2


async def test_a_store_that_is_read_uses_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_MANY_S", 0.2)
    monkeypatch.setattr(memory, "_FEW_S", 0.1)
    store = await DuckStore.open(tmp_path, Settings(memory_limit="64MB", read_limit="512MiB", read_threads=3))
    try:
        slow = "SELECT count(*) AS n FROM range(4_000_000) WHERE md5(range::VARCHAR) LIKE 'ab%'"
        seen = []
        while (now := (await store.scan("SELECT current_setting('memory_limit') AS now"))[0]["now"]) != "512.0 MiB":
            seen.append(now)
            await store.scan(slow)
        assert set(seen) == {"61.0 MiB"}
        while (now := (await store.scan("SELECT current_setting('threads') AS now"))[0]["now"]) != 3:
            assert now == 2
        assert (await store.scan(slow))[0]["n"] > 10_000
    finally:
        await store.close()
