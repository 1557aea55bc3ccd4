"""A rate judged by a machine on many and by people on few: corrected by what people say of the machine's verdicts.

Prediction-powered inference (Angelopoulos et al., Science 382, 2023) corrects the mean of the machine's flags f by the
mean error on the labelled ones: mean_N(f) + mean_n(Y - f). For flags of 0 and 1 its tuned version (PPI++, arXiv
2311.01453) is the post-stratified estimate used here:

    rate = w P(bad | flagged) + (1 - w) P(bad | unflagged),    w = the share that the machine flags,

with the two probabilities taken from the labels. It is right also where flagged answers are labelled more often than
others, as long as within each of the two kinds it is chance who is labelled.

The interval combines Wilson's intervals of the two probabilities and of w by MOVER (Zou & Donner, Statistics in
Medicine 27, 2008), which keeps its level with few labels and rates near 0, where a normal interval around a sparse
correction is far too narrow. Measured coverage: tests/unit/stats/test_ppi.py and tests/soak/test_ppi_coverage.py.
"""

import math
from dataclasses import dataclass

from assay_server.stats.means import wilson


@dataclass(slots=True, frozen=True)
class Verdict:
    """Answers of one verdict: how many the machine judged so, how many of these people labelled, how many were bad."""

    judged: int
    labelled: int
    bad: int


@dataclass(slots=True, frozen=True)
class CorrectedRate:
    """`value` is None where one kind of verdict has no label: then nothing is known of it but that it lies in 0 to 1,
    and the bounds say so."""

    value: float | None
    lower: float
    upper: float
    n: int  # judged by the machine
    labels: int


def corrected_rate(flagged: Verdict, unflagged: Verdict, *, alpha: float = 0.05) -> CorrectedRate:
    """The rate of bad answers with its (1 - alpha) interval. Needs at least one judged answer.

    Takes verdicts and labels of different answers as independent.
    """
    n = flagged.judged + unflagged.judged
    if n < 1:
        raise ValueError("a rate needs at least one judged answer")
    share = flagged.judged / n
    share_low, share_high = wilson(flagged.judged, n, alpha=alpha)
    parts = [(share, _part(flagged, alpha)), (1 - share, _part(unflagged, alpha))]
    centre = sum(weight * rate for weight, (rate, _, _) in parts)
    gap = parts[0][1][0] - parts[1][1][0]
    # Moving w up raises the rate where flagged answers are worse, and lowers it where they are better.
    down, up = (share - share_low, share_high - share) if gap >= 0 else (share_high - share, share - share_low)
    below = math.hypot(*(weight * (rate - low) for weight, (rate, low, _) in parts), gap * down)
    above = math.hypot(*(weight * (high - rate) for weight, (rate, _, high) in parts), gap * up)
    known = all(stratum.labelled or not stratum.judged for stratum in (flagged, unflagged))
    return CorrectedRate(
        value=centre if known else None,
        lower=max(0.0, centre - below),
        upper=min(1.0, centre + above),
        n=n,
        labels=flagged.labelled + unflagged.labelled,
    )


def _part(stratum: Verdict, alpha: float) -> tuple[float, float, float]:
    """(rate, lower, upper) of one verdict; the whole range without a label."""
    if stratum.labelled == 0:
        return 0.5, 0.0, 1.0
    return stratum.bad / stratum.labelled, *wilson(stratum.bad, stratum.labelled, alpha=alpha)
