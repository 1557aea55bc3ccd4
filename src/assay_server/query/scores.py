"""Scores: the list with filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from assay_server.core.clock import rfc3339
from assay_server.core.records import Score
from assay_server.query.sql import Page, Where, cut, lines
from assay_server.store import Store

_FIELDS = (
    "id",
    "name",
    "source",
    "value",
    "label",
    "error",
    "reason",
    "author",
    "version",
    "trace_id",
    "span_id",
    "session",
    "run",
    "item",
)

_EQUAL = ("id", "name", "trace_id", "run", "item", "source", "session", "author", "label")
_OPERATORS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_AMONG = " IN (SELECT unnest(?::VARCHAR[]))"
_TOLD = "json_extract_string(metadata, ?)"


@dataclass(slots=True, frozen=True)
class ScoreFilter:
    """None does not narrow; times are nanoseconds, `until_ns` is exclusive."""

    name: str | None = None
    trace_id: str | None = None
    run: str | None = None
    item: str | None = None
    since_ns: int | None = None
    span_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()  # none of these
    until_ns: int | None = None
    source: str | None = None
    id: str | None = None
    session: str | None = None
    author: str | None = None
    label: str | None = None
    ids: tuple[str, ...] = ()
    """Those of these ids, whether ours or what a client sent them as."""
    told: tuple[tuple[str, str], ...] = ()
    """Names in the metadata, and what they say; `untold`: what they may not say."""
    untold: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, float], ...] = ()
    """Operators, and what they compare with."""
    judged: Literal["number", "label"] | None = None
    """Those with a number and no label, or with a label."""
    answered: bool = False
    """Neither failed judgements nor notes: there is a value or a label."""
    of_traces: bool = False
    without: tuple[tuple[str, str], ...] = ()  # a field, and the value that it may not have

    def conditions(self, project: str) -> Where:
        where = Where.project(project)
        for column in _EQUAL:
            where.equal(column, getattr(self, column))
        where.without(self.without)
        if self.since_ns is not None:
            where.add("time_ns >= ?", self.since_ns)
        if self.until_ns is not None:
            where.add("time_ns < ?", self.until_ns)
        if self.span_ids:
            where.add("span_id" + _AMONG, list(self.span_ids))
        if self.names:
            where.add("name" + _AMONG, list(self.names))
        if self.other_names:
            where.add("name NOT IN (SELECT unnest(?::VARCHAR[]))", list(self.other_names))
        if self.ids:
            where.add("(id" + _AMONG + " OR " + _TOLD + _AMONG + ")", list(self.ids), "$.id", list(self.ids))
        self._say(where)
        return where

    def _say(self, where: Where) -> None:
        for name, value in self.told:
            where.add(_TOLD + " = ?", f"$.{name}", value)
        for name, value in self.untold:
            where.add(_TOLD + " IS DISTINCT FROM ?", f"$.{name}", value)
        for operator, number in self.values:
            where.add("value " + _OPERATORS[operator] + " ?", number)
        if self.judged == "number":
            where.add("value IS NOT NULL AND label IS NULL")
        if self.judged == "label":
            where.add("label IS NOT NULL")
        if self.answered:
            where.add("(value IS NOT NULL OR label IS NOT NULL)")
        if self.of_traces:
            where.add("trace_id IS NOT NULL")


class Scores:
    """Reads scores of one project at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(
        self,
        project: str,
        narrow: ScoreFilter = ScoreFilter(),
        *,
        limit: int = 50,
        after: Sequence[Any] | None = None,
        skip: int = 0,
    ) -> Page:
        """Score JSON, newest first. `after`: (time_ns, id) of the page before; `skip`: how many stand on pages before,
        for clients that count pages."""
        where = narrow.conditions(project)
        counted = await self._store.scan(lines("SELECT count(*) AS n FROM scores WHERE", str(where)), where.params)
        if after is not None:
            where.follows(("time_ns", "id"), after, (int, str), "<")
        most = f"LIMIT {limit + 1} OFFSET {skip}"
        sql = lines("SELECT * FROM scores WHERE", str(where), "ORDER BY time_ns DESC, id DESC", most)
        kept, following = cut(await self._store.scan(sql, where.params), limit, "time_ns", "id")
        return Page([score_json(row) for row in kept], counted[0]["n"], following)

    async def by_id(self, project: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Score JSON by its id."""
        sql = "SELECT * FROM scores WHERE project = ? AND id IN (SELECT unnest(?::VARCHAR[]))"
        return {row["id"]: score_json(row) for row in await self._store.scan(sql, [project, list(ids)])}


def score_json(row: dict[str, Any] | Score) -> dict[str, Any]:
    """A score as the API shows it, from a row of the store or from a record."""
    if isinstance(row, Score):
        shown = {name: getattr(row, name) for name in _FIELDS}
        return {**shown, "time": rfc3339(row.time_ns), "metadata": row.metadata}
    metadata = row["metadata"]
    return {
        **{name: row[name] for name in _FIELDS},
        "time": rfc3339(row["time_ns"]),
        "metadata": msgspec.json.decode(metadata) if metadata else {},
    }
