"""Before and after: how small a change could have been seen, and how many items it takes."""

import math
from collections.abc import Sequence

from assay_server.stats.estimate import Estimate, normal_quantile

_POWER = 0.8
_MOST = 10_000_000  # more than that is no plan


def minimum_detectable(se: float | None, *, alpha: float = 0.05, power: float = _POWER) -> float | None:
    """The smallest true change found with probability `power`: (z_{1-alpha/2} + z_power) * SE. None without an SE."""
    return None if se is None else (normal_quantile(1 - alpha / 2) + normal_quantile(power)) * se


def items_needed(estimate: Estimate, distance: float, *, alpha: float = 0.05, width: float | None = None) -> int | None:
    """Items that would decide with 80 % power, were the truth `distance` away from the bound; None if no number would.

    n' = n * ((z_{1-alpha/2} + z_power) * SE / distance)^2: the design effect of the clusters stays in the SE.
    Without variance, the n at which the exact bound 1 - (alpha/2)^(1/n) times `width` comes within the distance.
    """
    if distance <= 0:
        return None
    if estimate.se is not None:
        ratio = (normal_quantile(1 - alpha / 2) + normal_quantile(_POWER)) * estimate.se / distance
        needed = estimate.n * ratio * ratio
    elif width is not None and width > distance:
        needed = math.log(alpha / 2) / math.log(1 - distance / width) * estimate.n / estimate.clusters
    else:
        return None
    return math.ceil(needed) if needed <= _MOST else None


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (1979): reject where the adjusted p is at most alpha; family-wise error holds."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
