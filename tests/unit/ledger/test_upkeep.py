"""Copies of the ledger while it runs."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from assay_server.ledger import copy_sqlite

_MOST = 5_000


def _large(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)")
        connection.executemany("INSERT INTO rows VALUES (?, randomblob(3000))", [(n,) for n in range(20_000)])
        connection.commit()


async def test_a_ledger_is_copied_however_often_somebody_writes_to_it(tmp_path: Path) -> None:
    """In steps, each write between two of them made SQLite begin anew: with a row every 10 ms there was no end."""
    source, target = tmp_path / "ledger.sqlite", tmp_path / "copy.sqlite"
    await asyncio.to_thread(_large, source)
    copied = asyncio.ensure_future(asyncio.to_thread(copy_sqlite, source, target))
    writes = 0
    with closing(sqlite3.connect(source, isolation_level=None)) as writer:
        while not copied.done() and writes < _MOST:
            writer.execute("UPDATE rows SET body = randomblob(3000) WHERE id = ?", (writes % 50,))
            writes += 1
            await asyncio.sleep(0.001)
    await copied
    assert writes < _MOST
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("SELECT count(*) FROM rows").fetchone() == (20_000,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
