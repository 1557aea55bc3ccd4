"""Traces in another order than the newest first: the slowest, the dearest, those of the lowest score.

All that the filter keeps are ranked by their settled sums: 200,000 take some 50 ms. Of words only the newest traces
that have them are known at once, so it is among those that the order holds, and the answer says of how many.
"""

from dataclasses import dataclass, replace
from typing import Any

from assay_server.query.filters.one_of import each_of
from assay_server.query.filters.traces import TOKENS_OF_SUMS, TraceFilter, is_of_trace, trace_conditions
from assay_server.query.ordering import Order, Rank, behind, ordered
from assay_server.query.sql import lines
from assay_server.query.traces.known import AMONG, Known, ids
from assay_server.store import Bounds, Found, Store, asks_for_words

MOST_RANKED = 2_000
"""Traces that have words."""

_VALUES = {
    "start": "start_ns",
    "latency": "end_ns - start_ns",
    "cost": "usd",
    "tokens": TOKENS_OF_SUMS,
}
ORDERS = (*_VALUES, "score.NAME")

_SCORES = lines(
    "LEFT JOIN (SELECT trace_id AS judged, avg(value) AS mean FROM scores WHERE project = ? AND name = ?",
    "AND trace_id IS NOT NULL GROUP BY trace_id) ON judged = trace_id",
)


@dataclass(slots=True, frozen=True)
class Ranked:
    """In order, one more than asked for where there are more. `among`: None where all that match were ranked,
    else how many of the newest with the words."""

    ranks: list[Rank]
    total: int
    among: int | None


class TraceRanker:
    """Ranks traces of one project at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = Known(store)

    async def rank(
        self, project: str, narrow: TraceFilter, order: Order, limit: int, after: Rank | None = None
    ) -> Ranked:
        """Raises `InvalidInput` for a condition that cannot be read."""
        found = await self._with_words(project, narrow)
        if found is not None and not found.traces:
            return Ranked([], 0, None)
        narrow = replace(narrow, text=None)
        if found is None and not is_of_trace(narrow):
            narrow = replace(narrow, begun_before=await self._known.begun_before(project, narrow))
        sql, params = await self._sql(project, narrow, order, found, after)
        rows = await self._store.scan(lines(sql, ordered(order, "start_ns", "trace_id", limit + 1)), params)
        ranks = [Rank(row["v"], row["start_ns"], row["trace_id"]) for row in rows]
        among = None if found is None or found.complete else len(found.traces)
        return Ranked(ranks, rows[0]["total"] if rows else 0, among)

    async def _with_words(self, project: str, narrow: TraceFilter) -> Found | None:
        """The newest traces with the words, where any are asked for."""
        if narrow.text is None or not asks_for_words(narrow.text):
            return None
        within = each_of(narrow.trace_id) or None
        bounds = Bounds(narrow.since_ns, narrow.until_ns, within)
        return await self._store.texts.find(project, narrow.text, bounds, MOST_RANKED)

    async def _sql(
        self, project: str, narrow: TraceFilter, order: Order, found: Found | None, after: Rank | None
    ) -> tuple[str, list[Any]]:
        value = _VALUES.get(order.by, "mean")
        scores, of_scores = ("", []) if value != "mean" else (_SCORES, [project, order.by.removeprefix("score.")])
        ranked = lines("ranked AS (SELECT trace_id, start_ns,", value, "AS v FROM trace_sums", scores, "WHERE")
        later = behind(after, order, "start_ns", "trace_id")
        behind_it = "WHERE " + str(later) if after is not None else ""
        if found is None and is_of_trace(narrow):
            where = trace_conditions(project, narrow)  # sums know when traces really began
            sql = lines(
                *("WITH", ranked, str(where) + ") SELECT trace_id, start_ns, v,"),
                *("(SELECT count(*) FROM trace_sums WHERE", str(where) + ") AS total FROM ranked", behind_it),
            )
            return sql, [*of_scores, *where.params, *where.params, *later.params]
        among = None if found is None else ids(found)
        own = among is not None and not is_of_trace(narrow)
        sets = await self._known.key_sets(project, narrow)
        where = trace_conditions(project, narrow, spans="mine" if own else "spans", key_sets=sets)
        mine, params = "", list[Any]()
        if among is not None:
            where.add(AMONG, among)
        if own and among is not None:
            mine, params = await self._known.mine(project, among)
        sql = lines(
            "WITH " + mine,
            *("found AS MATERIALIZED (SELECT hash(trace_id) AS trace FROM traces WHERE", str(where), "),"),
            *(ranked, "project = ? AND hash(trace_id) IN (SELECT trace FROM found))"),
            *("SELECT trace_id, start_ns, v, (SELECT count(*) FROM found) AS total FROM ranked", behind_it),
        )
        return sql, [*params, *where.params, *of_scores, project, *later.params]
