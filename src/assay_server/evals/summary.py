"""What a run came to: every score with its n, errors, skips and interval. Computed from facts: repeatable."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from assay_server import stats
from assay_server.checks import Catalogue
from assay_server.evals.items import Item
from assay_server.evals.judgement import Point
from assay_server.evals.points import points_of
from assay_server.evals.ports import Answered


def summarise(
    metrics: Sequence[str],
    answered: Sequence[Answered],
    items: Mapping[str, Item],
    costs: Mapping[str, float | None],
    catalogue: Catalogue,
) -> dict[str, Any]:
    """`{"scores", "cost", "latency_ms", "done", "errors"}` of the REST API's run."""
    return {
        "scores": {
            metric: _aggregate(points_of(metric, answered, items), catalogue.get(metric).about.range)
            for metric in metrics
        },
        "cost": _cost(answered, costs),
        "latency_ms": _latency(answered),
        "done": len(answered),
        "errors": sum(answer.error is not None for answer in answered),
    }


def cost_of(answer: Answered, costs: Mapping[str, float | None]) -> float | None:
    """What the target said, else what its spans add up to; None is unknown."""
    if answer.cost is not None or answer.trace_id is None:
        return answer.cost
    return costs.get(answer.trace_id)


def _aggregate(points: Sequence[Point], limits: stats.Range) -> dict[str, Any]:
    scored = [point for point in points if point.value is not None]
    counts = {
        "n": len(scored),
        "errors": sum(point.value is None and point.errors > 0 for point in points),
        "skipped": sum(point.value is None and not point.errors for point in points),
    }
    if not scored:
        return {**counts, "clusters": 0, "mean": None, "ci": None, "method": None}
    values = [point.value for point in scored if point.value is not None]
    clusters = [point.cluster for point in scored]
    found = stats.mean(values, clusters if len(set(clusters)) < len(clusters) else None, limits=limits)
    ci = None if found.ci is None else list(found.ci)
    return {**counts, "clusters": found.clusters, "mean": found.value, "ci": ci, "method": found.method}


def _cost(answered: Sequence[Answered], costs: Mapping[str, float | None]) -> dict[str, Any]:
    found = [cost_of(answer, costs) for answer in answered]
    known = [cost for cost in found if cost is not None]
    return {"usd": math.fsum(known) if known else None, "unknown": len(found) - len(known)}


def _latency(answered: Sequence[Answered]) -> dict[str, float | None]:
    known = sorted(answer.latency_ms for answer in answered if answer.latency_ms is not None)
    return {"p50": _nearest_rank(known, 0.5), "p95": _nearest_rank(known, 0.95)}


def _nearest_rank(ordered: Sequence[float], share: float) -> float | None:
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
