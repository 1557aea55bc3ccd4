"""Which stored facts are a person's, or of one trace: conditions over the store's tables.

A person's are the spans that name them; those of the same trace, and of a session that names nobody else, that name
nobody; and what was said of or logged in those traces. A span that names somebody else is that person's.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from assay_server.store import Doomed, Limits, Store

_LIMITS = Limits(rows=5_000_000, seconds=600)

_NAMED = '"user" IN (SELECT unnest(?::VARCHAR[]))'
_TRACES = f"SELECT trace_id FROM spans WHERE project = ? AND {_NAMED}"  # noqa: S608 (our own words)
_SESSIONS = (
    "SELECT session FROM spans WHERE project = ? AND session IS NOT NULL GROUP BY session"  # noqa: S608
    f' HAVING bool_or({_NAMED}) AND NOT bool_or("user" IS NOT NULL AND NOT {_NAMED})'
)
_SPANS = f'{_NAMED} OR ("user" IS NULL AND (trace_id IN ({_TRACES}) OR session IN ({_SESSIONS})))'
_TOUCHED = f"SELECT trace_id FROM spans WHERE project = ? AND ({_SPANS})"  # noqa: S608
_OTHERS = f'SELECT span_id FROM spans WHERE project = ? AND "user" IS NOT NULL AND NOT {_NAMED}'  # noqa: S608
_IN_TRACES = f"trace_id IN ({_TOUCHED}) AND (span_id IS NULL OR span_id NOT IN ({_OTHERS}))"

_SEARCHED = {
    "spans": ("trace_id", '"user"', "session", "name", "status_message", "input", "output", "events", "links",
              "resource", "attributes::JSON::VARCHAR", "array_to_string(tags, chr(10))"),
    "held": ("trace_id", '"user"', "session", "input", "output", "events", "attributes::JSON::VARCHAR"),
    "scores": ("trace_id", "author", "session", "label", "reason", "metadata"),
    "events": ("trace_id", "subject", "data"),
    "run_items": ("trace_id", "input", "output", "expected", "contexts"),
}  # fmt: skip
"""Every column that an id could stand in."""


@dataclass(slots=True, frozen=True)
class Named(ABC):
    """What can be deleted, by the names it is known by."""

    project: str
    names: tuple[str, ...]

    @property
    def whole_traces(self) -> tuple[str, ...]:
        """Those that go whomever they name."""
        return ()

    @property
    def tokens(self) -> list[str]:
        """The names as they stand in JSON."""
        return [msgspec.json.encode(name).decode() for name in self.names]

    @property
    def spellings(self) -> list[str]:
        """The names as any JSON may spell them: the ledger's has no signs beyond ASCII."""
        return list(dict.fromkeys((*self.tokens, *map(json.dumps, self.names))))

    @abstractmethod
    def doomed(self) -> list[Doomed]:
        """In the order in which they must go: the spans, by which all else is found, last."""


@dataclass(slots=True, frozen=True)
class Person(Named):
    """`names`: the id as it was given, as it may stand in older facts, and the pseudonyms these may have become at the
    door."""

    def doomed(self) -> list[Doomed]:
        names = list(self.names)
        spans = (names, self.project, names, self.project, names, names)
        traces = (self.project, *spans, self.project, names)
        logged = " OR ".join(["contains(data, ?)"] * len(self.names))
        return [
            Doomed(
                "scores",
                f"({_IN_TRACES}) OR session IN ({_SESSIONS}) OR author IN (SELECT unnest(?::VARCHAR[]))",
                (*traces, self.project, names, names, names),
            ),
            Doomed(
                "events",
                f"({_IN_TRACES}) OR subject IN (SELECT unnest(?::VARCHAR[])) OR (trace_id IS NULL AND ({logged}))",
                (*traces, names, *self.tokens),
            ),
            Doomed("run_items", f"trace_id IN ({_TOUCHED})", (self.project, *spans)),
            Doomed("spans", _SPANS, spans),
        ]


@dataclass(slots=True, frozen=True)
class OneTrace(Named):
    """All of a trace, whoever is named in it; its only name is its id."""

    @property
    def whole_traces(self) -> tuple[str, ...]:
        return self.names

    def doomed(self) -> list[Doomed]:
        whole = "trace_id = ?", self.names
        return [
            Doomed("scores", *whole),
            Doomed("events", *whole),
            Doomed("run_items", *whole),
            Doomed("spans", *whole),
        ]


@dataclass(slots=True, frozen=True)
class Found:
    """What there is. `trace_ids` and `span_ids` are of the spans that will go."""

    counts: dict[str, int]
    trace_ids: list[str]
    span_ids: list[str]
    sessions: int
    first_ns: int | None
    last_ns: int | None

    @property
    def empty(self) -> bool:
        return not any(self.counts.values())


async def look(store: Store, subject: Named) -> Found:
    """Reads what would go. Changes nothing."""
    *others, spans = subject.doomed()
    counts = {
        _name(each.table): await _count(store, subject.project, each.table, each.where, each.params) for each in others
    }
    rows = await store.scan(
        f"SELECT trace_id, span_id, session, start_ns FROM spans WHERE project = ? AND ({spans.where})",  # noqa: S608
        [subject.project, *spans.params],
        limits=_LIMITS,
    )
    starts = [row["start_ns"] for row in rows]
    traces = sorted({row["trace_id"] for row in rows})
    return Found(
        counts={"spans": len(rows), "traces": len(traces), **counts},
        trace_ids=sorted({*traces, *subject.whole_traces}),
        span_ids=sorted({row["span_id"] for row in rows}),
        sessions=len({row["session"] for row in rows if row["session"] is not None}),
        first_ns=min(starts, default=None),
        last_ns=max(starts, default=None),
    )


async def mentions(store: Store, subject: Named) -> dict[str, int]:
    """How many rows of each table name it as a value, wherever in them."""
    found = {}
    for table, columns in _SEARCHED.items():
        tests, params = [], []
        for column in columns:
            for name, token in zip(subject.names, subject.tokens, strict=True):
                tests.append(f"{column} = ? OR contains({column}, ?)")
                params += [name, token]
        found[table] = await _count(store, subject.project, table, " OR ".join(tests), params)
    return found


def _name(table: str) -> str:
    return "log_records" if table == "events" else table


async def _count(store: Store, project: str, table: str, where: str, params: Sequence[Any]) -> int:
    sql = f"SELECT count(*) AS n FROM {table} WHERE project = ? AND ({where})"  # noqa: S608
    rows = await store.scan(sql, [project, *params], limits=_LIMITS)
    n: int = rows[0]["n"]
    return n
