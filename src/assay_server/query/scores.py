"""Scores: the list with filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    without: tuple[tuple[str, str], ...] = ()  # a field, and the value that it may not have


class Scores:
    """Reads scores of one project at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(
        self, project: str, narrow: ScoreFilter = ScoreFilter(), *, limit: int = 50, after: Sequence[Any] | None = None
    ) -> Page:
        """Score JSON, newest first. `after`: (time_ns, id) of the page before."""
        where = Where.project(project)
        for column in ("id", "name", "trace_id", "run", "item", "source"):
            where.equal(column, getattr(narrow, column))
        where.without(narrow.without)
        if narrow.since_ns is not None:
            where.add("time_ns >= ?", narrow.since_ns)
        if narrow.until_ns is not None:
            where.add("time_ns < ?", narrow.until_ns)
        if narrow.span_ids:
            where.add("span_id IN (SELECT unnest(?::VARCHAR[]))", list(narrow.span_ids))
        if narrow.names:
            where.add("name IN (SELECT unnest(?::VARCHAR[]))", list(narrow.names))
        if narrow.other_names:
            where.add("name NOT IN (SELECT unnest(?::VARCHAR[]))", list(narrow.other_names))
        counted = await self._store.scan(lines("SELECT count(*) AS n FROM scores WHERE", str(where)), where.params)
        if after is not None:
            where.follows(("time_ns", "id"), after, (int, str), "<")
        sql = lines("SELECT * FROM scores WHERE", str(where), "ORDER BY time_ns DESC, id DESC", f"LIMIT {limit + 1}")
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
