"""The steps of traces of one kind: how long each takes by itself, how often, and what it uses."""

from typing import Any

from assay_server.query.sql import lines

_TOKENS = "coalesce(fresh_input, 0) + coalesce(cache_read, 0) + coalesce(cache_write, 0)"
_ALL_TOKENS = _TOKENS + " + coalesce(output_tokens, 0) + coalesce(reasoning, 0)"
_COUNTED = "coalesce(fresh_input, cache_read, cache_write, output_tokens, reasoning) IS NOT NULL"
EMPTY_RESULT = "trim(lower(coalesce(output, ''))) IN ('', '[]', '{}', '\"\"', 'null', 'none')"


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
