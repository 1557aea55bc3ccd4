"""Sample-ratio mismatch: did the arms get the traffic they were meant to get?

If not, something between assignment and measurement loses units of one arm (a crash, a cache, a bot), and no
comparison of the rest can be trusted. It is checked before anything else.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

THRESHOLD = 0.001
"""Below this p-value the split is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Split:
    """Units first seen by arm, while the candidate's share was `share` (between 0 and 1)."""

    baseline: int
    candidate: int
    share: float


def chi_square_p(splits: Sequence[Split]) -> float | None:
    """p of the chi-square of the splits against their shares, one degree of freedom each; None without units.

    For one look at a fixed moment: looked at after every unit it alarms far too often. See `sequential_p`.
    """
    from scipy.special import gammaincc

    counted = [split for split in splits if split.baseline + split.candidate]
    if not counted:
        return None
    statistic = math.fsum(_chi_square(split) for split in counted)
    return float(gammaincc(len(counted) / 2, statistic / 2))


def sequential_p(splits: Sequence[Split]) -> float | None:
    """A p-value that holds at every look (Lindon and Malek, arXiv 2011.03567); None without units.

    E = B(a+1, b+1) / (q^a (1-q)^b) per split, uniform prior on the share; splits are independent, so their
    e-values multiply; p = min(1, 1/E).
    """
    counted = [split for split in splits if split.baseline + split.candidate]
    if not counted:
        return None
    return math.exp(min(0.0, -math.fsum(_log_e(split) for split in counted)))


def _chi_square(split: Split) -> float:
    n = split.baseline + split.candidate
    expected = n * split.share
    return (split.candidate - expected) ** 2 / expected + (split.baseline - n + expected) ** 2 / (n - expected)


def _log_e(split: Split) -> float:
    a, b = split.candidate, split.baseline
    log_beta = math.lgamma(a + 1) + math.lgamma(b + 1) - math.lgamma(a + b + 2)
    return log_beta - a * math.log(split.share) - b * math.log1p(-split.share)
