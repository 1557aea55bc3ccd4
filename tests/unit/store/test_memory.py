"""Rows that are too large for the store's memory: copies get more of it for a while, the index takes fewer at once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay_server.core.errors import Unavailable
from assay_server.store import Settings
from assay_server.store.directory import Directory
from assay_server.store.faults import wrapped
from assay_server.store.memory import with_memory
from assay_server.store.text.feed import Feed

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


def test_what_needs_more_memory_gets_it_once(cursor: duckdb.DuckDBPyConnection, directory: Directory) -> None:
    """A deletion came to no end, and no backup was made."""
    before = limit(cursor)
    tried: list[str] = []

    def work() -> Any:
        tried.append(limit(cursor))
        return cursor.execute(LARGE).fetchall()

    assert with_memory(cursor, work, SETTINGS, directory) == [(60_000_000,)]
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
        with_memory(cursor, work, SETTINGS, directory)
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
