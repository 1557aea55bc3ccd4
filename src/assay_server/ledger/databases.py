"""Connections: what differs between SQLite and PostgreSQL lives here and nowhere else."""

import os
import sqlite3
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from assay_server.core.errors import InvalidInput, Unavailable

_BUSY_MS = 10_000

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit is on disk before it is acknowledged
    f"PRAGMA busy_timeout={_BUSY_MS}",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # what is deleted is overwritten: people have a right to it
)

_WRITE_LOCK = 0x41_53_53_41_59  # "ASSAY": the advisory lock that makes writes take turns


@dataclass(slots=True, frozen=True)
class Databases:
    """One database, two ways in."""

    writer: Engine
    reader: Engine
    path: Path | None  # the file, on SQLite

    def dispose(self) -> None:
        self.reader.dispose()
        self.writer.dispose()


def connect(url: str, *, readers: int) -> Databases:
    """Engines for an address; nothing is opened yet. Raises InvalidInput, without repeating a password."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, readers)
    return _postgresql(parsed, readers)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _unreadable(None) from error
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"} or not parsed.database:
        raise _unreadable(parsed.render_as_string(hide_password=True))
    return parsed


def _unreadable(value: str | None) -> InvalidInput:
    return InvalidInput(
        "The ledger's address is not one of a SQLite file or a PostgreSQL database.",
        field="ledger_url",
        value=value,
        fix="use sqlite:////absolute/path/ledger.sqlite or postgresql://user:password@host/database",
    )


def _sqlite(url: URL, readers: int) -> Databases:
    path = Path(str(url.database))
    _create_private(path)
    writer = create_engine(url, pool_size=1, max_overflow=0)
    reader = create_engine(url, pool_size=readers, max_overflow=0)
    _listen(writer, (*_PRAGMAS,), "BEGIN IMMEDIATE")
    _listen(reader, (*_PRAGMAS, "PRAGMA query_only=ON"), "BEGIN")
    return Databases(writer, reader, path)


def _create_private(path: Path) -> None:
    """The file holds hashes of keys: nobody else on the machine needs to read it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise Unavailable(
            f"The ledger's file cannot be opened: {error.strerror}.",
            field="ledger_url",
            value=str(path),
            fix="choose a folder that this user may write",
        ) from error


def _listen(engine: Engine, pragmas: tuple[str, ...], begin: str) -> None:
    """SQLAlchemy says when a transaction begins, and we say how: Python's driver would begin too late."""

    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(pragma).close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def _postgresql(url: URL, readers: int) -> Databases:
    if find_spec("psycopg") is None:
        raise Unavailable("PostgreSQL's driver is not installed.", fix="pip install 'assay[postgresql]'")
    writer = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
    reader = create_engine(url, pool_size=readers, max_overflow=0, pool_pre_ping=True).execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")

    event.listen(writer, "begin", begun)
    return Databases(writer, reader, None)
