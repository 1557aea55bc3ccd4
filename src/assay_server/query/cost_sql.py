"""The calls of a project that cost something, each once, and the fields they may be grouped and filtered by.

How a call is grouped by what only its trace says is told in `dimensions`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Tokens
from assay_server.query.dimensions import EDGES, TRACE_WIDE, Dimension, dimension, narrowed, quoted
from assay_server.query.rollup import HAS, KEYS, counted_by_key
from assay_server.query.shapes import tokens_json
from assay_server.query.sql import Where, lines
from assay_server.store import Limits

LARGE = Limits(rows=200_000, seconds=60)

_MARGIN_NS = 6 * 3_600_000_000_000  # traces over the window's edge are read whole: what counts must not hang on it
_BUCKETS = ("fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning")
SUMS = ", ".join(
    (
        "count(*) AS calls",
        "sum(cost) AS usd",
        "count(*) FILTER (cost IS NULL) AS unknown",
        *(f"sum({bucket})::BIGINT AS {bucket}" for bucket in _BUCKETS),
    )
)
"""Sums over spans; `RESUMS` adds such sums up."""

SUMMED = ("usd", "calls", "unknown", *_BUCKETS)
"""The columns of both, in the order of `RESUMS`."""

RESUMS = ", ".join(("sum(usd) AS usd", *(f"sum({name})::BIGINT AS {name}" for name in SUMMED[1:])))


@dataclass(slots=True, frozen=True)
class CostFilter:
    """None does not narrow. `since_ns` is inclusive, `until_ns` exclusive, both nanoseconds since the epoch."""

    since_ns: int
    until_ns: int
    model: str | None = None
    provider: str | None = None
    user: str | None = None
    session: str | None = None
    feature: str | None = None
    tenant: str | None = None
    cost_center: str | None = None
    prompt: str | None = None
    release: str | None = None
    channel: str | None = None
    environment: str | None = None
    service: str | None = None
    name: str | None = None
    tag: str | None = None


@dataclass(slots=True, frozen=True)
class Calls:
    """`WITH …` that defines `calls`: the spans that count, with `value`, what they are grouped by."""

    sql: str
    params: list[Any]


def calls(project: str, narrow: CostFilter, group_by: str | None = None, *columns: str) -> Calls:
    """`columns` of spans beside those of every call. Raises InvalidInput for an unknown dimension or empty window."""
    if narrow.until_ns <= narrow.since_ns:
        raise InvalidInput("The window ends before it begins.", field="until", fix="give a later 'until'")
    by = dimension(group_by)
    edges = [project, narrow.since_ns - _MARGIN_NS, narrow.until_ns + _MARGIN_NS]
    where = _conditions(narrow, edges)
    asked = [name for name in TRACE_WIDE if getattr(narrow, name, None) is not None]
    kept = ", ".join(quoted(name) for name in dict.fromkeys((*_EVERY, *asked, *columns)))
    # Only spans that may count are kept: most have neither tokens nor a cost.
    sql = lines(
        "WITH source AS MATERIALIZED (SELECT " + kept + ",",
        KEYS + ", " + by.own + " AS own FROM spans WHERE " + EDGES + " AND " + HAS + "),",
        "wide AS (" + by.across("source") + ")," if by.wide else "",
        "calls AS (SELECT c.* EXCLUDE (own, trace, me, rolls, above),",
        _value(by) + " AS value",
        "FROM (" + counted_by_key("source") + ") c",
        "LEFT JOIN wide USING (trace)" if by.wide else "",
        "WHERE " + str(where) + ")",
    )
    return Calls(sql, [*by.params, *edges, *([*by.params, *edges] if by.wide else []), *where.params])


def money(row: Mapping[str, Any]) -> dict[str, Any]:
    """`{"usd", "unknown"}` of a row of `SUMS`."""
    return {"usd": row["usd"], "unknown": row["unknown"] or 0}


def token_sums(row: Mapping[str, Any]) -> dict[str, int | None]:
    """Tokens of a row of `SUMS`; None where nobody counted."""
    tokens = Tokens(row["fresh_input"], row["cache_read"], row["cache_write"], row["output_tokens"], row["reasoning"])
    return tokens_json(tokens) or {}


_EVERY = (
    *("trace_id", "span_id", "parent_id", "kind", "name", "start_ns", "end_ns", "model", "provider", "service"),
    *("cost", "cost_source", *_BUCKETS),
)


def _value(by: Dimension) -> str:
    if by.many:  # one row for each tag; a call without any keeps one
        return "wide.own"
    return "coalesce(c.own, wide.own)" if by.wide else "c.own"


def _conditions(narrow: CostFilter, edges: list[Any]) -> Where:
    where = Where(["c.start_ns >= ?", "c.start_ns < ?"], [narrow.since_ns, narrow.until_ns])
    for name in ("model", "provider", "service", "name"):
        where.equal("c." + name, getattr(narrow, name))
    asked = {name: getattr(narrow, name) for name in (*TRACE_WIDE, "tag") if getattr(narrow, name, None) is not None}
    narrowed(where, {name: [value] for name, value in asked.items()}, edges, of="c.")
    return where
