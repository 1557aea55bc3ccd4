"""The value every interval is reported in, and the groundwork that all estimators share. Pure Python."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Estimate:
    """A number that knows how sure it is. `lower` and `upper` are None where nothing can be said."""

    value: float
    lower: float | None
    upper: float | None
    n: int
    clusters: int
    method: str
    se: float | None  # None where the data have no variance to estimate it from

    @property
    def ci(self) -> tuple[float, float] | None:
        return None if self.lower is None or self.upper is None else (self.lower, self.upper)


@dataclass(slots=True, frozen=True)
class Spread:
    """Mean of the values with its clustered standard error; the raw material of an interval."""

    mean: float
    se: float
    n: int
    clusters: int

    @property
    def df(self) -> int:
        return self.clusters - 1


def spread(values: Sequence[float], clusters: Sequence[str] | None = None) -> Spread:
    """Mean and standard error; clustered where `clusters` names one per value.

    Miller, "Adding Error Bars to Evals" (arXiv 2411.00640), eq. 4: SE = sqrt(sum_c (sum_{i in c} (x_i - mean))^2) / n,
    with the small-sample factor C/(C-1). Without clusters each value is its own and this is s / sqrt(n).
    The clustered error is never taken below the unclustered one: it is itself noisy when clusters are few,
    and a negative correlation inside clusters is not believed. Needs at least one value.
    """
    n = len(values)
    mean = math.fsum(values) / n
    residuals = [value - mean for value in values]
    groups = _sums(residuals, clusters)
    plain = _standard_error(residuals, n)
    return Spread(mean, max(plain, _standard_error(groups, n)), n, len(groups))


def varies(values: Sequence[float]) -> bool:
    """Are there two different values? Exact: a variance of rounding noise is no variance."""
    return any(value != values[0] for value in values)


def cluster_count(n: int, clusters: Sequence[str] | None) -> int:
    """How many independent units there are among `n` values."""
    return n if clusters is None else len(set(clusters))


def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t; `scipy.special`, because `scipy.stats` costs 30 MB more."""
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def t_cdf(value: float, df: float) -> float:
    from scipy.special import stdtr

    return float(stdtr(df, value))


def normal_quantile(probability: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(probability))


def _sums(residuals: Sequence[float], clusters: Sequence[str] | None) -> list[float]:
    if clusters is None:
        return list(residuals)
    members: dict[str, list[float]] = {}
    for residual, cluster in zip(residuals, clusters, strict=True):
        members.setdefault(cluster, []).append(residual)
    return [math.fsum(group) for group in members.values()]


def _standard_error(groups: Sequence[float], n: int) -> float:
    count = len(groups)
    if count < 2:
        return 0.0
    return math.sqrt(math.fsum(g * g for g in groups) * count / (count - 1)) / n
