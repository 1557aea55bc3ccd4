"""How values are spread: counts between edges that fit the data, by group.

Scores between 0 and 1 get twenty even bins. Everything else that is never negative (times, tokens, costs) gets bins
that grow by the same factor, from 1, 2, 5 and their tens: such values spread over magnitudes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay_server.query.dashboards.series import LARGE, Groups, place_of
from assay_server.query.metrics.asked import Asked
from assay_server.query.metrics.measures import Metric
from assay_server.query.metrics.source import units
from assay_server.query.sql import lines
from assay_server.store import Store

_EVEN = 20
_STEPS = (1.0, 2.0, 5.0)
_MOST = 40


@dataclass(frozen=True, slots=True)
class Spread:
    """One group; `counts` lie between the histogram's edges. `place` 0: all other groups together."""

    place: int
    n: int
    unknown: int
    counts: list[int]
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Histogram:
    edges: list[float]
    spreads: list[Spread]


async def histogram_of(store: Store, asked: Asked, metric: Metric, groups: Groups) -> Histogram:
    """Empty where nothing has a value. A metric's distribution is that of its units: latencies, costs of calls."""
    before, params = units(asked, [metric])
    bounds = await store.scan(lines(before, "SELECT min(v0) AS low, max(v0) AS high FROM u"), params, limits=LARGE)
    edges = edges_of(bounds[0]["low"], bounds[0]["high"])
    if not edges:
        return Histogram([], [])
    place, names = place_of(asked, groups)
    sql = lines(
        before + ",",
        "p AS (SELECT",
        place + ", v0 FROM u)",
        "SELECT place, count(v0) AS n, count(*) AS all_n, quantile_cont(v0, [0.5, 0.95]) AS quantiles,",
        "histogram(-v0, ?::DOUBLE[]) AS counts FROM p GROUP BY place",
    )
    # DuckDB's bins take their upper edge, these their lower: it is told of negated values. Without the last edge, what
    # lies on it is in the bin below.
    bins = [-edge for edge in reversed(edges[:-1])]
    rows = await store.scan(sql, [*params, *names, bins], limits=LARGE)
    return Histogram(edges, [_spread(row, bins) for row in rows])


def edges_of(low: float | None, high: float | None) -> list[float]:
    """Edges around all values, smallest first; empty without any."""
    if low is None or high is None:
        return []
    if low >= 0 and high <= 1 and high > 0.02:
        return [at / _EVEN for at in range(_EVEN + 1)]
    if low < 0 or high <= 0:
        width = (high - low) / _EVEN or 1.0
        return [low + at * width for at in range(_EVEN + 1)]
    first = math.floor(math.log10(max(low, high / 10 ** (_MOST // len(_STEPS) - 1))))
    steps = [factor * 10.0**power for power in range(first, math.ceil(math.log10(high)) + 1) for factor in _STEPS]
    start = max((at for at, edge in enumerate(steps) if edge <= low), default=0)
    end = next((at for at, edge in enumerate(steps) if edge >= high), len(steps) - 1)
    edges = steps[start : max(end, start + 1) + 1]
    return edges if low >= edges[0] else [0.0, *edges]


def _spread(row: Mapping[str, Any], bins: Sequence[float]) -> Spread:
    """What came after the edges were made and lies below them counts in the first bin."""
    found: Mapping[float, int] = row["counts"] or {}
    counts = [found.get(upper, 0) for upper in reversed(bins)]
    counts[0] += sum(found.values()) - sum(counts)
    p50, p95 = row["quantiles"] or (None, None)
    return Spread(row["place"], row["n"], row["all_n"] - row["n"], counts, p50, p95)
