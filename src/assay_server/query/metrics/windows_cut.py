"""Windows that overlap, cut at their edges: each unit is added up once and each window is a difference of two sums.

A look back over two weeks asks for hundreds of windows of a week; joining each unit with each window it is in makes
hundreds of rows of one. Only for metrics that count or are a share of bad ones: their units are 0 or 1, so that sums
and differences are exact and say what adding up each window says.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from assay_server.query.metrics.measures import MEASURES, Metric

Bounds = Sequence[tuple[int, int]]
"""`since_ns`, inclusive, and `until_ns`, exclusive, of each window."""

HEAD = "w AS (SELECT unnest(?::BIGINT[]) AS since_ns, unnest(?::BIGINT[]) AS until_ns)"
PIECES = "e AS (SELECT unnest(?::BIGINT[]) AS edge, unnest(?::BIGINT[]) AS windows)"


def apart(windows: Bounds) -> bool:
    """No moment is in two of them."""
    return all(sooner[1] <= later[0] for sooner, later in pairwise(sorted(windows)))


def exact(metric: Metric) -> bool:
    """Its units are 0 or 1, or unknown."""
    measure = MEASURES[metric.name]
    return measure.shape == "rate" or metric.name in {"count", "requests", "errors", "judgements"}


def pieces(windows: Bounds) -> list[list[Any]]:
    """What `PIECES` takes: the edges in order, and how many windows hold what lies between each and the next."""
    begun: dict[int, int] = {}
    for since, until in windows:
        begun[since] = begun.get(since, 0) + 1
        begun[until] = begun.get(until, 0) - 1
    edges, holding, open_now = sorted(begun), [], 0
    for edge in edges:
        open_now += begun[edge]
        holding.append(open_now)
    return [edges, holding]


def figures(metric: Metric, most_groups: str) -> list[str]:
    """CTEs from the units `u(at_ns, g, v0)` to `f`, with a row for each window and group that has a unit."""
    value = "CASE WHEN n > 0 THEN total END" if MEASURES[metric.name].shape == "sum" else "total / nullif(n, 0)"
    return [
        "p AS (SELECT edge, g, min(windows) AS windows, count(*) AS units, count(v0) AS n,",
        "coalesce(sum(v0), 0) AS total FROM u ASOF JOIN e ON u.at_ns >= e.edge WHERE e.windows > 0 GROUP BY edge, g),",
        "largest AS (SELECT g FROM p GROUP BY g ORDER BY sum(n * windows) DESC, g LIMIT " + most_groups + "),",  # noqa: S608
        "c AS (SELECT edge, g, sum(units) OVER o AS units, sum(n) OVER o AS n, sum(total) OVER o AS total",
        "FROM p WHERE g IN (SELECT g FROM largest) WINDOW o AS (PARTITION BY g ORDER BY edge)),",
        "d AS (SELECT since_ns, until_ns, b.g, (b.units - coalesce(a.units, 0))::BIGINT AS units,",
        "(b.n - coalesce(a.n, 0))::BIGINT AS n, b.total - coalesce(a.total, 0) AS total",
        "FROM (SELECT * FROM w, largest) x ASOF JOIN c b ON x.g = b.g AND x.until_ns > b.edge",
        "ASOF LEFT JOIN c a ON x.g = a.g AND x.since_ns > a.edge),",
        "f AS (SELECT since_ns, until_ns, g, n, " + value + " AS value,",
        "CASE WHEN n > 1 THEN sqrt(greatest(total - total * total / n, 0) / (n - 1)) END AS sd,",
        "units - n AS unknown FROM d WHERE units > 0)",
    ]
