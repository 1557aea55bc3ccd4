"""Whether the attributes of what comes in become columns of their own.

DuckDB can store each name of a row group's attributes as a column: one attribute is then read without the others, at a
twentieth of the CPU (docs/decisions.md). What that costs when a row group is written grows with how many names there
are and how many of them a span has. So it is done from small row groups on while these are few, and is otherwise left
to row groups as large as DuckDB does it by itself.
"""

from collections.abc import Sequence

import duckdb

from assay_server.core.records import Span

SIZE = "variant_minimum_shredding_size"
"""DuckDB's setting: how many rows a row group must have; -1 is never."""

_BY_ITSELF = 30_000  # DuckDB's own
NEVER = -1
_MOST_NAMES = 100
_MOST_WORK = 2_000  # names, times those that a span has: up to 20 µs of CPU a span
_LOOKED_BACK = 25_000  # spans: more than a checkpoint writes at once


def columns_from(rows: int) -> str:
    """SQL: from now on attributes of row groups that have so many rows are columns; `NEVER`, they are stored whole."""
    return f"SET GLOBAL {SIZE} = {rows}"


class Width:
    """Belongs to the writer's thread, with the writer's connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, while_few: int) -> None:
        """`while_few`: the rows a row group must have while names are few."""
        self._connection = connection
        self._while_few = while_few
        self._now, self._before = _Seen(), _Seen()
        self._wide = False

    def coming(self, spans: Sequence[Span]) -> None:
        """Before these are committed: the checkpoint may be a part of that."""
        self._now.add(spans)
        if self._now.spans >= _LOOKED_BACK:
            self._now, self._before = _Seen(), self._now
        wide = self._now.are_many_with(self._before)
        if wide != self._wide:
            self._wide = wide
            self._set(_BY_ITSELF if wide else self._while_few)

    def _set(self, rows: int) -> None:
        """Unless somebody found out that there is no memory for columns at all (`memory.keep_whole`)."""
        kept = self._connection.execute(f"SELECT current_setting('{SIZE}')").fetchone()
        if kept != (NEVER,):
            self._connection.execute(columns_from(rows))


class _Seen:
    """Names of attributes; no more of them than it takes to know that they are many."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.keys = 0
        self.spans = 0

    def add(self, spans: Sequence[Span]) -> None:
        for span in spans:
            if len(self.names) <= _MOST_NAMES:
                self.names.update(span.attributes)
            self.keys += len(span.attributes)
        self.spans += len(spans)

    def are_many_with(self, other: "_Seen") -> bool:
        """Are the names of both together many?"""
        names = len(self.names | other.names)
        return names > _MOST_NAMES or names * (self.keys + other.keys) > _MOST_WORK * (self.spans + other.spans)
