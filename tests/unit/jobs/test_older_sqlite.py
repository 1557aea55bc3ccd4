"""DBOS's defaults of columns on a SQLite library that is older than it expects."""

import sqlite3
import time
from pathlib import Path

import pytest

from assay_server.jobs.older_sqlite import connect_arguments

TABLE = "CREATE TABLE versions (name TEXT, stamp INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))"


def test_an_older_library_fills_in_the_milliseconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    before = time.time() * 1000 - 1
    with sqlite3.connect(tmp_path / "jobs.sqlite", **connect_arguments("sqlite:///jobs.sqlite")) as connection:
        connection.execute(TABLE)
        connection.execute("INSERT INTO versions (name) VALUES ('one')")
        ((stamp,),) = connection.execute("SELECT stamp FROM versions").fetchall()
    connection.close()
    assert before <= stamp <= time.time() * 1000 + 1


@pytest.mark.parametrize(
    ("url", "version"), [("sqlite:///jobs.sqlite", (3, 42, 0)), ("postgresql+psycopg://localhost/jobs", (3, 40, 1))]
)
def test_nothing_is_changed_where_it_is_not_needed(
    url: str, version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    assert connect_arguments(url) == {}
