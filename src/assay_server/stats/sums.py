"""Means with intervals from sums that a database made: the values themselves are never fetched."""

import math
from dataclasses import dataclass

from assay_server.stats.estimate import Estimate, Spread
from assay_server.stats.means import Range, interval, unanimous

_ONE_EACH, _MANY_EACH = 0.499, 0.02
"""The smallest number of one thing is 1/2 on average, of x things for a large x 1/x."""


@dataclass(slots=True, frozen=True)
class Sums:
    """Over `n` values in `clusters`: their sum and sum of squares, and with S_c the sum and n_c the size of a cluster:
    sum S_c^2, sum S_c n_c, sum n_c^2. `low` and `high` are the smallest and largest value. n >= 1.

    Many clusters may be put together into random groups, which then are the clusters: their sums spread as much as
    those of the clusters in them do (Wolter 2007, Introduction to Variance Estimation, chapter 2; with G groups the
    standard error itself is off by 1 / sqrt(2 (G - 1))). `units` says how many clusters there are in the groups.
    """

    n: int
    total: float
    squares: float
    clusters: int
    cluster_squares: float
    cross: float
    sizes: float
    low: float
    high: float
    units: int | None = None


def mean_of_sums(sums: Sums, *, limits: Range = (None, None), alpha: float = 0.05) -> Estimate:
    """What `mean` says of the same values and clusters.

    sum_c (S_c - n_c m)^2 = sum S_c^2 - 2 m sum S_c n_c + m^2 sum n_c^2. Such differences lose digits where values are
    large and close to each other; they are meant for scores and rates.
    """
    if sums.low == sums.high:
        units = sums.clusters if sums.units is None else sums.units
        lower, upper = unanimous(sums.low, units, limits=limits, alpha=alpha)
        return Estimate(sums.low, lower, upper, sums.n, units, "exact", None)
    mean = sums.total / sums.n
    plain = _standard_error(sums.squares - sums.n * mean * mean, sums.n, sums.n)
    residuals = sums.cluster_squares - 2 * mean * sums.cross + mean * mean * sums.sizes
    clustered = _standard_error(residuals, sums.clusters, sums.n)
    return interval(Spread(mean, max(plain, clustered), sums.n, sums.clusters), limits=limits, alpha=alpha)


def distinct_of_minima(groups: int, minima: float) -> int:
    """How many different things were put at random into groups, of which so many hold any.

    Each thing has a uniform number in [0, 1); `minima` adds up the smallest of each of those groups. With Poisson(x)
    things in a group, but one at least, the smallest is 1/x - 1/(exp(x) - 1) on average, and there are
    x/(1 - exp(-x)) of them; solved for x. Off by about 1 / sqrt(groups) of it (Chassaing & Gerin 2006, Efficient
    estimation of the cardinality of large data sets); where some groups have more than others, too few.
    """
    from scipy.optimize import brentq

    mean = minima / groups
    if mean > _ONE_EACH:
        return groups
    if mean < _MANY_EACH:
        return round(groups / max(mean, 2.0**-64))
    x = float(brentq(lambda x: 1 / x - 1 / math.expm1(x) - mean, 1e-3, 2 / mean))
    return round(groups * x / -math.expm1(-x))


def _standard_error(squares: float, groups: int, n: int) -> float:
    return math.sqrt(max(squares, 0.0) * groups / (groups - 1)) / n if groups > 1 else 0.0
