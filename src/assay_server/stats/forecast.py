"""Where a daily sum with a weekly wave is heading, with an interval that is held to its promise.

Holt-Winters with a damped trend (Gardner and McKenzie 1985; Hyndman and Athanasopoulos, Forecasting: Principles and
Practice, 3rd ed., 8.3), on logarithms where all values are positive. A single day far off what was expected (a loop
that ran away) is taken for no more than three usual errors, as in Gelper, Fried and Croux (2010); a second one on the
same side is a new level and counts in full. The interval is conformal: the quantile of the errors that the same method
made at the same distance on the same series, from every day it could have been asked on (split conformal, Vovk,
Gammerman and Shafer 2005, with the correction (n + 1)/n). Nothing is assumed to be normal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SMALLEST_HISTORY = 28
"""Days: two weeks to begin with, two to learn the errors from."""

_WARM_UP_SEASONS = 2
_FEWEST_ERRORS = 9
_DAMPING = 0.9
_FAR = 3.0  # usual errors, from which on a single day says no more
_LEAST = 0.02  # the usual error is no less: of the level, or of a logarithm
_LEVELS, _TRENDS, _WAVES = (0.1, 0.25, 0.45), (0.0, 0.05), (0.05, 0.2)


@dataclass(slots=True, frozen=True)
class Point:
    """One step ahead, in the units of the series."""

    value: float
    lower: float
    upper: float


@dataclass(slots=True, frozen=True)
class Forecast:
    """`total` is the sum over all points with an interval of its own. `trend` is the growth a season of late.

    `coverage` and `n`: of `n` past forecasts, which share fell into intervals made from what was known then; None
    where there were none. `error`: mean absolute error over the mean of the series.
    """

    points: list[Point]
    total: Point
    level: float
    trend: float
    coverage: float | None
    n: int
    error: float


def forecast(values: Sequence[float], horizon: int, *, season: int = 7, level: float = 0.8) -> Forecast | None:
    """None with fewer than four seasons: too little to say. `values`: one a day, oldest first, none below 0."""
    import numpy as np

    if len(values) < 4 * season or horizon < 1:
        return None
    raw = np.asarray(values, dtype=np.float64)
    logarithms = bool((raw > 0).all())
    series = np.log(raw) if logarithms else raw
    past, ahead = _rolling(series, horizon, season, logarithms)
    errors = _errors(series, past)
    best = _best(errors, season)
    chosen, past, ahead = errors[best], past[best], ahead[best]
    widths = _widths(chosen, level)
    points = [_point(float(mid), float(width), logarithms) for mid, width in zip(ahead, widths, strict=True)]
    coverage, n = _coverage(chosen, level)
    back = np.exp(past) if logarithms else past
    misses = np.abs(_errors(raw, back[None])[0])
    return Forecast(
        points,
        _total(points, raw, back, level),
        level,
        _trend(raw, season),
        coverage,
        n,
        float(np.nanmean(misses) / raw.mean()) if raw.mean() > 0 else 0.0,
    )


def _rolling(series: Any, horizon: int, season: int, logarithms: bool) -> tuple[Any, Any]:
    """For every setting: forecasts from each day, shape (settings, days, horizon), NaN in the warm-up; and those
    from the last day."""
    import numpy as np

    grid = np.array([(a, b, c) for a in _LEVELS for b in _TRENDS for c in _WAVES])
    alpha, beta, gamma = grid.T
    begin = _WARM_UP_SEASONS * season
    first = series[:begin].reshape(_WARM_UP_SEASONS, season)
    level = np.full(len(grid), first.mean())
    slope = np.zeros(len(grid))
    wave = np.tile((first - first.mean(axis=1, keepdims=True)).mean(axis=0), (len(grid), 1))
    steps = np.arange(1, horizon + 1)
    damped = np.cumsum(_DAMPING**steps)
    past = np.full((len(grid), len(series), horizon), np.nan)
    usual = np.full(len(grid), np.abs(first - level[0] - wave[0]).mean())
    side = np.zeros(len(grid))  # on which the day before was far off
    for day, value in enumerate(series):
        place = day % season
        before = level
        expected = level + _DAMPING * slope
        error = value - wave[:, place] - expected
        far = _FAR * np.maximum(usual, _LEAST * (1.0 if logarithms else np.abs(expected)))
        now = np.where(np.abs(error) > far, np.sign(error), 0.0)
        error = np.where((now != 0) & (now != side), np.clip(error, -far, far), error)
        usual, side = 0.9 * usual + 0.1 * np.minimum(np.abs(error), far), now
        level = expected + alpha * error
        slope = _DAMPING * slope + beta * (level - before - _DAMPING * slope)
        wave[:, place] += gamma * (expected + error - level)
        if day >= begin - 1:
            past[:, day] = level[:, None] + slope[:, None] * damped + wave[:, (day + steps) % season]
    return past, past[:, -1]


def _errors(series: Any, past: Any) -> Any:
    """What came minus what was forecast, shape (settings, days, horizon); NaN where it has not come yet."""
    import numpy as np

    days, horizon = past.shape[1:]
    came = np.full((days, horizon), np.nan)
    for ahead in range(1, min(horizon, days - 1) + 1):
        came[: days - ahead, ahead - 1] = series[ahead:]
    return came - past


def _best(errors: Any, season: int) -> int:
    """The setting with the smallest mean absolute error within a season."""
    import numpy as np

    return int(np.nanmean(np.abs(errors[:, :, :season]), axis=(1, 2)).argmin())


def _widths(errors: Any, level: float) -> list[float]:
    """Half-widths by distance, each from the errors at its own and the two distances beside it; where those are too
    few, as the root of the distance."""
    widths: list[float] = []
    for ahead in range(errors.shape[1]):
        found = None
        if _known(errors[:, ahead]) >= _FEWEST_ERRORS:
            found = _quantile(errors[:, max(ahead - 1, 0) : ahead + 2], level)
        widths.append(widths[-1] * math.sqrt((ahead + 1) / ahead) if found is None else found)
    return widths


def _known(errors: Any) -> int:
    import numpy as np

    return int((~np.isnan(errors)).sum())


def _quantile(errors: Any, level: float) -> float | None:
    """The conformal quantile of the absolute errors: the ceil((n + 1) level)-th smallest."""
    import numpy as np

    known = np.sort(np.abs(errors[~np.isnan(errors)]))
    if len(known) < _FEWEST_ERRORS:
        return None
    return float(known[min(math.ceil((len(known) + 1) * level), len(known)) - 1])


def _coverage(errors: Any, level: float) -> tuple[float | None, int]:
    """Intervals made at each past day from the errors known on that day, against what came."""
    import numpy as np

    hits = n = 0
    days, horizon = errors.shape
    for ahead in range(1, horizon + 1):
        for day in range(days - ahead):
            width = None if np.isnan(errors[day, ahead - 1]) else _width_then(errors, ahead, day, level)
            if width is not None:
                n += 1
                hits += bool(abs(errors[day, ahead - 1]) <= width)
    return (hits / n if n else None), n


def _width_then(errors: Any, ahead: int, day: int, level: float) -> float | None:
    """What `_widths` would have said on that day: an error at a distance is known that many days later."""
    import numpy as np

    if _known(errors[: max(day - ahead + 1, 0), ahead - 1]) < _FEWEST_ERRORS:
        return None
    near = range(max(ahead - 1, 1), min(ahead + 1, errors.shape[1]) + 1)
    return _quantile(np.concatenate([errors[: max(day - one + 1, 0), one - 1] for one in near]), level)


def _point(mid: float, width: float, logarithms: bool) -> Point:
    if logarithms:
        return Point(math.exp(mid), math.exp(mid - width), math.exp(mid + width))
    return Point(max(mid, 0.0), max(mid - width, 0.0), max(mid + width, 0.0))


def _total(points: Sequence[Point], raw: Any, back: Any, level: float) -> Point:
    """The sum's own errors, relative ones, where there are enough of them: errors of single days partly cancel out."""
    import numpy as np

    horizon = len(points)
    value = math.fsum(point.value for point in points)
    sums = np.array([raw[day + 1 : day + 1 + horizon].sum() for day in range(max(len(raw) - horizon, 0))])
    expected = back[: len(sums)].sum(axis=1) if len(sums) else sums
    usable = (sums > 0) & (expected > 0)
    width = _quantile(np.log(sums[usable] / expected[usable]), level)
    if width is None:
        return Point(value, math.fsum(point.lower for point in points), math.fsum(point.upper for point in points))
    return Point(value, value * math.exp(-width), value * math.exp(width))


def _trend(raw: Any, season: int) -> float:
    """Growth a season, from the last two seasons against the two before them."""
    late, early = float(raw[-2 * season :].sum()), float(raw[-4 * season : -2 * season].sum())
    return math.sqrt(late / early) - 1 if early > 0 else 0.0
