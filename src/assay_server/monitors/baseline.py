"""What a figure is expected to be at this hour of this weekday, and how far chance alone may carry it.

History is the same window on earlier days. Figures are compared on a scale where their noise is even: logarithms for
amounts, the root for counts that were nothing on some day (failures, mostly), the arcsine of the root for shares, as
they are for scores. With two weeks or more the expectation is the
mean of the same weekday, and the noise is what is left when each weekday has its own mean (pooled over all weekdays,
degrees of freedom: days less weekdays seen twice); with less, the mean of all days, whose noise then holds the
difference between weekdays too.

A new figure is out of line when it is further from the expectation than

    t(1 - a; df) * s * sqrt(1 + 1/k)

(the prediction interval of a normal sample, k days behind the expectation), where `s` is never taken below what
sampling alone would give for this n, and `a` is set by how many false alarms a year are accepted: a =
false_alarms_per_year * every / year. Looks at overlapping windows go together, so the true rate is lower.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assay_server.query import COUNTS, QUANTILES, RATES
from assay_server.stats import t_quantile

FEWEST_DAYS = 5
SUMS = COUNTS | {"cost", "tokens"}
_WEEK = 7  # five working days tell nothing of the first Saturday
_WEEKDAYS_FROM = 14
_YEAR_S = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Past:
    """The same window `days_ago`: its value and n."""

    days_ago: int
    value: float
    n: int


@dataclass(frozen=True, slots=True)
class Expected:
    """`value` and the bounds that chance stays within, in the metric's own unit; `days` behind it."""

    value: float
    lower: float
    upper: float
    days: int
    weekday: bool  # it is the mean of this weekday


def alpha(false_alarms_per_year: float, every_s: float) -> float:
    """What one look may cost, one-sided."""
    return min(0.01, max(1e-7, false_alarms_per_year * every_s / _YEAR_S))


def expect(metric: str, past: Sequence[Past], n: int, sd: float | None, level: float) -> Expected | None:
    """None where there is too little history, or it does not vary and its sampling error is not known.

    `n` and `sd` are those of the figure to judge: they bound the noise from below.
    """
    scale = _scale(metric, past)
    usable = [each for each in past if not (scale is _LOG and each.value <= 0)]
    if len(usable) < FEWEST_DAYS or max(each.days_ago for each in usable) < _WEEK:
        return None
    values = [scale.there(each.value) for each in usable]
    same, spread, df, weekday = _fitted(usable, values)
    if df < FEWEST_DAYS - 1:
        return None
    centre = math.fsum(same) / len(same)
    floor = _OF_ROOT if scale is _ROOT else _sampling(metric, scale.back(centre), n, sd)
    noise = max(spread, floor)
    if noise == 0:
        return None
    reach = t_quantile(1 - level, df) * noise * math.sqrt(1 + 1 / len(same))
    return Expected(scale.back(centre), scale.back(centre - reach), scale.back(centre + reach), len(usable), weekday)


def often_empty(metric: str, past: Sequence[Past]) -> bool:
    """Whether a sum was nothing on so many earlier days that nothing today is no fall: nothing has no logarithm.

    Where weekdays are known, those like today count: a Sunday is not compared with working days for want of Sundays.
    """
    if metric not in SUMS:
        return False
    past = [each for each in past if each.value > 0]
    oldest = max((each.days_ago for each in past), default=0)
    if oldest >= _WEEKDAYS_FROM:
        like_today = sum(1 for each in past if each.days_ago % 7 == 0)
        return 2 * like_today < oldest // 7 or like_today < 2
    return len(past) < oldest


def _fitted(past: Sequence[Past], values: Sequence[float]) -> tuple[list[float], float, int, bool]:
    """Values behind the expectation, noise around it, its degrees of freedom, and whether weekdays stand apart."""
    weekdays: dict[int, list[float]] = {}
    for each, value in zip(past, values, strict=True):
        weekdays.setdefault(each.days_ago % 7, []).append(value)
    knows = max(each.days_ago for each in past) >= _WEEKDAYS_FROM and len(weekdays.get(0, ())) >= 2
    groups = list(weekdays.values()) if knows else [list(values)]
    df = sum(len(group) - 1 for group in groups)
    squares = math.fsum((value - math.fsum(group) / len(group)) ** 2 for group in groups for value in group)
    return weekdays[0] if knows else list(values), math.sqrt(squares / df) if df else 0.0, df, knows


@dataclass(frozen=True, slots=True)
class _Scale:
    there: Callable[[float], float]
    back: Callable[[float], float]


_LOG = _Scale(math.log, lambda y: math.exp(min(y, 700.0)))
_ANGLE = _Scale(
    lambda p: math.asin(math.sqrt(min(max(p, 0.0), 1.0))),
    lambda y: math.sin(min(max(y, 0.0), math.pi / 2)) ** 2,
)
_PLAIN = _Scale(lambda x: x, lambda y: y)
_ROOT = _Scale(math.sqrt, lambda y: max(y, 0.0) ** 2)
_OF_ROOT = 0.5
"""The standard error of the root of a count (Poisson), whatever the count."""


def _scale(metric: str, past: Sequence[Past]) -> _Scale:
    if metric in RATES:
        return _ANGLE
    if metric in COUNTS and any(each.value <= 0 for each in past):
        return _ROOT
    return _PLAIN if metric == "score" else _LOG


def _sampling(metric: str, expected: float, n: int, sd: float | None) -> float:
    """The standard error that sampling alone gives, on the metric's scale; 0 where it is not known.

    Shares: 1 / (2 sqrt(n)) for the arcsine of the root. Counts: Poisson, 1 / sqrt(expected) in logarithms. Means:
    sd / sqrt(n), divided by the mean in logarithms (the delta method). A sum of n amounts has both: the number of
    its parts is Poisson too, so (1 + (sd / mean)^2) / n.
    """
    if n == 0:
        return 0.0
    if metric in RATES:
        return 1 / (2 * math.sqrt(n))
    if metric in COUNTS:
        return 1 / math.sqrt(expected) if expected > 0 else 0.0
    if sd is None or metric in QUANTILES:  # a quantile's error needs its density: the days' own spread speaks
        return 0.0
    if metric == "score":
        return sd / math.sqrt(n)
    mean = expected / n if metric in {"cost", "tokens"} else expected
    relative = sd / mean if mean > 0 else 0.0
    return math.sqrt(((1.0 if metric in {"cost", "tokens"} else 0.0) + relative**2) / n)
