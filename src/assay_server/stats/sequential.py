"""Evidence that stays valid while one looks: confidence sequences and e-processes for two arms.

A fixed-sample test looked at after every unit raises a false alarm almost surely. A confidence sequence
covers the truth at *all* looks at once with probability 1 - alpha, so a canary may decide at any moment.

- Means: the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
  (arXiv 2103.06476, eq. 9 and its one-sided form), tuned as GrowthBook's `gbstats` tunes it. The units are
  those that were randomised, each with the mean of its own scores.
- Rare events: the conditional e-process. Given that an event happened, it fell into the candidate with the
  candidate's share if both arms are equally prone; no asymptotics, valid from the first event on.

The share of traffic changes while a canary ramps, and so may the level of the scores (time of day, news).
Arms are therefore compared inside a *stratum*, in which the share was constant, and the strata are combined
with Mantel-Haenszel weights. Pooling over strata instead would be Simpson's paradox waiting to happen.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SMALLEST_ARM = 30
"""Units per arm below which the asymptotic sequence says nothing."""

TIGHTEST_AT = 500
"""Units (both arms, balanced) at which the interval is tightest relative to a fixed-sample one. The choice is
flat: between 300 and 700 the median sample that finds a drop of 0.05 moves by 4 %."""

_PSEUDO = 3
_GRID = 256


@dataclass(frozen=True, slots=True)
class Sample:
    """The moments of one arm's unit means inside one stratum."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    low: float = math.inf
    high: float = -math.inf


@dataclass(frozen=True, slots=True)
class Stratum:
    """Units that were assigned under one and the same share."""

    baseline: Sample
    candidate: Sample


@dataclass(frozen=True, slots=True)
class Difference:
    """Candidate minus baseline over all strata, with its standard error.

    `units` is the effective sample: as informative as that many units split evenly over two arms.
    The means are weighted like the difference, so that they differ by exactly `value`.
    """

    value: float
    error: float
    units: float
    n_baseline: int
    n_candidate: int
    mean_baseline: float
    mean_candidate: float


@dataclass(frozen=True, slots=True)
class Events:
    """Units with a rare event, by arm, in a stratum where the candidate's share of all units was `share`."""

    baseline: int
    candidate: int
    share: float


def sample(values: Iterable[float]) -> Sample:
    """The moments of unit means."""
    known = list(values)
    if not known:
        return Sample()
    total, squares = math.fsum(known), math.fsum(value * value for value in known)
    return Sample(len(known), total, squares, min(known), max(known))


def difference(strata: Sequence[Stratum]) -> Difference | None:
    """The stratified difference of two means; None where an arm is empty or all values are one and the same.

    Weights n_b*n_c/(n_b+n_c) (Mantel-Haenszel) depend on counts alone, never on outcomes. The variance is pooled
    within strata, per arm, with `_PSEUDO` imagined units at either end of the observed range: for scores near
    the end of their scale (98 % thumbs up) the plain variance is far too small in small samples, and a loss
    right at the margin would be promoted in up to 10 % of canaries instead of 5 %.
    """
    shared = [stratum for stratum in strata if stratum.baseline.n and stratum.candidate.n]
    spread = _range([*(s.baseline for s in shared), *(s.candidate for s in shared)])
    if not shared or spread is None:
        return None
    weights = [s.baseline.n * s.candidate.n / (s.baseline.n + s.candidate.n) for s in shared]
    whole = math.fsum(weights)
    baseline, candidate = [s.baseline for s in shared], [s.candidate for s in shared]
    variance = _variance_of_mean(baseline, weights, spread) + _variance_of_mean(candidate, weights, spread)
    mean_baseline, mean_candidate = _weighted_mean(baseline, weights), _weighted_mean(candidate, weights)
    return Difference(
        value=mean_candidate - mean_baseline,
        error=math.sqrt(variance),
        units=4 * whole,
        n_baseline=sum(part.n for part in baseline),
        n_candidate=sum(part.n for part in candidate),
        mean_baseline=mean_baseline,
        mean_candidate=mean_candidate,
    )


def bounds(
    found: Difference, *, lower_alpha: float, upper_alpha: float, tightest_at: float = TIGHTEST_AT
) -> tuple[float, float] | None:
    """Lower and upper confidence bound, each valid at all looks with its own error; None under 30 units an arm."""
    if min(found.n_baseline, found.n_candidate) < SMALLEST_ARM:
        return None
    below = found.error * width(found.units, lower_alpha, tightest_at)
    above = found.error * width(found.units, upper_alpha, tightest_at)
    return found.value - below, found.value + above


def width(units: float, alpha: float, tightest_at: float = TIGHTEST_AT) -> float:
    """Half-width of a one-sided confidence sequence, in standard errors.

    With x = n*rho^2: sqrt(2(x+1)/x * ln(1 + sqrt(x+1)/(2 alpha))), the one-sided form of eq. 9.
    """
    x = units * _rho_squared(alpha, tightest_at)
    return math.sqrt(2 * (x + 1) / x * math.log1p(math.sqrt(x + 1) / (2 * alpha)))


def e_value(found: Difference, *, null: float = 0.0, alpha: float = 0.05, tightest_at: float = TIGHTEST_AT) -> float:
    """The mSPRT's evidence against "the difference is `null`": exp(z^2 x / (2(x+1))) / sqrt(x+1).

    Ville's inequality makes min(1, 1/E) a p-value that holds at all looks.
    """
    x = found.units * _rho_squared(alpha, tightest_at)
    z = (found.value - null) / found.error
    return math.exp(min(700.0, z * z * x / (2 * (x + 1)) - math.log1p(x) / 2))


def rare_event_e_value(strata: Sequence[Events]) -> float:
    """Evidence that the candidate is *more* prone to the event; alarm where it exceeds 1/alpha.

    Under equal rates an event falls into the candidate with probability q = share. The alternative is a mixture
    over odds ratios theta > 1, p = q theta / (q theta + 1 - q), uniform in p on (q, 1) for the first share:
    with one stratum that is the one-sided beta-binomial mixture
    (1 - I_q(a+1, b+1)) B(a+1, b+1) / ((1 - q) q^a (1-q)^b), a midpoint sum in place of the integral. Every
    finite mixture is a supermartingale under "not more prone", so the sum is exact in its guarantee. 1.0 where
    no event happened.
    """
    counted = [events for events in strata if events.baseline + events.candidate]
    if not counted:
        return 1.0
    first = strata[0].share  # fixed before any event: a prior that moved with the data would void the guarantee
    exponents = [_log_likelihood_ratio(counted, _odds(first, step)) for step in range(_GRID)]
    top = max(exponents)
    return math.exp(min(700.0, top + math.log(math.fsum(math.exp(e - top) for e in exponents) / _GRID)))


def _rho_squared(alpha: float, tightest_at: float) -> float:
    """GrowthBook's tuning at the two-sided level 2 alpha: (-2 ln(2a) + ln(1 - 2 ln(2a))) / n*."""
    level = -2 * math.log(2 * alpha)
    return (level + math.log1p(level)) / tightest_at


def _range(samples: Sequence[Sample]) -> tuple[float, float] | None:
    """What was observed; for scores that are all equal the scale 0 to 1, if they lie on it."""
    low = min((part.low for part in samples), default=math.inf)
    high = max((part.high for part in samples), default=-math.inf)
    if low < high:
        return low, high
    return (0.0, 1.0) if 0 <= low == high <= 1 else None


def _variance_of_mean(samples: Sequence[Sample], weights: Sequence[float], spread: tuple[float, float]) -> float:
    whole = math.fsum(weights)
    variance = _pooled_variance(samples, spread)
    return math.fsum((w / whole) ** 2 * variance / part.n for w, part in zip(weights, samples, strict=True))


def _pooled_variance(samples: Sequence[Sample], spread: tuple[float, float]) -> float:
    n = sum(part.n for part in samples)
    mean = math.fsum(part.total for part in samples) / n
    within = math.fsum(max(0.0, part.squares - part.total**2 / part.n) for part in samples)
    imagined = _PSEUDO * ((mean - spread[0]) ** 2 + (spread[1] - mean) ** 2)
    return (within + imagined) / (n - len(samples) + 2 * _PSEUDO)


def _weighted_mean(samples: Sequence[Sample], weights: Sequence[float]) -> float:
    whole = math.fsum(weights)
    return math.fsum(w * part.total / part.n for w, part in zip(weights, samples, strict=True)) / whole


def _odds(share: float, step: int) -> float:
    """The odds ratio of the step's midpoint on (share, 1)."""
    p = share + (1 - share) * (step + 0.5) / _GRID
    return p / (1 - p) * (1 - share) / share


def _log_likelihood_ratio(strata: Sequence[Events], theta: float) -> float:
    total = 0.0
    for events in strata:
        p = events.share * theta / (events.share * theta + 1 - events.share)
        total += events.candidate * math.log(p / events.share)
        total += events.baseline * math.log((1 - p) / (1 - events.share))
    return total
