"""The gate's decision: pure. The same rules and points give the same judgement, bit for bit.

How a metric is decided, in its own direction (for latency "falls" means "rises"):

- **Guards.** No item could be scored, fewer than `min_items`, or more failed judgements than `max_error_rate`:
  inconclusive, with the reason. It is never a pass.
- **Pass**: the whole interval is on the right side: its lower bound reaches the bar, or stays above -margin
  (non-inferiority). Every metric must pass for the verdict to pass, so a release that is truly at the margin in
  one of them passes with probability alpha/2 at most, however many metrics there are: an intersection-union test
  needs no correction.
- **Fail**: shown to be worse *and* worse by more than was allowed: the interval lies below the baseline (or the
  bar), the estimate is at -margin or beyond, and the one-sided p-value is at most alpha/2 after Holm's correction
  over all comparisons of the verdict: here one unlucky metric of eight would be enough to refuse. Where nothing
  changed a verdict fails with probability alpha/2 at most.
  Requiring the interval to lie beyond the margin as well would let most real regressions end as "inconclusive".
- **Inconclusive**: everything else, with the number of items that would decide.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assay_server import stats
from assay_server.core.words import percent
from assay_server.evals.rules import Rule, Suite

Word = Literal["pass", "fail", "inconclusive"]
Kind = Literal["bar", "baseline"]


@dataclass(slots=True, frozen=True)
class Point:
    """A metric on one item, averaged over its repeats. `value` is None where no repeat could be scored."""

    item: str
    cluster: str
    tags: frozenset[str]
    value: float | None
    errors: int
    content: str  # what was asked, hashed: items of two dataset versions pair only if they are the same


@dataclass(slots=True, frozen=True)
class Comparison:
    """One line of the verdict, in the metric's units; `bound` is the end of the interval that decides."""

    metric: str
    kind: Kind
    rule: Rule
    n: int
    errors: int
    skipped: int
    unpaired: int
    clusters: int
    value: float | None = None
    baseline: float | None = None
    difference: float | None = None
    ci: tuple[float, float] | None = None
    bound: float | None = None
    method: str | None = None
    p: float | None = None  # Holm-adjusted, one-sided: how surprising, were it not worse
    p_method: str | None = None
    minimum_detectable: float | None = None
    items_needed: int | None = None
    doubt: str | None = None  # why nothing can be decided
    verdict: Word = "inconclusive"


Limits = Mapping[str, stats.Range]
Points = Mapping[str, Sequence[Point]]


def compare(suite: Suite, candidate: Points, baseline: Points | None, limits: Limits) -> list[Comparison]:
    """Every comparison of the suite, decided. Optional rules that apply nowhere are left out."""
    found: list[Comparison] = []
    for rule in suite.rules:
        points = _sliced(candidate.get(rule.metric, ()), rule)
        if rule.optional and not any(point.value is not None or point.errors for point in points):
            continue
        if rule.bar is not None:
            found.append(_against_bar(rule, points, suite, limits[rule.metric]))
        if rule.margin is not None and baseline is not None:
            others = _sliced(baseline.get(rule.metric, ()), rule)
            found.append(_against_baseline(rule, points, others, suite, limits[rule.metric]))
    return _decided(found, suite)


def overall(comparisons: Sequence[Comparison]) -> Word:
    """Fail if any fails, else inconclusive if any is or there are none, else pass."""
    words = {comparison.verdict for comparison in comparisons}
    if "fail" in words:
        return "fail"
    return "inconclusive" if "inconclusive" in words or not words else "pass"


def _sliced(points: Sequence[Point], rule: Rule) -> list[Point]:
    return [point for point in points if rule.slice is None or rule.slice in point.tags]


def _against_bar(rule: Rule, points: Sequence[Point], suite: Suite, limits: stats.Range) -> Comparison:
    scored = [point for point in points if point.value is not None]
    start = Comparison(rule.metric, "bar", rule, len(scored), _errors(points), _skipped(points), 0, 0)
    if not scored:
        return replace(start, doubt=_nothing(points))
    sign = _sign(rule)
    values = [sign * _known(point) for point in scored]
    clusters = _clusters(scored)
    assert rule.bar is not None  # noqa: S101  (the caller asked for a bar)
    bar = sign * rule.bar
    ends = _turned(limits, sign)
    estimate = stats.mean(values, clusters, limits=ends, alpha=suite.alpha)
    p = stats.p_below(values, bar, clusters, limits=ends, alpha=suite.alpha)
    needed = stats.items_needed(estimate, estimate.value - bar, alpha=suite.alpha, width=_width(ends))
    return replace(
        start,
        clusters=estimate.clusters,
        value=sign * estimate.value,
        ci=_turned_ci(estimate.ci, sign),
        bound=None if estimate.lower is None else sign * estimate.lower,
        method=estimate.method,
        p=p,
        p_method="score test",
        minimum_detectable=_detectable(estimate, ends, suite),
        items_needed=None if needed is None else max(needed, suite.min_items),
        doubt=_doubt(start, estimate, suite),
    )


def _against_baseline(
    rule: Rule, points: Sequence[Point], others: Sequence[Point], suite: Suite, limits: stats.Range
) -> Comparison:
    pairs, unpaired = _pairs(points, others)
    errors = _errors(points) + _errors(others)
    start = Comparison(rule.metric, "baseline", rule, len(pairs), errors, _skipped(points), unpaired, 0)
    if not pairs:
        return replace(start, doubt=_nothing(points) if unpaired == 0 else "no item was scored in both runs")
    sign = _sign(rule)
    after = [sign * _known(point) for point, _ in pairs]
    before = [sign * _known(point) for _, point in pairs]
    clusters = _clusters([point for point, _ in pairs])
    ends = _turned(limits, sign)
    paired = stats.paired_difference(before, after, clusters, width=_width(ends), alpha=suite.alpha)
    estimate = paired.difference
    margin = rule.margin if rule.margin is not None else 0.0
    needed = stats.items_needed(estimate, margin, alpha=suite.alpha, width=_width(ends))
    return replace(
        start,
        clusters=estimate.clusters,
        value=sign * math.fsum(after) / len(after),
        baseline=sign * math.fsum(before) / len(before),
        difference=sign * estimate.value,
        ci=_turned_ci(estimate.ci, sign),
        bound=None if estimate.lower is None else sign * estimate.lower,
        method=estimate.method,
        p=paired.p_worse,
        p_method=paired.p_method,
        minimum_detectable=_detectable(estimate, ends, suite),
        items_needed=None if needed is None else max(needed, suite.min_items),
        doubt=_doubt(start, estimate, suite),
    )


def _decided(comparisons: Sequence[Comparison], suite: Suite) -> list[Comparison]:
    """Holm over everything that was tested, then pass, fail or inconclusive for each."""
    tested = [index for index, comparison in enumerate(comparisons) if comparison.p is not None]
    adjusted = stats.holm([p for index in tested if (p := comparisons[index].p) is not None])
    corrected = list(comparisons)
    for index, p in zip(tested, adjusted, strict=True):
        corrected[index] = replace(comparisons[index], p=p)
    return [replace(comparison, verdict=_word(comparison, suite.alpha)) for comparison in corrected]


def _word(comparison: Comparison, alpha: float) -> Word:
    rule = comparison.rule
    if comparison.doubt is not None or comparison.ci is None or comparison.p is None:
        return "inconclusive"
    sign = _sign(rule)
    lower, upper = sorted(sign * end for end in comparison.ci)
    significant = comparison.p <= alpha / 2
    if comparison.kind == "bar":
        bar = sign * (rule.bar or 0.0)
        return "pass" if lower >= bar else "fail" if significant and upper < bar else "inconclusive"
    margin = rule.margin or 0.0
    if lower > -margin:
        return "pass"
    beyond = sign * (comparison.difference or 0.0) <= -margin
    return "fail" if significant and upper < 0 and beyond else "inconclusive"


def _doubt(start: Comparison, estimate: stats.Estimate, suite: Suite) -> str | None:
    failed = start.errors / (start.n + start.errors)
    if failed > suite.max_error_rate:
        judged = start.n + start.errors
        return f"{start.errors} of {judged} judgements failed, more than the limit of {percent(suite.max_error_rate)}"
    if start.n < suite.min_items:
        return f"only {start.n} items were scored, at least {suite.min_items} are needed"
    return "the data have no spread to judge by" if estimate.ci is None else None


def _nothing(points: Sequence[Point]) -> str:
    errors = _errors(points)
    return f"no item could be scored ({errors} errors, {_skipped(points)} not applicable)"


def _pairs(points: Sequence[Point], others: Sequence[Point]) -> tuple[list[tuple[Point, Point]], int]:
    """The items scored in both, in the order of their ids; and how many had a score in one only."""
    before = {(p.item, p.content): p for p in others if p.value is not None}
    after = {(p.item, p.content): p for p in points if p.value is not None}
    common = sorted(before.keys() & after.keys())
    return [(after[key], before[key]) for key in common], len(before.keys() ^ after.keys())


def _errors(points: Sequence[Point]) -> int:
    """Items with a failed judgement and no value; repeats that did succeed speak for an item."""
    return sum(point.value is None and point.errors > 0 for point in points)


def _skipped(points: Sequence[Point]) -> int:
    return sum(point.value is None and not point.errors for point in points)


def _clusters(points: Sequence[Point]) -> list[str] | None:
    names = [point.cluster for point in points]
    return names if len(set(names)) < len(names) else None


def _known(point: Point) -> float:
    assert point.value is not None  # noqa: S101  (filtered by the caller)
    return point.value


def _sign(rule: Rule) -> int:
    return 1 if rule.direction == "higher" else -1


def _turned(limits: stats.Range, sign: int) -> stats.Range:
    low, high = limits
    return limits if sign > 0 else (None if high is None else -high, None if low is None else -low)


def _turned_ci(ci: tuple[float, float] | None, sign: int) -> tuple[float, float] | None:
    return ci if ci is None or sign > 0 else (-ci[1], -ci[0])


def _width(limits: stats.Range) -> float | None:
    low, high = limits
    return None if low is None or high is None else high - low


def _detectable(estimate: stats.Estimate, limits: stats.Range, suite: Suite) -> float | None:
    """Without variance: what the exact bound leaves open."""
    found = stats.minimum_detectable(estimate.se, alpha=suite.alpha)
    if found is None and estimate.ci is not None and _width(limits) is not None:
        return max(estimate.value - estimate.ci[0], estimate.ci[1] - estimate.value)
    return found
