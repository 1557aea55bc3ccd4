"""Which names the attributes of a span have: a column holds the number of their set, a table what is in it.

Spans of one kind that one client sends have the same names, so a store has few sets, and a condition on an attribute
reads only the spans whose set has its name. That matters where hardly any has: of ten million spans all attributes
would be read. Digits are not told apart (`llm.input_messages.#.message.role`), or every length of a conversation would
be a set of its own: a span of a set may have the name, one of any other set has it not.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb

from assay_server.core.records import Span
from assay_server.store.derived import storable
from assay_server.store.seen import md5_number_lower

ANY_NAMES = 0
"""The set of a span that may have any name."""

_MOST_NAMES = 500  # of a set; a span with more is of the unknown one
_MOST_SETS = 20_000  # of a store; who makes up a name for each span adds no more than that
_REMEMBERED = 4_096
_DIGITS = re.compile("[0-9]+")

KEY_SETS = """
CREATE TABLE IF NOT EXISTS key_sets (
    key UBIGINT NOT NULL, project VARCHAR NOT NULL, names VARCHAR[] NOT NULL, stored_ns BIGINT NOT NULL
)"""

_NAMES = (
    "list_sort(list_distinct(list_transform("
    "list_concat(json_keys(attributes::JSON), json_keys(coalesce(moved, '{}')::JSON)),"
    " lambda name: regexp_replace(name, '[0-9]+', '#', 'g'))))"
)
_KEY = f"md5_number_lower(concat(project, chr(31), array_to_string({_NAMES}, chr(31))))"


def filled(table: str) -> tuple[str, ...]:
    """Statements that give the rows their sets which were stored before there were any."""
    named = f"SELECT key_set AS key, project, {_NAMES} AS names, stored_ns FROM {table}"  # noqa: S608
    first = f"rowid IN (SELECT min(rowid) FROM {table} WHERE key_set <> {ANY_NAMES} GROUP BY key_set)"  # noqa: S608
    return (
        f"UPDATE {table} SET key_set = {_KEY} WHERE key_set = {ANY_NAMES} AND len({_NAMES}) <= {_MOST_NAMES}",  # noqa: S608
        f"INSERT INTO key_sets FROM ({named} WHERE {first}) WHERE key NOT IN (SELECT key FROM key_sets)",  # noqa: S608
    )


@dataclass(slots=True, frozen=True)
class KeySet:
    """The names of one project's spans, sorted, digits as `#`; `key` is what DuckDB's md5_number_lower makes of it."""

    key: int
    project: str
    names: tuple[str, ...]


def alike(name: str) -> str:
    """A name as sets have it."""
    return _DIGITS.sub("#", name)


def key_set(project: str, attributes: Mapping[str, Any]) -> KeySet:
    return _key_set(project, tuple(attributes))


def column(spans: Sequence[Span]) -> list[int]:
    return [key_set(span.project, span.attributes).key for span in spans]


def sets_of(spans: Iterable[Span]) -> dict[int, KeySet]:
    """Those of rows in `spans` and of what waits beside them, by their key."""
    found: dict[int, KeySet] = {}
    for span in spans:
        kept = () if span.thin is None else (span.thin.attributes,)
        for attributes in (span.attributes, *kept):
            one = key_set(span.project, attributes)
            found[one.key] = one
    found.pop(ANY_NAMES, None)
    return found


@lru_cache(_REMEMBERED)
def _key_set(project: str, given: tuple[str, ...]) -> KeySet:
    names = tuple(sorted({storable(alike(name)) for name in given}))
    if len(names) > _MOST_NAMES:
        return KeySet(ANY_NAMES, project, ())
    return KeySet(md5_number_lower(project + "\x1f" + "\x1f".join(names)), project, names)


class KeySets:
    """Those that the store knows. Belongs to the writer's thread, with the writer's connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._known: set[int] = set()
        self._is_read = False
        self._full = False

    def forget(self) -> None:
        """After somebody else changed what is stored: it is read when it is needed the next time."""
        self._is_read = False

    def new(self, given: Mapping[int, KeySet]) -> list[KeySet]:
        """What has to be stored with spans of it; nothing more where there are too many."""
        if not self._is_read:
            self._known = set(self._connection.execute("SELECT key FROM key_sets").fetchnumpy()["key"].tolist())
            self._is_read = True
        new = [one for key, one in given.items() if key not in self._known]
        self._full = len(self._known) + len(new) > _MOST_SETS
        return [] if self._full else new

    def store(self, new: Sequence[KeySet], stored_ns: int) -> None:
        """In the transaction of its spans."""
        for one in new:
            self._connection.execute(
                "INSERT INTO key_sets VALUES (?, ?, ?, ?)", [one.key, one.project, list(one.names), stored_ns]
            )

    def stored(self, new: Sequence[KeySet]) -> None:
        """That transaction is durable."""
        self._known.update(one.key for one in new)

    def bounded(self, rows: Any) -> Any:
        """Rows of spans (an Arrow table) as they may be stored: where a set is not stored, any names are possible."""
        if not self._full:
            return rows
        import pyarrow as pa

        keys = [key if key in self._known else ANY_NAMES for key in rows.column("key_set").to_pylist()]
        return rows.set_column(rows.schema.get_field_index("key_set"), "key_set", pa.array(keys, pa.uint64()))
