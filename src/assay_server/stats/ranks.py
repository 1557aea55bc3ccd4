"""Whether two things go together, by their ranks: no line and no distribution is assumed."""

import math
from collections.abc import Sequence

from assay_server.stats.estimate import Estimate, normal_quantile

_FEWEST = 10


def spearman(x: Sequence[float], y: Sequence[float], *, alpha: float = 0.05) -> Estimate | None:
    """Spearman's rank correlation with a two-sided (1 - alpha) interval; tied values share their mean rank.

    The interval is Fisher's transformation with the variance (1 + r^2 / 2) / (n - 3) of Bonett & Wright
    (Psychometrika 65, 2000). None below ten pairs, or where one side never varies. Takes pairs as independent.
    """
    n = len(x)
    if n != len(y):
        raise ValueError("a correlation needs pairs")
    if n < _FEWEST:
        return None
    a, b = _ranks(x), _ranks(y)
    mean = (n + 1) / 2
    over = math.fsum((p - mean) * (q - mean) for p, q in zip(a, b, strict=True))
    under = math.sqrt(math.fsum((p - mean) ** 2 for p in a) * math.fsum((q - mean) ** 2 for q in b))
    if under == 0:
        return None
    r = max(-1.0, min(1.0, over / under))
    if abs(r) == 1:
        return Estimate(r, None, None, n, n, "none: perfect order", None)
    half = normal_quantile(1 - alpha / 2) * math.sqrt((1 + r * r / 2) / (n - 3))
    z = math.atanh(r)
    return Estimate(r, math.tanh(z - half), math.tanh(z + half), n, n, "fisher", None)


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for at in order[start : end + 1]:
            ranks[at] = (start + end) / 2 + 1
        start = end + 1
    return ranks
