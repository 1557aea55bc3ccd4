"""SQL of people: one SELECT over the views of their project, with limits on time, rows and the answer's size.

1. DuckDB parses the text, in a connection that holds nothing (`_Parser`).
2. `sandbox_check` lets the tree through or not, by lists of what is allowed.
3. DuckDB writes SQL from that tree, and the tree of what it wrote is checked once more: the person's text never runs.
4. It runs as a subquery behind CTEs named like the tables, which hold the caller's project only; the project is a
   parameter.
"""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import duckdb

from assay_server.core.errors import Busy, InvalidInput, TooLarge, Unavailable
from assay_server.query.key_sets import without_any
from assay_server.query.sandbox.attributes import READING_ATTRIBUTES, read_from_columns
from assay_server.query.sandbox.check import check
from assay_server.query.sandbox.grammar import FUNCTIONS, TABLE_FUNCTIONS
from assay_server.query.sandbox.names import check_names
from assay_server.query.sandbox.views import VIEWS, ctes
from assay_server.query.sql import lines
from assay_server.store import Limits, Store

LONGEST = 20_000  # characters of SQL
MOST_ROWS = 10_000
_SECONDS = 10.0
_GRACE_S = 1.0
_SHORTEST_S = 0.05
_LARGEST_CELL = 1_000_000  # bytes
_WAITING = 8

_Read = tuple[dict[str, str], list[dict[str, Any]]]
"""Kinds of the columns by name, and rows."""

_Asked = tuple[str, list[str]]
"""SQL of the store, and its parameters."""

_NAMES = frozenset(view.name for view in VIEWS)


@dataclass(slots=True, frozen=True)
class Answer:
    """`columns`: `{"name", "type"}`; `rows` in their order, as JSON can hold them."""

    columns: list[dict[str, str]]
    rows: list[list[Any]]
    truncated: bool
    elapsed_ms: float


class Sql:
    """Runs queries of people, one at a time, so that they never hold all the readers of the store."""

    def __init__(self, store: Store, *, seconds: float = _SECONDS) -> None:
        self._store = store
        self._seconds = seconds
        self._parser = _Parser()
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def run(self, project: str, sql: str, *, limit: int = 1000) -> Answer:
        """The first `limit` rows. Cancelling the call stops the query.

        Raises `InvalidInput` for what is not SQL or names what is not there, `NotInSql` for what is not allowed,
        `Unavailable` past the time or memory limit, `TooLarge` for an answer that nobody could show, `Busy`.
        """
        if len(sql) > LONGEST:
            raise TooLarge(f"The query is longer than {LONGEST} characters.", field="sql")
        began = time.perf_counter()
        queries = await self._parser.rewrite(sql)
        if self._waiting >= _WAITING:
            raise Busy("Too many queries are waiting.", retry_after_s=2)
        self._waiting += 1
        began_turn = asyncio.Event()
        work = asyncio.ensure_future(self._in_turn(project, queries, limit, began_turn))
        work.add_done_callback(self._left)
        kinds, rows = await self._in_time(work, began_turn)
        shown = [_row(row, list(kinds.values())) for row in rows[:limit]]
        named = [{"name": name, "type": kind} for name, kind in kinds.items()]
        return Answer(named, shown, len(rows) > limit, (time.perf_counter() - began) * 1000)

    async def check(self, sql: str) -> None:
        """Reads it and looks its columns up, reads no facts. Raises as `run` does."""
        inner, params = _asked((await self._parser.rewrite(sql))[0], "")
        async with self._turn:
            await self._scan("DESCRIBE " + inner, params, MOST_ROWS, time.monotonic() + self._seconds)

    def schema(self) -> dict[str, Any]:
        """Tables with their columns, and the names of the functions."""
        tables = [
            {
                "name": view.name,
                "about": view.about,
                "columns": [{"name": c.name, "type": c.type, "about": c.about} for c in view.columns],
            }
            for view in VIEWS
        ]
        named = (name for name in FUNCTIONS | TABLE_FUNCTIONS if name.replace("_", "").isalnum())
        limits = {"rows": MOST_ROWS, "seconds": self._seconds, "characters": LONGEST}
        return {"tables": tables, "functions": sorted(named), "limits": limits}

    async def close(self) -> None:
        await self._parser.close()

    async def _in_time(self, work: "asyncio.Task[_Read]", began_turn: asyncio.Event) -> _Read:
        """Tells the caller in time. The engine cannot be stopped inside one call of a function (`regexp_extract_all`
        over ten million characters takes ten seconds): such a query keeps its turn, so that there is one at most."""
        try:
            await began_turn.wait()
            done, _ = await asyncio.wait([work], timeout=self._seconds + _GRACE_S)
        except asyncio.CancelledError:
            work.cancel()
            raise
        if not done:
            raise self._too_long()
        return work.result()

    async def _in_turn(self, project: str, queries: Sequence["_Query"], limit: int, began_turn: asyncio.Event) -> _Read:
        async with self._turn:
            began_turn.set()
            until = time.monotonic() + self._seconds
            inner, params = _asked(queries[0], project)
            columns = await self._scan("DESCRIBE " + inner, params, MOST_ROWS, until)
            kinds = {str(row["column_name"]): str(row["column_type"]) for row in columns}
            for query in queries[1:] if len(kinds) == len(columns) else ():
                nobody_has = await without_any(self._store, project, query.attributes)
                quicker, its_params = _asked(query, project, nobody_has)
                named = "shown(" + ", ".join(map(_quoted, kinds)) + ")"
                with contextlib.suppress(InvalidInput):  # told of the query as it was asked
                    return kinds, await self._scan(_shown(kinds, quicker, named, limit), its_params, limit + 1, until)
            return kinds, await self._scan(_shown(kinds, inner, "shown", limit), params, limit + 1, until)

    def _left(self, work: "asyncio.Task[_Read]") -> None:
        self._waiting -= 1
        if not work.cancelled():
            work.exception()  # its caller may have been told already

    async def _scan(self, sql: str, params: list[str], rows: int, until: float) -> list[dict[str, Any]]:
        limits = Limits(rows, max(until - time.monotonic(), _SHORTEST_S))
        try:
            return await self._store.scan(sql, params, limits=limits)
        except Unavailable as error:
            if error.field != "query":
                raise
            raise self._too_long() from error  # whatever was left of the time
        except duckdb.Error as error:
            raise _refused(error) from error

    def _too_long(self) -> Unavailable:
        return Unavailable(
            f"The query took longer than {self._seconds:g} s.", field="query", fix="narrow the time or the filters"
        )


@dataclass(slots=True, frozen=True)
class _Query:
    """SQL over the views `used`; `attributes`: those that it reads from columns."""

    written: str
    used: frozenset[str]
    attributes: tuple[str, ...] = ()


def _asked(query: _Query, project: str, nobody_has: Collection[str] = ()) -> _Asked:
    before, params = ctes(query.used, project, query.attributes, nobody_has)
    return lines(before, "SELECT * FROM (", query.written, ") AS asked"), params


class _Parser:
    """A DuckDB that holds nothing and may reach nothing: it reads SQL and writes it, and never runs any of it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="assay-sql-parse")
        self._connection: duckdb.DuckDBPyConnection | None = None  # made at the first query: it takes memory

    async def rewrite(self, sql: str) -> list["_Query"]:
        """The query as DuckDB writes it, and where there is one a quicker one with the same answer behind it.

        Raises `InvalidInput` or `NotInSql`.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(self._rewrite, sql))

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)
        if self._connection is not None:
            self._connection.close()

    def _rewrite(self, sql: str) -> list["_Query"]:
        try:
            tree = self._one("SELECT json_serialize_sql(?::VARCHAR, skip_default := false)", sql)
            used = check(_loaded(tree), _NAMES)
            check_names(_loaded(tree))
            asked = self._written(tree, used)
            quicker = read_from_columns(_loaded(tree))
            if quicker is None:
                return [asked]
            return [asked, self._written(json.dumps(quicker.tree), None, quicker.attributes)]
        except (duckdb.Error, UnicodeEncodeError, RecursionError) as error:
            raise InvalidInput(f"This cannot be read: {str(error).splitlines()[0]}", field="sql") from error

    def _written(self, tree: str, used: frozenset[str] | None, attributes: tuple[str, ...] = ()) -> "_Query":
        """`used`: the views that it must read, where it is what a person wrote."""
        written = self._one("SELECT json_deserialize_sql(?::JSON)", tree)
        again = self._one("SELECT json_serialize_sql(?::VARCHAR, skip_default := false)", written)
        read = check(_loaded(again), _NAMES if used is not None else _NAMES.union(READING_ATTRIBUTES.values()))
        if used is not None and read != used:
            raise InvalidInput("This query cannot be written down safely.", field="sql", fix="write it another way")
        return _Query(written.rstrip().rstrip(";"), read, attributes)

    def _one(self, sql: str, value: str) -> str:
        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config=dict(_LOCKED))
        row = self._connection.execute(sql, [value]).fetchone()
        return str(row[0]) if row else ""


_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "128MB",
    "threads": "1",
    "lock_configuration": "true",
}

_AS_THEY_ARE = frozenset(
    {
        *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER"),
        *("UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS"),
        *("TIMESTAMP_NS", '"NULL"'),
    }
)
_NESTED = ("STRUCT(", "MAP(", "UNION(", "VARIANT")


def _refused(error: duckdb.Error) -> InvalidInput:
    """In the engine's words, with the names that it thinks were meant."""
    told = [line for line in str(error).splitlines() if line]
    near = next((line.partition(":")[2].strip(" :") for line in told if line.startswith("Candidate bindings")), None)
    return InvalidInput(told[0], field="sql", fix=f"columns with names like it: {near}" if near else None)


def _shown(kinds: dict[str, str], inner: str, name: str, limit: int) -> str:
    return lines(_selected(kinds), "FROM (", inner, ") AS", name, "LIMIT", str(limit + 1))


def _selected(kinds: dict[str, str]) -> str:
    """What has no counterpart in JSON becomes text in the engine, and a text too long to show is refused there."""
    return "SELECT " + ", ".join(_cell(name, kind) for name, kind in kinds.items())


def _cell(name: str, kind: str) -> str:
    column = _quoted(name)
    if kind in _AS_THEY_ARE or kind.startswith("DECIMAL"):
        return column
    text = "to_json(" + column + ")::VARCHAR" if _is_nested(kind) else column + "::VARCHAR"
    told = "'A value is longer than " + str(_LARGEST_CELL) + " bytes.'"
    return lines(
        "CASE WHEN strlen(", text, ") >", str(_LARGEST_CELL), "THEN error(", told, ") ELSE", text, "END AS", column
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_nested(kind: str) -> bool:
    return kind.endswith("]") or kind.startswith(_NESTED)


def _row(row: dict[str, Any], kinds: list[str]) -> list[Any]:
    return [_plain(value, kind) for value, kind in zip(row.values(), kinds, strict=True)]


def _plain(value: Any, kind: str) -> Any:
    """As JSON holds it. Whole numbers past 2^53 are texts, because a browser would round them."""
    if isinstance(value, str):
        return _nested(value) if _is_nested(kind) else value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= 1 << 53 else str(value)
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    return value.isoformat() if isinstance(value, date) else str(value)


def _nested(value: str) -> Any:
    """Its numbers as they would be outside of it."""
    whole, real = (lambda text: _plain(int(text), "")), (lambda text: _plain(float(text), ""))
    try:
        return json.loads(value, parse_int=whole, parse_float=real, parse_constant=real)
    except RecursionError:
        return value


def _loaded(tree: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(tree)
    return loaded
