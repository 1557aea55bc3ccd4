"""The steps of traces of one kind: how long each takes by itself, how often, and what it uses."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.core.words import percent
from assay_server.query.cost_sql import money, token_sums
from assay_server.query.sql import lines

_MOST_NAMES = 50

_TOKENS = "coalesce(fresh_input, 0) + coalesce(cache_read, 0) + coalesce(cache_write, 0)"
_ALL_TOKENS = _TOKENS + " + coalesce(output_tokens, 0) + coalesce(reasoning, 0)"
_COUNTED = "coalesce(fresh_input, cache_read, cache_write, output_tokens, reasoning) IS NOT NULL"
EMPTY_RESULT = (
    "coalesce(content, 'kept') = 'kept' AND let_go_ns IS NULL AND NOT (status = 'error' AND output IS NULL)"
    " AND trim(lower(coalesce(output, ''))) IN ('', '[]', '{}', '\"\"', 'null', 'none')"
)
"""A tool that found nothing: no output, or an empty list, object, string or null. A text that was let go is unknown,
and an error that left none is an error."""


def steps_sql(project: str, name: str | None, since_ns: int, until_ns: int, limit: int) -> tuple[str, list[Any]]:
    """A row for each (kind, name). A span's own time is its time without the parts that children cover, where children
    that overlap count once (the union of their intervals)."""
    sql = lines(
        "WITH roots AS (SELECT trace_id FROM spans WHERE project = ? AND parent_id IS NULL AND start_ns >= ?",
        "  AND start_ns < ? AND (?::VARCHAR IS NULL OR name = ?)),",
        "s AS MATERIALIZED (SELECT trace_id, span_id, parent_id, kind, name, status, start_ns, end_ns, cost,",
        "  fresh_input, cache_read, cache_write, output_tokens, reasoning,",
        "  kind = 'tool' AND " + EMPTY_RESULT + " AS empty",
        "  FROM spans WHERE project = ? AND trace_id IN (SELECT trace_id FROM roots)),",
        "child AS (SELECT c.trace_id, c.parent_id, greatest(c.start_ns, p.start_ns) AS start_ns,",
        "  least(c.end_ns, p.end_ns) AS end_ns",
        "  FROM s c JOIN s p ON p.trace_id = c.trace_id AND p.span_id = c.parent_id",
        "  WHERE least(c.end_ns, p.end_ns) > greatest(c.start_ns, p.start_ns)),",
        "fresh AS (SELECT trace_id, parent_id, end_ns, greatest(start_ns, coalesce(max(end_ns) OVER (PARTITION BY",
        "  trace_id, parent_id ORDER BY start_ns, end_ns ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), start_ns))",
        "  AS start_ns FROM child),",
        "covered AS (SELECT trace_id, parent_id AS span_id, sum(greatest(end_ns - start_ns, 0)) AS ns FROM fresh",
        "  GROUP BY ALL),",
        "own AS (SELECT s.*, end_ns - start_ns - coalesce(ns, 0) AS own_ns FROM s LEFT JOIN covered",
        "  USING (trace_id, span_id)),",
        "whole AS (SELECT count(*) AS all_traces, quantile_cont(ns, 0.5) / 1e6 AS trace_p50,",
        "  quantile_cont(ns, 0.95) / 1e6 AS trace_p95 FROM",
        "  (SELECT max(end_ns) - min(start_ns) AS ns FROM s GROUP BY trace_id))",
        "SELECT kind, name, count(*) AS n, count(DISTINCT trace_id) AS traces,",
        "  count(*) FILTER (status = 'error') AS errors, count(*) FILTER (empty) AS empty,",
        "  quantile_cont(end_ns - start_ns, 0.5) / 1e6 AS p50, quantile_cont(end_ns - start_ns, 0.95) / 1e6 AS p95,",
        "  quantile_cont(own_ns, 0.5) / 1e6 AS own_p50, quantile_cont(own_ns, 0.95) / 1e6 AS own_p95,",
        "  arg_max({'trace_id': trace_id, 'span_id': span_id, 'ns': end_ns - start_ns}, end_ns - start_ns, 3)",
        "    AS slowest,",
        "  sum(own_ns)::DOUBLE AS all_own_ns, sum(cost) AS usd,",
        "  count(*) FILTER (cost IS NULL AND " + _COUNTED + ") AS unknown,",
        "  sum(fresh_input)::BIGINT AS fresh_input, sum(cache_read)::BIGINT AS cache_read,",
        "  sum(cache_write)::BIGINT AS cache_write, sum(output_tokens)::BIGINT AS output_tokens,",
        "  sum(reasoning)::BIGINT AS reasoning,",
        "  quantile_cont(" + _ALL_TOKENS + ", 0.5) FILTER (" + _COUNTED + ") AS tokens_p50,",
        "  quantile_cont(" + _ALL_TOKENS + ", 0.95) FILTER (" + _COUNTED + ") AS tokens_p95,",
        "  any_value(all_traces) AS all_traces, any_value(trace_p50) AS trace_p50, any_value(trace_p95) AS trace_p95",
        "FROM own, whole GROUP BY kind, name ORDER BY all_own_ns DESC, kind, name LIMIT ?",
    )
    return sql, [project, since_ns, until_ns, name, name, project, limit]


def names_sql() -> str:
    """The names of root spans with how many traces they have. Parameters: project, since, until."""
    return lines(
        "SELECT name, count(*) AS traces FROM spans WHERE project = ? AND parent_id IS NULL AND start_ns >= ?",
        "AND start_ns < ? GROUP BY name ORDER BY traces DESC, name LIMIT " + str(_MOST_NAMES),
    )


def step_json(row: Mapping[str, Any], whole: float) -> dict[str, Any]:
    """`whole`: the own time of all steps, nanoseconds."""
    return {
        "kind": row["kind"],
        "name": row["name"],
        "calls": row["n"],
        "traces": row["traces"],
        "errors": row["errors"],
        "latency_ms": {"p50": row["p50"], "p95": row["p95"]},
        "own_ms": {"p50": row["own_p50"], "p95": row["own_p95"]},
        "time_share": row["all_own_ns"] / whole if whole else None,
        "tokens": token_sums(row),
        "tokens_per_call": {"p50": row["tokens_p50"], "p95": row["tokens_p95"]},
        "cost": money(row),
        "empty_results": row["empty"] if row["kind"] == "tool" else None,
        "slowest": [
            {"trace_id": one["trace_id"], "span_id": one["span_id"], "latency_ms": one["ns"] / 1e6}
            for one in row["slowest"]
        ],
        "bottleneck": False,
    }


def steps_sentence(items: Sequence[Mapping[str, Any]], traces: int) -> str:
    """The bottleneck, what fails most, and which tool finds nothing."""
    slow = next((item for item in items if item["bottleneck"]), None)
    if slow is None:
        return "No trace was found."
    of = "one trace" if traces == 1 else f"{traces:,} traces"
    share = "" if slow["time_share"] is None else f" takes {percent(slow['time_share'])} of the time of {of}"
    p50, p95 = (_time(slow["own_ms"][name]) for name in ("p50", "p95"))
    parts = [f"{slow['name']}{share}: {p50} a call by itself at p50, {p95} at p95."]
    failing = max(items, key=lambda item: item["errors"])
    if failing["errors"]:
        parts.append(f"{failing['name']} fails most: {failing['errors']:,} of {failing['calls']:,} calls.")
    empty = max(items, key=lambda item: item["empty_results"] or 0)
    if empty["empty_results"]:
        parts.append(f"{empty['name']} found nothing in {empty['empty_results']:,} of {empty['calls']:,} calls.")
    return " ".join(parts)


def _time(ms: float) -> str:
    return f"{ms:,.0f} ms" if ms < 1000 else f"{ms / 1000:,.2f} s"
