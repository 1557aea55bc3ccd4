"""What a sampling policy would have done to the spans of the last day, before it is put in force."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from assay_server.core.clock import DAY_NS, Clock, rfc3339
from assay_server.core.records import Span
from assay_server.governance import Policy
from assay_server.ingest.sampling.policy import FEWEST, QuietTrace, Sampler, keeps
from assay_server.store import Limits, Store

_MOST = 200_000
_LIMITS = Limits(rows=_MOST + 1, seconds=60)
_COUNT = "SELECT count(*) AS n FROM spans WHERE project = ? AND start_ns >= ?"

_SPANS = """
SELECT trace_id, span_id, parent_id, name, kind, start_ns, end_ns, status, service, environment, scope, session, "user",
  model, provider, run, len(pii) > 0 AS pii, cost,
  kind NOT IN ('agent', 'chain') AND coalesce(cost, fresh_input, cache_read, cache_write, output_tokens, reasoning)
    IS NOT NULL AS counts
FROM spans WHERE project = ? AND start_ns >= ? ORDER BY start_ns DESC LIMIT ?"""

_FLAGGED = """
SELECT DISTINCT trace_id FROM scores WHERE project = ? AND time_ns >= ?
  AND (value < 0.5 OR error IS NOT NULL OR name = 'tool_loop') AND trace_id IS NOT NULL LIMIT ?"""

_SIZES = """
SELECT avg(coalesce(strlen(input), 0) + coalesce(strlen(output), 0) + coalesce(strlen(events), 0)
  + coalesce(strlen(attributes::JSON::VARCHAR), 0)) AS bytes FROM (
  SELECT input, output, events, attributes FROM spans
  WHERE project = ? AND start_ns >= ? AND content IS NULL ORDER BY start_ns DESC LIMIT 2000)"""

_MATCHED = ("name", "kind", "status", "service", "environment", "scope", "session", "user", "model", "provider", "run")


class Preview:
    """Reads; changes nothing."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def of(self, project: str, policy: Policy) -> dict[str, Any]:
        """Counts over the newest 200,000 spans of the last 24 hours, and text bytes as estimated from 2,000 of them."""
        until = self._clock.now_ns()
        since = until - DAY_NS
        of = (await self._store.scan(_COUNT, [project, since]))[0]["n"]
        rows = await self._store.scan(_SPANS, [project, since, _MOST], limits=_LIMITS)
        flagged = await self._store.scan(_FLAGGED, [project, since, _MOST], limits=_LIMITS)
        bytes_each = (await self._store.scan(_SIZES, [project, since]))[0]["bytes"] or 0.0
        fates, by_rule, dropped = _fates(project, policy, rows, {row["trace_id"] for row in flagged})
        lost = fates["sampled_out"] + fates["dropped"]
        return {
            "since": rfc3339(since),
            "until": rfc3339(until),
            "of": of,
            "spans": len(rows),
            "traces": len({row["trace_id"] for row in rows}),
            "kept_content": fates["kept"],
            "sampled_out": fates["sampled_out"],
            "dropped": fates["dropped"],
            "lacking": _lacking(dropped),
            "by_rule": [
                {"rule": rule.name, "action": rule.action, "spans": by_rule[rule.name]} for rule in policy.rules
            ],
            "bytes": {"content": round(bytes_each * len(rows)), "saved": round(bytes_each * lost)},
        }


def _fates(
    project: str, policy: Policy, rows: Sequence[dict[str, Any]], flagged: set[str]
) -> tuple[Counter[str], Counter[str], list[dict[str, Any]]]:
    """Spans by what becomes of them, and by the rule that matched them; the calls that would be in no sum."""
    sampler = Sampler(policy)
    dropped: list[dict[str, Any]] = []
    fates: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for row in rows:
        judged = sampler.judge(_span(project, row))
        if judged.rule is not None:
            by_rule[judged.rule] += 1
        if judged.fate == "dropped" and row["counts"]:
            dropped.append(row)
        if judged.fate == "waiting":
            waiting[row["trace_id"]] += 1
        else:
            fates[judged.fate] += 1
    if waiting:
        traces = _traces(rows, flagged)
        slow = _slow(policy, traces.values())
        for trace_id, n in waiting.items():
            trace = traces[trace_id]
            fates["kept" if keeps(policy.tail, trace, slow.get(trace.name)) else "sampled_out"] += n
    return fates, by_rule, dropped


def _lacking(dropped: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the sums of costs would have lacked; None: nothing."""
    if not dropped:
        return None
    known = [row["cost"] for row in dropped if row["cost"] is not None]
    cost = {"usd": math.fsum(known) if known else None, "unknown": len(dropped) - len(known)}
    return {"calls": len(dropped), "cost": cost}


def _traces(rows: Sequence[dict[str, Any]], flagged: set[str]) -> dict[str, QuietTrace]:
    spans: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        spans.setdefault(row["trace_id"], []).append(row)
    return {
        trace_id: QuietTrace(
            trace_id,
            next((row["name"] for row in of if row["parent_id"] is None), None),
            (max(row["end_ns"] for row in of) - min(row["start_ns"] for row in of)) / 1e6,
            error=any(row["status"] == "error" for row in of),
            flagged=trace_id in flagged or any(row["pii"] for row in of),
        )
        for trace_id, of in spans.items()
    }


def _slow(policy: Policy, traces: Iterable[QuietTrace]) -> dict[str | None, float]:
    """By root name, the duration at the tail's quantile."""
    if policy.tail is None or policy.tail.slower_than_quantile is None:
        return {}
    durations: dict[str, list[float]] = {}
    for trace in traces:
        if trace.name is not None:
            durations.setdefault(trace.name, []).append(trace.duration_ms)
    share = policy.tail.slower_than_quantile
    return {name: float(np.quantile(ms, share)) for name, ms in durations.items() if len(ms) >= FEWEST}


def _span(project: str, row: dict[str, Any]) -> Span:
    said = {name: row[name] for name in _MATCHED}
    return Span(
        project=project,
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_id=row["parent_id"],
        start_ns=row["start_ns"],
        end_ns=row["end_ns"],
        **said,
    )
