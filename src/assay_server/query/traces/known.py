"""What can be known of the traces that a filter keeps, before their spans are looked at."""

from collections.abc import Sequence
from typing import Any

from assay_server.query.commits import IN_COMMITS, commits_of
from assay_server.query.filters.attributes import read_condition
from assay_server.query.filters.traces import TraceFilter, attributes_of
from assay_server.query.key_sets import sets_with
from assay_server.query.sql import lines
from assay_server.store import Bounds, Found, Limits, Store

AMONG = "trace_id IN (SELECT unnest(?::VARCHAR[]))"

_NAMED = 300  # traces that have the words of an attribute's value; a page is looked for among the newest of more
_MANY = Limits(rows=2_000_000, seconds=60)
_MINE = lines(  # by their place: conditions are not to be worked out for all rows of all commits
    "mine AS (SELECT * FROM spans WHERE rowid IN (SELECT rowid FROM spans WHERE project = ? AND",
    IN_COMMITS + " AND " + AMONG + ")),",
)


class Known:
    """Of one project at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begun_before(self, project: str, narrow: TraceFilter) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A trace stands in the list where its first commit began, and its root often comes later, since children end
        before it. Those that go over an edge of the range are few, and of them it is asked when they really began."""
        edges = [edge for edge in (narrow.since_ns, narrow.until_ns) if edge is not None]
        if not edges:
            return (), ()
        params = [value for edge in edges for value in (edge, edge)]
        over = " OR ".join(["start_ns < ? AND last_ns >= ?"] * len(edges))
        sql = lines("SELECT trace_id, start_ns, last_ns FROM trace_sums WHERE project = ? AND (", over, ")")
        rows = await self._store.scan(sql, [project, *params], limits=_MANY)

        def before(edge: int | None) -> tuple[str, ...]:
            if edge is None:
                return ()
            return tuple(row["trace_id"] for row in rows if row["start_ns"] < edge <= row["last_ns"])

        return before(narrow.since_ns), before(narrow.until_ns)

    async def named(self, project: str, narrow: TraceFilter, bounds: Bounds) -> Found | None:
        """The newest traces with the words of an attribute that is asked for; all of them where they are few.

        The id of an order or a case hardly stands anywhere else, and the index knows at once where. None where no
        condition has words.
        """
        newest = None
        for condition in map(read_condition, narrow.attributes):
            if condition.words is not None:
                found = await self._store.texts.find(project, condition.words, bounds, _NAMED)
                if found.complete:
                    return found
                newest = newest or found
        return newest

    async def key_sets(self, project: str, narrow: TraceFilter) -> dict[tuple[str, ...], list[int]]:
        """Of which set of names a span is that has all attributes which are asked for together."""
        return {
            texts: await sets_with(self._store, project, [read_condition(text).key for text in texts])
            for texts in attributes_of(narrow)
        }

    async def mine(self, project: str, among: Sequence[str]) -> tuple[str, list[Any]]:
        """The beginning of a `WITH` that gives the spans of these traces as `mine`, and its parameters."""
        return _MINE, [project, await commits_of(self._store, project, among), list(among)]


def ids(found: Found) -> list[str]:
    return [trace_id for _, trace_id in found.traces]
