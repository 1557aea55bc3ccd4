"""The calls of a project that cost something, each once, and the fields they may be grouped and filtered by.

How a call is grouped by what only its trace says is told in `dimensions`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Tokens
from assay_server.query.dimensions import EDGES, MARGIN_NS, GroupedCalls
from assay_server.query.key_sets import KeySets
from assay_server.query.metrics.narrowing import Knowing, narrowed, narrowed_calls
from assay_server.query.metrics.searched import Found
from assay_server.query.shapes import tokens_json
from assay_server.query.sql import Where, lines
from assay_server.store import Limits

LARGE = Limits(rows=200_000, seconds=60)

BUCKETS = ("fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning")
SUMS = ", ".join(
    (
        "count(*) AS calls",
        "sum(cost) AS usd",
        "count(*) FILTER (cost IS NULL) AS unknown",
        *(f"TRY_CAST(sum({bucket}) AS BIGINT) AS {bucket}" for bucket in BUCKETS),
    )
)
"""Sums over spans; `RESUMS` adds such sums up."""

SUMMED = ("usd", "calls", "unknown", *BUCKETS)
"""The columns of both, in the order of `RESUMS`."""

RESUMS = ", ".join(("sum(usd) AS usd", *(f"TRY_CAST(sum({name}) AS BIGINT) AS {name}" for name in SUMMED[1:])))


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
    search: str | None = None
    """A line of the list of traces, without times."""
    found: Found | None = None
    """What that finds: `Costs.searched`."""


@dataclass(slots=True, frozen=True)
class Calls:
    """`WITH …` that defines `calls`: the rows of `counted_calls` that were asked for, with `value`, what they are
    grouped by. `key` is that of the span."""

    sql: str
    params: list[Any]


def calls(project: str, narrow: CostFilter, group_by: str | None = None, key_sets: KeySets | None = None) -> Calls:
    """`key_sets`: what `sets_of` says of `group_by`, where it was asked.

    Raises InvalidInput for an unknown dimension or empty window.
    """
    if narrow.until_ns <= narrow.since_ns:
        raise InvalidInput("The window ends before it begins.", field="until", fix="give a later 'until'")
    around = _edges(project, narrow, MARGIN_NS)
    grouped = GroupedCalls.by(group_by, around, key_sets or {})
    where = Where(["c.project = ?", "c.start_ns >= ?", "c.start_ns < ?"], _edges(project, narrow))
    narrowed_calls(where, _given(narrow), around, of="c.", known=_known(narrow))
    sql = lines(
        "WITH " + grouped.ctes + "calls AS (SELECT c.*,",
        grouped.value + " AS value",
        "FROM counted_calls c",
        grouped.joins,
        "WHERE " + str(where) + ")",
    )
    return Calls(sql, [*grouped.cte_params, *grouped.params, *where.params])


def unmetered(project: str, narrow: CostFilter) -> tuple[Calls, Calls]:
    """Statements that give `n`, the model calls that were answered and say neither tokens nor a cost: they are no
    `calls`, and nobody knows what they cost. The second leaves out those that stand around the gateway's span of the
    same call, which tells; it takes longer, and where the first finds none nobody need ask."""
    around = _edges(project, narrow, MARGIN_NS)
    where = Where(["s.project = ?", "s.start_ns >= ?", "s.start_ns < ?"], _edges(project, narrow))
    where.add("kind = 'llm' AND status <> 'error' AND cost IS NULL")
    where.add("coalesce(" + ", ".join(BUCKETS) + ") IS NULL")
    narrowed(where, _given(narrow), around, of="s.", known=_known(narrow))
    silent = lines("FROM spans s WHERE", str(where))
    told = lines(
        *("SELECT (trace_id, parent_id) FROM spans WHERE", EDGES, "AND kind = 'llm' AND parent_id IS NOT NULL"),
        "AND trace_id IN (SELECT trace_id FROM u)",
    )
    exactly = lines(
        *("WITH u AS MATERIALIZED (SELECT trace_id, span_id", silent, ")"),
        *("SELECT count(*) AS n FROM u WHERE (trace_id, span_id) NOT IN (", told, ")"),
    )
    return Calls(lines("SELECT count(*) AS n", silent), where.params), Calls(exactly, [*where.params, *around])


def money(row: Mapping[str, Any]) -> dict[str, Any]:
    """`{"usd", "unknown"}` of a row of `SUMS`."""
    return {"usd": row["usd"], "unknown": row["unknown"] or 0}


def token_sums(row: Mapping[str, Any]) -> dict[str, int | None]:
    """Tokens of a row of `SUMS`; None where nobody counted."""
    tokens = Tokens(row["fresh_input"], row["cache_read"], row["cache_write"], row["output_tokens"], row["reasoning"])
    return tokens_json(tokens) or {}


def _edges(project: str, narrow: CostFilter, margin_ns: int = 0) -> list[Any]:
    return [project, narrow.since_ns - margin_ns, narrow.until_ns + margin_ns]


def _given(narrow: CostFilter) -> dict[str, list[str]]:
    """The filter's words with the one value that each may have."""
    return {name: [value] for name in _FILTERS if (value := getattr(narrow, name)) is not None}


def _known(narrow: CostFilter) -> Knowing:
    return Knowing(searched={} if narrow.search is None or narrow.found is None else {narrow.search: narrow.found})


_FILTERS = tuple(each.name for each in fields(CostFilter) if not each.name.endswith("_ns") and each.name != "found")
