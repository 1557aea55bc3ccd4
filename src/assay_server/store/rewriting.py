"""The store's file, written anew behind the back of appends and reads, and then put in the place of the old one.

DuckDB keeps a deleted row's bytes until its whole row group is empty, and merging row groups in place stalls appends
for seconds. So compaction copies (`copying`), catches up with what was appended meanwhile, and switches: only the last
few rows and the switch itself make appends wait. The commit point is `store.json`, which names the file in force; what
a kill leaves behind is removed at the next opening. Nothing but appends may change the store meanwhile.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from assay_server.core.errors import Unavailable
from assay_server.store import copying
from assay_server.store.attached import Attached
from assay_server.store.changes import Rewritten
from assay_server.store.directory import Directory, files_of
from assay_server.store.schema import NEWEST
from assay_server.store.transactions import roll_back

InWriter = Callable[[Callable[[], float]], float]
"""Runs something in the writer's thread, between two appends."""

_ROUNDS = 10
_FEW = 2_000  # rows that the switch may catch up with


class Rewriting:
    """One rewrite at a time, in a thread of its own."""

    def __init__(
        self,
        directory: Directory,
        connection: duckdb.DuckDBPyConnection,
        attached: Attached,
        row_group_size: int,
    ) -> None:
        """`connection` is the writer's: it is used inside `in_writer` only."""
        self._directory = directory
        self._connection = connection
        self._attached = attached
        self._row_group_size = row_group_size

    def copy(self, cursor: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
        """The store as it is now, as one of its own in a new folder; rows by table."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._make_room(folder.parent)
        directory = Directory.hold(folder)
        if directory.databases():
            directory.give_up()
            raise Unavailable(
                f"{folder} holds facts already.", field="folder", value=str(folder), fix="give a new folder"
            )
        try:
            name = "copy"
            copying.create(cursor, name, directory.file, self._row_group_size)
            try:
                marks = copying.copy(cursor, self._attached.name, name)
            finally:
                self._detach(cursor, name)
            directory.set_version(NEWEST)
        except BaseException:
            remove(directory.file)  # its rows may be there, and whoever tries again would add all of them once more
            raise
        finally:
            directory.give_up()
        return marks.rows

    def run(self, cursor: duckdb.DuckDBPyConnection, in_writer: InWriter) -> Rewritten:
        """Raises Unavailable where the disk has no room for a second file; then nothing was changed."""
        before, old = self._directory.size(), self._attached.name
        self._make_room(self._directory.path)
        file = self._directory.next_file()
        name = file.stem.replace("-", "_")  # as `duck` names it when it is opened the next time
        remove(file)  # a rewrite that failed could not
        try:
            copying.create(cursor, name, file, self._row_group_size)
            marks = copying.copy(cursor, old, name)
            rows = dict(marks.rows)
            for _ in range(_ROUNDS):
                marks = copying.catch_up(cursor, old, name, marks)
                _add(rows, marks.rows)
                if sum(marks.rows.values()) <= _FEW:
                    break
            held_ms = in_writer(lambda: self._switch(old, name, file, marks, rows))
        except BaseException:
            if self._attached.name == old:
                self._detach(cursor, name)
                remove(file)
            raise
        self._attached.wait_unread(old)
        self._detach(cursor, old)
        self._directory.remove_others()
        return Rewritten(before, self._directory.size(), rows, held_ms)

    def _switch(self, old: str, new: str, file: Path, marks: copying.Marks, rows: dict[str, int]) -> float:
        began = time.perf_counter()
        _add(rows, copying.catch_up(self._connection, old, new, marks).rows)
        copying.check_complete(self._connection, old, new)
        self._connection.execute(f"USE {new}")
        try:
            self._directory.switch(file)
        except BaseException:
            self._connection.execute(f"USE {old}")
            raise
        self._attached.switch(new)
        return (time.perf_counter() - began) * 1e3

    def _make_room(self, where: Path) -> None:
        need, free = self._directory.size(), shutil.disk_usage(where).free
        if need > free:
            raise Unavailable(
                f"A copy of the facts needs {need / 1e9:.1f} GB in {where}, and {free / 1e9:.1f} GB are free.",
                field="disk",
                value=free,
                fix="free some space, or give a folder on a larger disk",
            )

    def _detach(self, cursor: duckdb.DuckDBPyConnection, name: str) -> None:
        roll_back(cursor)  # where a copy failed, and its rollback too
        other = cursor.cursor()  # one that stands in a database which a checkpoint took out of order cannot leave it
        other.execute("USE memory")
        other.execute(f"DETACH DATABASE IF EXISTS {name}")
        other.close()


def remove(file: Path) -> None:
    """A store's file with its logs."""
    for each in list(files_of(file)):
        each.unlink(missing_ok=True)


def _add(rows: dict[str, int], more: dict[str, int]) -> None:
    for table, n in more.items():
        rows[table] += n
