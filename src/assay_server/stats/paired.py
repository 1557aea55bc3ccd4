"""Two systems on the same items: the difference, its interval, and whether it is worse."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from assay_server.stats.estimate import Estimate, cluster_count, spread, t_cdf, t_quantile, varies

_MCNEMAR_BELOW = 25  # discordant pairs; above it the normal approximation is as good
_PERMUTE_BELOW = 50  # clusters; above it Student's t holds its level on skewed differences too
_DRAWS = 9_999
_SEED = 20_241_100  # fixed: the same inputs give the same verdict, bit for bit


@dataclass(slots=True, frozen=True)
class Paired:
    """Candidate minus baseline. `p_worse` tests "not worse" one-sidedly; small means it fell."""

    difference: Estimate
    p_worse: float
    p_method: str


def paired_difference(
    baseline: Sequence[float],
    candidate: Sequence[float],
    clusters: Sequence[str] | None = None,
    *,
    width: float | None = None,
    alpha: float = 0.05,
) -> Paired:
    """The mean of candidate - baseline with a two-sided (1 - alpha) interval.

    `width` is the length of the metric's range (1 for 0-1 scores; None without end): how far apart two values can be.

    - Identical differences everywhere: exact. With no exception among C clusters at most 1 - (alpha/2)^(1/C) of them
      are exceptional (confidence 1 - alpha/2 per side), each by `width` at most; with 8 items that is 0.37.
    - Otherwise a clustered t interval (Miller, arXiv 2411.00640, eq. 8) after adding one unit at +m and one at -m,
      m the largest difference seen in a cluster. For 0-1 outcomes this is Bonett & Price's interval (2012), whose
      coverage holds where few pairs differ; the plain interval's falls below 90 % there.
    """
    if not baseline:
        raise ValueError("a paired difference needs at least one pair")
    differences = [after - before for before, after in zip(baseline, candidate, strict=True)]
    units = cluster_count(len(differences), clusters)
    if not varies(differences):
        return Paired(_identical(differences, units, width, alpha), *_p_identical(differences[0], units))
    if units < 2:
        only = math.fsum(differences) / len(differences)
        return Paired(Estimate(only, None, None, len(differences), 1, "none: one cluster", None), 1.0, "none")
    estimate, t = _adjusted(differences, clusters, alpha)
    return Paired(estimate, *_p_worse(differences, clusters, t, units))


def mcnemar(better: int, worse: int) -> float:
    """Exact one-sided McNemar test (1947): the probability that at least `worse` discordant pairs got worse by luck."""
    discordant = better + worse
    if worse == 0:
        return 1.0
    from scipy.special import bdtrc

    return float(bdtrc(worse - 1, discordant, 0.5))


def sign_flip(differences: Sequence[float], clusters: Sequence[str] | None = None) -> float:
    """One-sided permutation test: how often would the sum be as low if each cluster's sign were a coin flip?

    Under "no change" the arms are exchangeable within a cluster. p = (1 + #{T_b <= T}) / (B + 1), seeded.
    """
    import numpy as np

    totals = np.asarray(_totals(differences, clusters))
    signs = np.random.default_rng(_SEED).integers(0, 2, size=(_DRAWS, len(totals)), dtype=np.int8) * 2 - 1
    # A hair of tolerance: equal sums must count as ties whatever the order of summation.
    observed = totals.sum() + 1e-12 * np.abs(totals).sum()
    return float((1 + np.count_nonzero(signs @ totals <= observed)) / (_DRAWS + 1))


def _identical(differences: Sequence[float], units: int, width: float | None, alpha: float) -> Estimate:
    value, n = differences[0], len(differences)
    if width is None:
        return Estimate(value, None, None, n, units, "none: no variance, no range", None)
    exceptional = 1 - (alpha / 2) ** (1 / units)
    lower = value - exceptional * (width + value)
    upper = value + exceptional * (width - value)
    return Estimate(value, lower, upper, n, units, "exact", None)


def _p_identical(difference: float, units: int) -> tuple[float, str]:
    return (0.5**units, "sign test") if difference < 0 else (1.0, "sign test")


def _adjusted(differences: Sequence[float], clusters: Sequence[str] | None, alpha: float) -> tuple[Estimate, float]:
    """The interval around Bonett & Price's shrunken centre; the value reported is the plain mean. Also its t."""
    totals = _totals(differences, clusters)
    n, units = len(differences), len(totals)
    size = n / units  # of the two added units
    extreme = _largest(differences, clusters)
    centre = math.fsum(totals) / (n + 2 * size)
    se = _adjusted_error(differences, clusters, extreme, size, centre)
    half = t_quantile(1 - alpha / 2, units - 1) * se
    plain = spread(differences, clusters)
    method = "paired t, clustered" if units < n else "paired t"
    estimate = Estimate(plain.mean, centre - half, centre + half, n, units, f"{method}, adjusted", se)
    return estimate, centre / se


def _adjusted_error(
    differences: Sequence[float], clusters: Sequence[str] | None, extreme: float, size: float, centre: float
) -> float:
    units = cluster_count(len(differences), clusters)
    n = len(differences) + 2 * size
    added = ((extreme - centre) * size) ** 2 + ((-extreme - centre) * size) ** 2
    of_clusters = math.fsum(r * r for r in _totals([d - centre for d in differences], clusters)) + added
    of_items = math.fsum((d - centre) ** 2 for d in differences) + added / size
    clustered = math.sqrt(of_clusters * (units + 2) / (units + 1)) / n
    plain = math.sqrt(of_items * n / (n - 1)) / n
    return max(clustered, plain)


def _p_worse(differences: Sequence[float], clusters: Sequence[str] | None, t: float, units: int) -> tuple[float, str]:
    worse = sum(d < 0 for d in differences)
    better = sum(d > 0 for d in differences)
    alone = units == len(differences)
    same_size = len({abs(d) for d in differences if d}) == 1
    if alone and same_size and better + worse < _MCNEMAR_BELOW:
        return mcnemar(better, worse), "exact McNemar"
    if units < _PERMUTE_BELOW:
        return sign_flip(differences, clusters), "sign-flip permutation"
    return t_cdf(t, units - 1), "t"


def _totals(differences: Sequence[float], clusters: Sequence[str] | None) -> list[float]:
    """Sum of the differences of each cluster, in order of first appearance."""
    if clusters is None:
        return list(differences)
    members: dict[str, list[float]] = {}
    for difference, cluster in zip(differences, clusters, strict=True):
        members.setdefault(cluster, []).append(difference)
    return [math.fsum(group) for group in members.values()]


def _largest(differences: Sequence[float], clusters: Sequence[str] | None) -> float:
    """The largest absolute mean of a cluster."""
    if clusters is None:
        return max(abs(d) for d in differences)
    sizes: dict[str, int] = {}
    for cluster in clusters:
        sizes[cluster] = sizes.get(cluster, 0) + 1
    return max(abs(total) / size for total, size in zip(_totals(differences, clusters), sizes.values(), strict=True))
