"""Two arms of a canary on live traffic: what each unit got, in the order in which units were first heard of.

A unit is the user, else the session, else the trace: what was drawn at random is what is compared, because answers
to one person are not independent of each other. A trace that touched both arms belongs to neither.
"""

from dataclasses import dataclass
from typing import Any

from assay_server.query.sql import lines
from assay_server.store import Limits, Store, counted

_LARGE = Limits(rows=2_000_000, seconds=60)

_EXPOSED = lines(
    "WITH marked AS (SELECT trace_id, arm, status FROM spans",
    "  WHERE project = ? AND canary = ? AND channel = ? AND start_ns >= ? AND arm IS NOT NULL),",
    "exposed AS (SELECT trace_id, min(arm) AS arm, bool_or(status = 'error') AS failed FROM marked",
    "  GROUP BY trace_id HAVING count(DISTINCT arm) = 1),",
    's AS MATERIALIZED (SELECT trace_id, span_id, parent_id, kind, service, scope, model, start_ns, end_ns, "user",',
    "  session, cost, fresh_input, cache_read, cache_write, output_tokens, reasoning FROM spans",
    "  WHERE project = ? AND trace_id IN (SELECT trace_id FROM exposed)),",
    "who AS (SELECT trace_id, min(start_ns) AS first_ns, max(end_ns) - min(start_ns) AS duration_ns,",
    '  coalesce(arg_min("user", start_ns), arg_min(session, start_ns), trace_id) AS unit FROM s GROUP BY trace_id)',
)

_UNITS = lines(
    _EXPOSED,
    "SELECT arm, unit, count(value) AS n, avg(value) AS mean, count(error) AS errors, min(time_ns) AS first_ns",
    "FROM scores JOIN exposed USING (trace_id) JOIN who USING (trace_id)",
    "WHERE project = ? AND name = ? GROUP BY arm, unit ORDER BY first_ns, arm, unit",
)

_OPERATIONS = lines(
    _EXPOSED + ",",
    "used AS (SELECT trace_id, sum(cost) AS cost, count(*) FILTER (cost IS NULL) AS unknown",
    "  FROM (" + counted("s") + ") GROUP BY trace_id),",
    "calls AS (SELECT * FROM exposed JOIN who USING (trace_id) LEFT JOIN used USING (trace_id))",
)

_BY_UNIT = lines(
    _OPERATIONS,
    "SELECT arm, unit, count(*) AS n, avg(failed::INTEGER) AS error_rate, avg(duration_ns) / 1e6 AS latency_ms,",
    "  avg(cost) AS cost, min(first_ns) AS first_ns FROM calls GROUP BY arm, unit ORDER BY first_ns, arm, unit",
)

_BY_ARM = lines(
    _OPERATIONS,
    "SELECT arm, count(DISTINCT unit) AS units, count(*) AS traces, count(*) FILTER (failed) AS errors,",
    "  quantile_cont(duration_ns, 0.5) / 1e6 AS latency_ms_p50,",
    "  quantile_cont(duration_ns, 0.95) / 1e6 AS latency_ms_p95,",
    "  sum(cost) AS cost, coalesce(sum(unknown), 0)::BIGINT AS cost_unknown FROM calls GROUP BY arm ORDER BY arm",
)


@dataclass(slots=True, frozen=True)
class UnitMean:
    """One unit's scores of one name; `mean` is None where every judgement failed."""

    arm: str
    unit: str
    n: int
    mean: float | None
    errors: int
    first_ns: int


@dataclass(slots=True, frozen=True)
class UnitOperations:
    """One unit's traces: share that failed, mean latency in ms, mean cost in USD (None when no price is known)."""

    arm: str
    unit: str
    n: int
    error_rate: float
    latency_ms: float
    cost: float | None
    first_ns: int


@dataclass(slots=True, frozen=True)
class ArmOperations:
    """One arm's traces; `cost` sums what is known in USD, `cost_unknown` counts the calls without a price."""

    arm: str
    units: int
    traces: int
    errors: int
    latency_ms_p50: float
    latency_ms_p95: float
    cost: float | None
    cost_unknown: int

    @property
    def error_rate(self) -> float:
        return self.errors / self.traces


class Comparisons:
    """Reads live traffic of one canary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def units(
        self, project: str, channel: str, canary: str, score_name: str, since_ns: int = 0
    ) -> list[UnitMean]:
        """Scores per (arm, unit), in the order of each unit's first score."""
        params = [*_params(project, channel, canary, since_ns), project, score_name]
        return [UnitMean(**row) for row in await self._scan(_UNITS, params)]

    async def operations_by_unit(
        self, project: str, channel: str, canary: str, since_ns: int = 0
    ) -> list[UnitOperations]:
        """Errors, latency and cost per (arm, unit), in the order of each unit's first trace."""
        rows = await self._scan(_BY_UNIT, _params(project, channel, canary, since_ns))
        return [UnitOperations(**row) for row in rows]

    async def operations(self, project: str, channel: str, canary: str, since_ns: int = 0) -> dict[str, ArmOperations]:
        """Errors, latency and cost of each arm that had traffic."""
        rows = await self._scan(_BY_ARM, _params(project, channel, canary, since_ns))
        return {row["arm"]: ArmOperations(**row) for row in rows}

    async def _scan(self, sql: str, params: list[Any]) -> list[dict[str, Any]]:
        return await self._store.scan(sql, params, limits=_LARGE)


def _params(project: str, channel: str, canary: str, since_ns: int) -> list[Any]:
    return [project, canary, channel, since_ns, project]
