"""The steps of traces of one kind: how long each takes by itself, how often, and what it uses."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.core.words import percent
from assay_server.query.costs.sql import BUCKETS, money, token_sums
from assay_server.query.dimensions import EDGES
from assay_server.query.filters.roots import roots
from assay_server.query.sql import lines
from assay_server.store import TOKENS

_MOST_NAMES = 50

_COUNTED = "coalesce(fresh_input, cache_read, cache_write, output_tokens, reasoning) IS NOT NULL"


def steps_sql(
    project: str, name: str | None, since_ns: int, until_ns: int, limit: int, one_in: int = 1
) -> tuple[str, list[Any]]:
    """A row for each (kind, name). A span's own time is its time without the parts that children cover, where children
    that overlap count once (the union of their intervals). Tokens and costs are those that count: not what an agent
    repeats of its calls. Of every `one_in` traces one is looked at, by its hash."""
    # As a constant: divided by a parameter, 64 bits become 128, which takes ten times as long.
    drawn = f"hash(trace_id) % {int(one_in)} = 0"
    sql = lines(
        *("WITH", roots(drawn), ", roots AS (SELECT trace_id FROM root WHERE ?::VARCHAR IS NULL OR name = ?),"),
        "looked_at AS MATERIALIZED (SELECT",
        "  hash(trace_id) AS trace, hash(trace_id, span_id) AS me, key, kind, name, status,",
        "  CASE WHEN parent_id IS NOT NULL THEN hash(trace_id, parent_id) END AS above,",
        "  start_ns, end_ns, cost, fresh_input, cache_read, cache_write, output_tokens, reasoning, empty_result",
        *("  FROM spans WHERE project = ? AND", drawn, "AND trace_id IN (SELECT trace_id FROM roots)),"),
        "counted AS MATERIALIZED (SELECT key FROM counted_calls WHERE project = ?",
        "  AND key IN (SELECT key FROM looked_at)),",
        "s AS MATERIALIZED (SELECT *, key IN (SELECT key FROM counted) AS counts FROM looked_at),",
        "child AS (SELECT c.above, greatest(c.start_ns, p.start_ns) AS start_ns,",
        "  least(c.end_ns, p.end_ns) AS end_ns FROM s c JOIN s p ON p.me = c.above",
        "  WHERE least(c.end_ns, p.end_ns) > greatest(c.start_ns, p.start_ns)),",
        "fresh AS (SELECT above, end_ns, greatest(start_ns, coalesce(max(end_ns) OVER (PARTITION BY above",
        "  ORDER BY start_ns, end_ns ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), start_ns))",
        "  AS start_ns FROM child),",
        "covered AS (SELECT above AS me, sum(greatest(end_ns - start_ns, 0)) AS ns FROM fresh GROUP BY above),",
        "own AS (SELECT s.*, end_ns - start_ns - coalesce(ns, 0) AS own_ns FROM s LEFT JOIN covered USING (me)),",
        "whole AS (SELECT count(*) AS all_traces, quantile_cont(ns, 0.5) / 1e6 AS trace_p50,",
        "  quantile_cont(ns, 0.95) / 1e6 AS trace_p95 FROM",
        "  (SELECT max(end_ns) - min(start_ns) AS ns FROM s GROUP BY trace)),",
        "steps AS MATERIALIZED (",
        "SELECT kind, name, count(*) AS n, count(DISTINCT trace) AS traces,",
        "  count(*) FILTER (status = 'error') AS errors, sum(empty_result::INTEGER)::BIGINT AS empty,",
        "  quantile_cont(end_ns - start_ns, [0.5, 0.95]) AS took, quantile_cont(own_ns, [0.5, 0.95]) AS own,",
        "  arg_max(key, end_ns - start_ns, 3) AS slow,",
        "  sum(own_ns)::DOUBLE AS all_own_ns, sum(sum(own_ns)) OVER ()::DOUBLE AS whole_ns,",
        "  count(*) OVER () AS all_steps,",
        "  sum(cost) FILTER (counts) AS usd, count(*) FILTER (counts AND cost IS NULL) AS unknown,",
        *("  TRY_CAST(sum(" + bucket + ") FILTER (counts) AS BIGINT) AS " + bucket + "," for bucket in BUCKETS),
        "  quantile_cont(" + TOKENS + ", [0.5, 0.95]) FILTER (counts AND " + _COUNTED + ") AS tokens,",
        "  any_value(all_traces) AS all_traces, any_value(trace_p50) AS trace_p50, any_value(trace_p95) AS trace_p95",
        "FROM own, whole GROUP BY kind, name ORDER BY all_own_ns DESC, kind, name LIMIT ?),",
        # What is long is read of the few that are shown.
        "slowest AS (SELECT kind, name, list({'trace_id': trace_id, 'span_id': span_id, 'ns': end_ns - start_ns}",
        "  ORDER BY end_ns - start_ns DESC) AS slowest FROM spans WHERE rowid IN (SELECT rowid FROM spans",
        "  WHERE project = ? AND key IN (SELECT unnest(slow) FROM steps)) GROUP BY kind, name)",
        "SELECT * FROM steps JOIN slowest USING (kind, name) ORDER BY all_own_ns DESC, kind, name",
    )
    return sql, [project, since_ns, until_ns, name, name, project, project, limit, project]


def one_in_sql(project: str, name: str | None, since_ns: int, until_ns: int, most: int) -> tuple[str, list[Any]]:
    """`one_in`: of how many traces one is to be looked at, so that it is about `most` spans."""
    sql = lines(
        "WITH",
        roots() + ", n AS (SELECT count(*) AS traces, count(*) FILTER (?::VARCHAR IS NULL OR name = ?) AS named",
        "  FROM root), s AS (SELECT count(*) AS spans FROM spans WHERE",
        EDGES + ")",
        "SELECT greatest(1, ceil(spans * named / greatest(traces, 1) /",
        str(int(most)) + "))::BIGINT AS one_in FROM n, s",
    )
    return sql, [project, since_ns, until_ns, name, name, project, since_ns, until_ns]


def names_sql(project: str, since_ns: int, until_ns: int) -> tuple[str, list[Any]]:
    """The names of traces with how many there are of each."""
    most = "ORDER BY traces DESC, name LIMIT " + str(_MOST_NAMES)
    names = lines("WITH", roots(), "SELECT name, count(*) AS traces FROM root GROUP BY name", most)
    return names, [project, since_ns, until_ns]


def step_json(row: Mapping[str, Any], whole: float) -> dict[str, Any]:
    """`whole`: the own time of all steps, nanoseconds."""
    return {
        "kind": row["kind"],
        "name": row["name"],
        "calls": row["n"],
        "traces": row["traces"],
        "errors": row["errors"],
        "latency_ms": _in_ms(row["took"]),
        "own_ms": _in_ms(row["own"]),
        "time_share": row["all_own_ns"] / whole if whole else None,
        "tokens": token_sums(row),
        "tokens_per_call": dict(zip(("p50", "p95"), row["tokens"] or (None, None), strict=True)),
        "cost": money(row),
        "empty_results": row["empty"] if row["kind"] == "tool" else None,
        "slowest": [
            {"trace_id": one["trace_id"], "span_id": one["span_id"], "latency_ms": one["ns"] / 1e6}
            for one in row["slowest"]
        ],
        "bottleneck": False,
    }


def steps_sentence(items: Sequence[Mapping[str, Any]], traces: int, one_in: int) -> str:
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
    if one_in > 1:
        parts.append(
            f"Of so many spans one trace in {one_in:,} is looked at, drawn by its id, and all figures are of those."
        )
    return " ".join(parts)


def _in_ms(quantiles: Sequence[float]) -> dict[str, float]:
    return {name: ns / 1e6 for name, ns in zip(("p50", "p95"), quantiles, strict=True)}


def _time(ms: float) -> str:
    return f"{ms:,.0f} ms" if ms < 1000 else f"{ms / 1000:,.2f} s"
