"""What was traced and used on each UTC day: traces, spans and calls by model, of production."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay_server.core.clock import DAY_NS
from assay_server.query.costs.sql import LARGE
from assay_server.query.dimensions import MARGIN_NS
from assay_server.query.metrics.asked import Asked, Range, knowing
from assay_server.query.metrics.live import has_runs
from assay_server.query.metrics.measures import Metric
from assay_server.query.metrics.source import units
from assay_server.query.sql import lines
from assay_server.store import Store

_DAY = f"u.at_ns // {DAY_NS} * {DAY_NS}"
_INTO, _OUT = ("fresh_input", "cache_read", "cache_write"), ("output", "reasoning")
_OF_CALLS = [Metric("cost"), *(Metric("tokens", bucket=bucket) for bucket in (*_INTO, *_OUT))]


@dataclass(slots=True)
class Used:
    """By calls of one model. `usd` sums what is known."""

    model: str | None
    traces: int
    calls: int
    input: int
    output: int
    usd: float


@dataclass(slots=True)
class DayOfUse:
    """A day on which anything began; its models, the dearest first."""

    start_ns: int
    traces: int = 0
    spans: int = 0
    models: list[Used] = field(default_factory=list)


async def days_of_use(
    store: Store, project: str, since_ns: int, until_ns: int, narrow: Sequence[Mapping[str, Sequence[str]]]
) -> list[DayOfUse]:
    """The newest first; days without anything are left out. All of `narrow` hold, as on panels."""
    asked = Asked(project, Range(since_ns, until_ns), narrow, None, await has_runs(store, [project, 0, 1 << 62]))
    asked = await knowing(store, asked, of_scores=False, margin_ns=MARGIN_NS)
    days: dict[int, DayOfUse] = {}
    for name, metric in (("traces", "requests"), ("spans", "count")):
        for row in await _added(store, asked, [Metric(metric)], "count(*) AS n"):
            setattr(_day(days, row), name, row["n"])
    sums = [f"coalesce(sum(v{at}), 0) AS v{at}" for at, _ in enumerate(_OF_CALLS)]
    by_model = replace(asked, group_by="model")
    columns = ", ".join(("g", "count(*) AS calls", "count(DISTINCT trace) AS traces", *sums))
    for row in await _added(store, by_model, _OF_CALLS, columns):
        _day(days, row).models.append(_used(row))
    for day in days.values():
        day.models.sort(key=lambda used: (-used.usd, -used.calls, used.model or ""))
    return sorted(days.values(), key=lambda day: -day.start_ns)


async def _added(store: Store, asked: Asked, metrics: Sequence[Metric], columns: str) -> Sequence[Mapping[str, Any]]:
    ctes, params = units(asked, metrics)
    sql = lines(ctes, "SELECT", _DAY, "AS day,", columns, "FROM u GROUP BY ALL")
    return await store.scan(sql, params, limits=LARGE)


def _day(days: dict[int, DayOfUse], row: Mapping[str, Any]) -> DayOfUse:
    return days.setdefault(row["day"], DayOfUse(row["day"]))


def _used(row: Mapping[str, Any]) -> Used:
    sums = [row[f"v{at}"] for at, _ in enumerate(_OF_CALLS)]
    into, out = sums[1 : 1 + len(_INTO)], sums[1 + len(_INTO) :]
    return Used(row["g"] or None, row["traces"], row["calls"], int(sum(into)), int(sum(out)), float(sums[0]))
