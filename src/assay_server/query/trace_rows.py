"""The rows of a list of traces: computed over the spans of one page's traces only."""

from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.query.rollup import counted
from assay_server.query.sql import by_row

_SHOWN = 300  # characters of input and output

_COLUMNS = (
    "trace_id, span_id, parent_id, name, kind, service, start_ns, end_ns, status, model, session, release, channel,"
    " arm, fresh_input, cache_read, cache_write, output_tokens, reasoning, cost, pii, environment, tags, run, canary,"
    " let_go_ns,"
)

_SQL = "\n".join(
    (
        "WITH s AS MATERIALIZED (SELECT " + _COLUMNS,
        f'  "user", left(input, {_SHOWN}) AS input, left(output, {_SHOWN}) AS output',
        "  FROM spans WHERE " + by_row("WHERE project = ? AND trace_id IN (SELECT unnest(?::VARCHAR[]))") + "),",
        "roots AS (SELECT * FROM s QUALIFY row_number() OVER (PARTITION BY trace_id",
        "  ORDER BY parent_id IS NOT NULL, start_ns, span_id) = 1),",
        "used AS (SELECT trace_id, sum(cost) AS usd, count(*) FILTER (cost IS NULL) AS unknown,",
        "  sum(coalesce(fresh_input, 0) + coalesce(cache_read, 0) + coalesce(cache_write, 0))",
        "    FILTER (coalesce(fresh_input, cache_read, cache_write) IS NOT NULL) AS input_tokens,",
        "  sum(coalesce(output_tokens, 0) + coalesce(reasoning, 0))",
        "    FILTER (coalesce(output_tokens, reasoning) IS NOT NULL) AS output_tokens",
        "  FROM (" + counted("s") + ") GROUP BY trace_id),",
        "sums AS (SELECT trace_id, min(start_ns) AS start_ns, max(end_ns) AS end_ns, count(*) AS spans,",
        "  count(*) FILTER (status = 'error') AS errors, count(let_go_ns) AS let_go,",
        "  list_sort(list(DISTINCT model) FILTER (model IS NOT NULL)) AS models,",
        "  list_sort(list_distinct(flatten(list(pii)))) AS pii, list_sort(list_distinct(flatten(list(tags)))) AS tags,",
        '  arg_min("user", start_ns) AS "user", arg_min(session, start_ns) AS session,',
        "  arg_min(release, start_ns) AS release, arg_min(channel, start_ns) AS channel,",
        "  arg_min(arm, start_ns) AS arm,",
        "  arg_min(canary, start_ns) AS canary, arg_min(run, start_ns) AS run,",
        "  arg_min(environment, start_ns) AS environment FROM s GROUP BY trace_id)",
        "SELECT sums.*, roots.span_id AS root_span_id, roots.name, roots.kind, roots.service, roots.status,",
        "  roots.input, roots.output, used.usd, used.unknown, used.input_tokens, used.output_tokens",
        "FROM sums JOIN roots USING (trace_id) LEFT JOIN used USING (trace_id)",
    )
)

_AS_IS = ("user", "session", "release", "channel", "canary", "arm", "run", "environment", "tags", "input", "output")


def trace_rows_sql() -> str:
    """Parameters: project, list of trace ids."""
    return _SQL


def trace_row(row: dict[str, Any], scores: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The JSON of a trace; its status is error when any of its spans failed, otherwise the root's."""
    return {
        "trace_id": row["trace_id"],
        "root_span_id": row["root_span_id"],
        "name": row["name"],
        "kind": row["kind"],
        "service": row["service"],
        "start": rfc3339(row["start_ns"]),
        "latency_ms": (row["end_ns"] - row["start_ns"]) / 1e6,
        "status": "error" if row["errors"] else row["status"],
        "spans": row["spans"],
        "errors": row["errors"],
        "models": row["models"] or [],
        "tokens": {"input": _whole(row["input_tokens"]), "output": _whole(row["output_tokens"])},
        "cost": {"usd": row["usd"], "unknown": row["unknown"] or 0},
        "scores": scores,
        "pii": row["pii"] or [],
        "let_go": row["let_go"],
        **{name: row[name] for name in _AS_IS},
    }


def _whole(value: Any) -> int | None:
    """DuckDB's sum of whole numbers is a HUGEINT."""
    return None if value is None else int(value)
