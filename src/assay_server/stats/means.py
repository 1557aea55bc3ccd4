"""Means with intervals: bounded scores and rates, and anything else."""

import math
from collections.abc import Sequence

from assay_server.stats.estimate import (
    Estimate,
    Spread,
    cluster_count,
    normal_quantile,
    spread,
    t_cdf,
    t_quantile,
    varies,
)

Range = tuple[float | None, float | None]
"""The smallest and largest value a metric can take; None where there is no end."""

_FEW = 5  # below so many effective rare outcomes the normal approximation behind Wilson's interval dips under its level


def mean(
    values: Sequence[float],
    clusters: Sequence[str] | None = None,
    *,
    limits: Range = (None, None),
    alpha: float = 0.05,
) -> Estimate:
    """The mean with a two-sided (1 - alpha) interval, by the method that fits the data.

    - No variance at all: the exact bound of `unanimous`.
    - Bounded on both sides (rates, 0-1 scores): Wilson's interval on the effective sample size; Clopper-Pearson on
      it (Korn & Graubard 1998) when the rare outcome is rarer than five.
    - Otherwise Student's t with clusters - 1 degrees of freedom, cut where the range has an end.
    """
    if not values:
        raise ValueError("a mean needs at least one value")
    units = cluster_count(len(values), clusters)
    if not varies(values):
        lower, upper = unanimous(values[0], units, limits=limits, alpha=alpha)
        return Estimate(values[0], lower, upper, len(values), units, "exact", None)
    return interval(spread(values, clusters), limits=limits, alpha=alpha)


def interval(found: Spread, *, limits: Range = (None, None), alpha: float = 0.05) -> Estimate:
    """`mean`, where the values have some variance and only their spread is known."""
    units = found.clusters
    if units < 2:
        return Estimate(found.mean, None, None, found.n, units, "none: one cluster", None)
    low, high = limits
    if low is None or high is None:
        half = t_quantile(1 - alpha / 2, found.df) * found.se
        lower = found.mean - half if low is None else max(low, found.mean - half)
        upper = found.mean + half if high is None else min(high, found.mean + half)
        return Estimate(found.mean, lower, upper, found.n, units, _named("t", found), found.se)
    share, size = _as_rate(found, low, high, alpha)
    name, bounds = ("clopper-pearson", clopper_pearson) if _is_rare(share, size) else ("wilson", wilson)
    lower, upper = bounds(share * size, size, alpha=alpha)
    width = high - low
    return Estimate(found.mean, low + lower * width, low + upper * width, found.n, units, _named(name, found), found.se)


def p_below(
    values: Sequence[float],
    bar: float,
    clusters: Sequence[str] | None = None,
    *,
    limits: Range = (None, None),
    alpha: float = 0.05,
) -> float:
    """One-sided p-value of "the true mean is at least `bar`": small means it is below. Inverts `mean`'s interval.

    `alpha` is the one given to `mean`: with few clusters the effective sample size depends on it.
    """
    units = cluster_count(len(values), clusters)
    low, high = limits
    if not varies(values):
        return _p_unanimous_below(values[0], bar, units, high)
    if units < 2:
        return 1.0
    found = spread(values, clusters)
    if low is None or high is None:
        return t_cdf((found.mean - bar) / found.se, found.df)
    target = (bar - low) / (high - low)
    if not 0 < target < 1:
        return 1.0 if target <= 0 else 0.0
    share, size = _as_rate(found, low, high, alpha)
    if _is_rare(share, size):
        return _p_binomial_at_most(share * size, size, target)
    from scipy.special import ndtr

    return float(ndtr((share - target) / math.sqrt(target * (1 - target) / size)))


def unanimous(value: float, units: int, *, limits: Range, alpha: float) -> tuple[float | None, float | None]:
    """Bounds of the mean when all of `units` independent observations were `value`.

    With confidence 1 - alpha/2 the probability of `value` is at least q = (alpha/2)^(1/units): otherwise so long a
    run without exception would be rarer than alpha/2. The rest, 1 - q, may lie at the far end of the range. For
    0-1 outcomes this is Clopper-Pearson's bound. Eight perfect items give a lower bound of 0.63, not 1.
    """
    q = (alpha / 2) ** (1 / units)
    low, high = limits
    lower = None if low is None else low + (value - low) * q
    upper = None if high is None else high - (high - value) * q
    return lower, upper


def wilson(successes: float, n: float, *, alpha: float = 0.05) -> tuple[float, float]:
    """Wilson's score interval (1927) for a rate; `n` may be an effective, fractional sample size."""
    z = normal_quantile(1 - alpha / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def clopper_pearson(successes: float, n: float, *, alpha: float = 0.05) -> tuple[float, float]:
    """The exact interval for a rate (1934), by beta quantiles, which take fractional counts as well."""
    from scipy.special import betaincinv

    failures = n - successes
    lower = 0.0 if successes <= 0 else float(betaincinv(successes, failures + 1, alpha / 2))
    upper = 1.0 if failures <= 0 else float(betaincinv(successes + 1, failures, 1 - alpha / 2))
    return lower, upper


def _as_rate(found: Spread, low: float, high: float, alpha: float) -> tuple[float, float]:
    """The mean as a share of its range, and the number of coin flips that would be as uncertain as it is.

    n_eff = p(1-p)/SE^2, shrunk by (z/t)^2 because the clusters' variance is itself an estimate (Korn & Graubard 1998).
    """
    width = high - low
    share = (found.mean - low) / width
    size = share * (1 - share) / (found.se / width) ** 2
    return share, size * (normal_quantile(1 - alpha / 2) / t_quantile(1 - alpha / 2, found.df)) ** 2


def _is_rare(share: float, size: float) -> bool:
    return size * min(share, 1 - share) < _FEW


def _p_unanimous_below(value: float, bar: float, units: int, high: float | None) -> float:
    """The largest alpha/2 at which `unanimous` would still reach the bar."""
    if high is not None and bar > high:
        return 0.0
    if value >= bar or high is None:
        return 1.0
    return float(((high - bar) / (high - value)) ** units)


def _p_binomial_at_most(successes: float, n: float, rate: float) -> float:
    from scipy.special import betaincc

    failures = n - successes
    return 1.0 if failures <= 0 else float(betaincc(successes + 1, failures, rate))


def _named(method: str, found: Spread) -> str:
    return method if found.clusters == found.n else f"{method}, clustered"
