"""Traces in another order than the newest first: the slowest, the dearest, those of the lowest score.

All that the filter keeps are ranked by their settled sums: 200,000 take some 50 ms. Of words only the newest traces
that have them are known at once, so it is among those that the order holds, and the answer says of how many.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from assay_server.core.errors import InvalidInput
from assay_server.query.one_of import each_of
from assay_server.query.sql import Where, lines
from assay_server.query.trace_filter import TOKENS_OF_SUMS, TraceFilter, is_of_trace, trace_conditions
from assay_server.query.trace_known import AMONG, Known, ids
from assay_server.store import Bounds, Found, Store, asks_for_words

MOST_RANKED = 10_000
"""Traces that have words."""

_VALUES = {
    "start": "start_ns",
    "latency": "end_ns - start_ns",
    "cost": "usd",
    "tokens": TOKENS_OF_SUMS,
}
ORDERS = (*_VALUES, "score.NAME")

_ORDER = re.compile(r"(start|latency|cost|tokens|score\.(?P<score>.+)):(?P<way>asc|desc)")
_SCORES = lines(
    "LEFT JOIN (SELECT trace_id AS judged, avg(value) AS mean FROM scores WHERE project = ? AND name = ?",
    "AND trace_id IS NOT NULL GROUP BY trace_id) ON judged = trace_id",
)


@dataclass(slots=True, frozen=True)
class Order:
    """`by` is one of `ORDERS`. Traces without a value come last, whichever way; of equal ones the newest is first."""

    by: str
    descending: bool

    @classmethod
    def read(cls, text: str) -> "Order":
        """Raises `InvalidInput`."""
        read = _ORDER.fullmatch(text)
        if read is None:
            fix = f"FIELD:asc or FIELD:desc, as latency:desc; the fields are {', '.join(ORDERS)}"
            raise InvalidInput("Traces cannot be sorted by this.", field="sort", value=text, fix=fix)
        return cls(read[1], read["way"] == "desc")

    @property
    def score(self) -> str | None:
        return self.by.removeprefix("score.") if self.by.startswith("score.") else None

    def __str__(self) -> str:
        return f"{self.by}:{'desc' if self.descending else 'asc'}"


class Rank(NamedTuple):
    """Where a trace stands: its value (None where it has none), when it began, its id."""

    value: float | None
    start_ns: int
    trace_id: str


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
        if found is None:
            narrow = replace(narrow, begun_before=await self._known.begun_before(project, narrow))
        sql, params = await self._sql(project, narrow, order, found, after)
        rows = await self._store.scan(sql + " LIMIT " + str(limit + 1), params)
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
        among = None if found is None else ids(found)
        own = among is not None and not is_of_trace(narrow)
        sets = await self._known.key_sets(project, narrow)
        where = trace_conditions(project, narrow, spans="mine" if own else "spans", key_sets=sets)
        mine, params = "", list[Any]()
        if among is not None:
            where.add(AMONG, among)
        if own and among is not None:
            mine, params = await self._known.mine(project, among)
        scores, of_scores = ("", []) if order.score is None else (_SCORES, [project, order.score])
        value = _VALUES.get(order.by, "mean")
        behind = _behind(after, order)
        sql = lines(
            "WITH " + mine,
            *("found AS MATERIALIZED (SELECT trace_id FROM traces WHERE", str(where), "),"),
            *("ranked AS (SELECT trace_id, start_ns,", value, "AS v FROM trace_sums", scores),
            "WHERE project = ? AND trace_id IN (SELECT trace_id FROM found))",
            "SELECT trace_id, start_ns, v, (SELECT count(*) FROM found) AS total FROM ranked",
            "WHERE " + str(behind) if behind.conditions else "",
            *("ORDER BY v", "DESC" if order.descending else "ASC", "NULLS LAST, start_ns DESC, trace_id DESC"),
        )
        return sql, [*params, *where.params, *of_scores, project, *behind.params]


def _behind(after: Rank | None, order: Order) -> Where:
    """Only what comes after that place."""
    where = Where()
    if after is None:
        return where
    later = "(start_ns, trace_id) < (?, ?)"
    if after.value is None:
        where.add("v IS NULL AND " + later, after.start_ns, after.trace_id)
        return where
    sign = "<" if order.descending else ">"
    condition = lines("(v", sign, "? OR v IS NULL OR (v = ? AND", later, "))")
    where.add(condition, after.value, after.value, after.start_ns, after.trace_id)
    return where


def cut_ranked(ranks: Sequence[Rank], limit: int) -> tuple[list[str], Rank | None]:
    """(trace ids of a page, the place of its last where there is one more)"""
    kept = [rank.trace_id for rank in ranks[:limit]]
    return kept, ranks[limit - 1] if len(ranks) > limit else None
