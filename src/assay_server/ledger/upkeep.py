"""Copies of the ledger while it runs, and a log that keeps nothing of what was deleted."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from assay_server.core.errors import Unavailable
from assay_server.ledger.databases import Databases

_ALL = -1
"""Pages copied at once. After a step SQLite begins anew if somebody wrote since, so a busy ledger would never be copied
in several; and with a log of its own (WAL) nobody waits for who reads.
"""
_DUMP_S = 3600


def copy(databases: Databases, target: Path) -> bool:
    """A consistent copy of the ledger in the new file `target`: SQLite's own backup, or `pg_dump`'s custom format.

    False where there is no `pg_dump`; then nothing was written. Raises Unavailable where it fails.
    """
    if databases.path is not None:
        copy_sqlite(databases.path, target)
        return True
    return _dump(databases.reader, target)


def copy_sqlite(source: Path, target: Path) -> None:
    """Any SQLite database, whoever writes to it meanwhile. Raises Unavailable."""
    try:
        there = f"{source.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(there, uri=True)) as reading, closing(sqlite3.connect(target)) as writing:
            reading.backup(writing, pages=_ALL)
            writing.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        told = f"{source.name} could not be copied: {error}."
        raise Unavailable(told, field="disk", fix="free some space") from error


def check_writable(databases: Databases) -> None:
    """Writes what is there already: a lock that another process holds, a read-only file or disk, a full one are found.

    In SQLite a write that is taken back never reaches the disk, so this one is not.
    """
    with databases.writer.begin() as connection:
        if databases.path is not None:
            connection.exec_driver_sql("PRAGMA user_version = 0")


def empty_log(databases: Databases) -> None:
    """Moves SQLite's log into its file: what was deleted is then in neither (`secure_delete`)."""
    if databases.path is None:
        return
    connection = databases.writer.raw_connection()
    try:
        connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()  # type: ignore[union-attr]
    finally:
        connection.close()


def _dump(engine: Engine, target: Path) -> bool:
    program = shutil.which("pg_dump")
    if program is None:
        return False
    url = engine.url
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    command = [program, "--format=custom", f"--file={target}", f"--dbname={address}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_DUMP_S, check=False)  # noqa: S603
    if done.returncode != 0:
        raise Unavailable(f"pg_dump failed: {done.stderr.strip()[:500]}", fix="run it by hand to see why")
    return True
