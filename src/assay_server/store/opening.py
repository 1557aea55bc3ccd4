"""The opening of the embedded store: its directory is held, its file attached, its schema brought up to date."""

import logging
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from assay_server.core.errors import Corrupt
from assay_server.store import settled
from assay_server.store.copying import attach
from assay_server.store.directory import Directory
from assay_server.store.faults import wrapped
from assay_server.store.log_tail import set_aside
from assay_server.store.schema import FILLS, NEWEST, STEPS
from assay_server.store.transactions import transaction
from assay_server.store.width import NEVER, columns_from

_log = logging.getLogger(__name__)

_NOT_YET = "1TB"
"""Of log. A checkpoint for which memory or the disk has no room would refuse the start, and every later one; once the
store is open it is made good (`duck`). A store of an older schema is filled first, and that is too much for a log."""

_LETTING_GO_S = (0.01, 0.1, 0.5, 2.0)


@dataclass(slots=True, frozen=True)
class Settings:
    """Sizes as DuckDB writes them."""

    memory_limit: str = "448MB"  # of a process that stays under 1 GB, however long it takes spans in
    read_limit: str | None = None  # the same while people read (`memory`); None: an eighth of the machine's
    copy_limit: str = "1792MB"  # while the file is copied whose rows are too large for that: 2,048 are read at once
    threads: int = 2
    read_threads: int | None = None  # the same while people read; None: one for each core
    readers: int = 3
    checkpoint_threshold: str = "16MB"
    columns_from: int = 1_000  # rows: attributes of row groups that have so many are columns of their own (`width`)
    spill: str = "2GB"  # what one process may put on disk while it sorts or joins
    row_group_size: int = 122_880
    reserve: int = 256 << 20  # bytes of the disk that are left free: a checkpoint wants room

    def config(self) -> dict[str, str | bool | int | float | list[str]]:
        return {
            "memory_limit": self.memory_limit,
            "threads": str(self.threads),
            "checkpoint_threshold": self.checkpoint_threshold,
            "max_temp_directory_size": self.spill,
            "max_vacuum_tasks": "0",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }


def opened(path: Path, settings: Settings) -> tuple[Directory, duckdb.DuckDBPyConnection]:
    """The directory, held, and its newest file, attached and of the newest schema.

    Raises `Unavailable` and `Corrupt`; then nothing is held, and nothing was changed.
    """
    directory = Directory.hold(path)
    try:
        version = directory.check(NEWEST)
        file = directory.file
        if version == 0:
            _refuse_unversioned(directory)
            directory.set_version(
                NEWEST
            )  # before the tables: their steps may run twice, a file without version may not be
        else:
            _refuse_missing(directory)
        directory.remove_spills()
        connection = wrapped(partial(_connected, file, settings, version, directory.whole))
        if version < NEWEST:
            directory.set_version(NEWEST)
        directory.remove_others()
        return directory, connection
    except BaseException:
        directory.release()
        raise


def _refuse_unversioned(directory: Directory) -> None:
    found = directory.databases()
    if found:
        raise Corrupt(
            f"{found[0]} stands without its store.json, so nobody can say which Assay wrote it. It was not touched.",
            field="schema",
            fix="restore store.json from a backup",
        )


def _refuse_missing(directory: Directory) -> None:
    """An empty store would take its place, and whatever else is there would be removed as a rewrite's rest."""
    file = directory.file
    if not file.exists() and (directory.is_rewritten or directory.databases()):
        raise Corrupt(
            f"{file} is missing, which store.json names as the file of the facts. Nothing was touched.",
            field="file",
            value=file.name,
            fix="put the file back, or restore a backup",
        )


def _connected(file: Path, settings: Settings, version: int, whole: bool) -> duckdb.DuckDBPyConnection:
    """Where the last transaction of its log is damaged, without that one."""
    try:
        return _connect(file, settings, version, whole)
    except duckdb.Error as error:
        if not set_aside(file, error):
            raise
        return _connect(file, settings, version, whole)


def _connect(file: Path, settings: Settings, version: int, whole: bool) -> duckdb.DuckDBPyConnection:
    """The file is attached, not opened: only ATTACH takes the row group size, and it must be given every time.

    `version` is the schema's of what is there, 0 where nothing is.
    """
    connection = duckdb.connect(":memory:", config=settings.config())
    try:
        path, name = str(file).replace("'", "''"), name_of(file)
        connection.execute(f"SET temp_directory = '{path}.spill'")  # not where the process happens to stand
        connection.execute("SET GLOBAL TimeZone = 'UTC'")  # days begin alike on every machine
        connection.execute(columns_from(NEVER if whole else settings.columns_from))
        if version == NEWEST:
            connection.execute(_checkpoint_at(_NOT_YET))
        attached_soon(connection, name, file, settings.row_group_size)
        connection.execute(f"USE {name}")
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")  # the log is replayed faster than it is merged
        missing = [FILLS[each] for each in sorted(FILLS) if 0 < version < each]
        if missing:
            _log.warning(
                "a store of schema %d becomes one of schema %d; ten million spans take minutes", version, NEWEST
            )
        # Of a new store at once: on the disk are then sixty commits less, most of what its making takes.
        with transaction(connection) if version == 0 else nullcontext():
            for statements in (*(STEPS[each] for each in sorted(STEPS)), *missing):
                for statement in statements:
                    connection.execute(statement)
            settled.define(connection)
        connection.execute(_checkpoint_at(settings.checkpoint_threshold))
    except BaseException:
        connection.close()
        raise
    return connection


def _checkpoint_at(size: str) -> str:
    return f"SET GLOBAL checkpoint_threshold = '{size}'"


def attached_soon(control: duckdb.DuckDBPyConnection, name: str, file: Path, row_group_size: int) -> None:
    """A database that was detached or closed lets go of its file when the last thread that used it does, a moment
    later."""
    for pause_s in _LETTING_GO_S:
        try:
            return attach(control, name, file, row_group_size)
        except duckdb.ResourceInUseException:
            time.sleep(pause_s)
    return attach(control, name, file, row_group_size)


def name_of(file: Path) -> str:
    """What a database is attached as: every file of a directory has another name."""
    return file.stem.replace("-", "_")
