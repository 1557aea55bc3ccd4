"""Two runs side by side: per metric the paired difference, per item both answers, the largest differences first."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server import stats
from assay_server.checks import Catalogue
from assay_server.evals.items import Item
from assay_server.evals.judgement import Point
from assay_server.evals.points import points_of
from assay_server.evals.ports import Answered

Side = tuple[Sequence[Answered], Mapping[str, Item]]


def compare_runs(metrics: Sequence[str], a: Side, b: Side, catalogue: Catalogue) -> dict[str, Any]:
    """`{"metrics": {m: {...}}, "items": [...]}`; every difference is b - a, in the metric's units."""
    values = {metric: (_values(metric, a), _values(metric, b)) for metric in metrics}
    clusters = {item.id: item.cluster for _, items in (a, b) for item in items.values()}
    compared = {
        metric: _metric(before, after, clusters, catalogue.get(metric).about)
        for metric, (before, after) in values.items()
    }
    return {"metrics": compared, "items": _items(a, b, values, catalogue)}


def _values(metric: str, side: Side) -> dict[str, float]:
    points: list[Point] = points_of(metric, *side)
    return {point.item: point.value for point in points if point.value is not None}


def _metric(
    before: dict[str, float], after: dict[str, float], clusters: Mapping[str, str], about: Any
) -> dict[str, Any]:
    items = sorted(before.keys() & after.keys())
    sign = 1 if about.direction == "higher" else -1
    changes = [sign * (after[item] - before[item]) for item in items]
    counts = {
        "n": len(items),
        "better": sum(change > 0 for change in changes),
        "worse": sum(change < 0 for change in changes),
        "same": sum(change == 0 for change in changes),
    }
    if not items:
        return {**counts, "difference": None, "ci": None, "method": None}
    groups = [clusters.get(item, item) for item in items]
    low, high = about.range
    found = stats.paired_difference(
        [before[item] for item in items],
        [after[item] for item in items],
        groups if len(set(groups)) < len(groups) else None,
        width=None if low is None or high is None else high - low,
    ).difference
    ci = None if found.ci is None else list(found.ci)
    return {**counts, "difference": found.value, "ci": ci, "method": found.method}


def _items(
    a: Side, b: Side, values: Mapping[str, tuple[dict[str, float], dict[str, float]]], catalogue: Catalogue
) -> list[dict[str, Any]]:
    before, after = _firsts(a[0]), _firsts(b[0])
    bounded = {metric for metric in values if None not in catalogue.get(metric).about.range}
    found = []
    for item in sorted(before.keys() | after.keys()):
        one, other = before.get(item), after.get(item)
        differences = {
            metric: found_b[item] - found_a[item]
            for metric, (found_a, found_b) in values.items()
            if item in found_a and item in found_b
        }
        known = one or other
        assert known is not None  # noqa: S101  (it came from one of the two)
        described = b[1].get(item) or a[1].get(item)
        found.append(
            {
                "item": item,
                "input": known.input if described is None else described.input,
                "expected": known.expected,
                "cluster": known.cluster,
                "a": _side(one),
                "b": _side(other),
                "differences": differences,
            }
        )
    return sorted(found, key=lambda row: _rank(row, bounded))


def _rank(row: Mapping[str, Any], bounded: set[str]) -> tuple[Any, ...]:
    """Newly failing first, then by the sum of changes on bounded metrics: milliseconds would drown everything else."""
    broke = (row["a"] or {}).get("error") is None and (row["b"] or {}).get("error") is not None
    size = sum(abs(change) for metric, change in row["differences"].items() if metric in bounded)
    same_text = (row["a"] or {}).get("output") == (row["b"] or {}).get("output")
    return (not broke, -round(size, 12), same_text, row["item"])


def _firsts(answered: Sequence[Answered]) -> dict[str, Answered]:
    """The first repeat of each item stands for its text."""
    found: dict[str, Answered] = {}
    for answer in answered:
        if answer.item not in found or answer.repeat < found[answer.item].repeat:
            found[answer.item] = answer
    return found


def _side(answer: Answered | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    return {
        "output": answer.output,
        "error": answer.error,
        "trace_id": answer.trace_id,
        "contexts": list(answer.contexts),
        "scores": {
            metric: {"value": score.value, "error": score.error, "reason": score.reason}
            for metric, score in answer.scores.items()
        },
    }
