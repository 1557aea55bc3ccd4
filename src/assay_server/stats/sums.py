"""Means with intervals from sums that a database made: the values themselves are never fetched."""

import math
from dataclasses import dataclass

from assay_server.stats.estimate import Estimate, Spread
from assay_server.stats.means import Range, interval, unanimous


@dataclass(slots=True, frozen=True)
class Sums:
    """Over `n` values in `clusters`: their sum and sum of squares, and with S_c the sum and n_c the size of a cluster:
    sum S_c^2, sum S_c n_c, sum n_c^2. `low` and `high` are the smallest and largest value. n >= 1."""

    n: int
    total: float
    squares: float
    clusters: int
    cluster_squares: float
    cross: float
    sizes: float
    low: float
    high: float


def mean_of_sums(sums: Sums, *, limits: Range = (None, None), alpha: float = 0.05) -> Estimate:
    """What `mean` says of the same values and clusters.

    sum_c (S_c - n_c m)^2 = sum S_c^2 - 2 m sum S_c n_c + m^2 sum n_c^2. Such differences lose digits where values are
    large and close to each other; they are meant for scores and rates.
    """
    if sums.low == sums.high:
        lower, upper = unanimous(sums.low, sums.clusters, limits=limits, alpha=alpha)
        return Estimate(sums.low, lower, upper, sums.n, sums.clusters, "exact", None)
    mean = sums.total / sums.n
    plain = _standard_error(sums.squares - sums.n * mean * mean, sums.n, sums.n)
    residuals = sums.cluster_squares - 2 * mean * sums.cross + mean * mean * sums.sizes
    clustered = _standard_error(residuals, sums.clusters, sums.n)
    return interval(Spread(mean, max(plain, clustered), sums.n, sums.clusters), limits=limits, alpha=alpha)


def _standard_error(squares: float, groups: int, n: int) -> float:
    return math.sqrt(max(squares, 0.0) * groups / (groups - 1)) / n if groups > 1 else 0.0
