"""Synthetic daily costs with weekly waves, and how often forecasts of them hold."""

from typing import Any

import numpy as np

from assay_server.stats import forecast

KINDS = ("noise", "slow", "heavy", "weekdays")
HORIZON = 14
HISTORY = 84


def daily_costs(kind: str, days: int, random: np.random.Generator) -> Any:
    """`noise` is independent, `slow` comes in stretches, `heavy` has outliers, `weekdays` costs nothing at weekends."""
    at = np.arange(days)
    wave = np.exp(random.normal(0, 0.25, 7) - np.array([0, 0, 0, 0, 0, 0.8, 1.0]))[at % 7]
    trend = 100 * wave * np.exp(random.normal(0.003, 0.004) * at)
    if kind == "weekdays":
        return np.maximum(trend * (1 + random.normal(0, 0.15, days)), 0) * (at % 7 < 5)
    if kind == "heavy":
        return trend * np.exp(random.standard_t(3, days) * 0.08)
    shocks = random.normal(0, 0.12 if kind == "noise" else 0.1, days)
    if kind == "slow":
        for day in range(1, days):
            shocks[day] += 0.6 * shocks[day - 1]
    return trend * np.exp(shocks)


def rolling_coverage(kind: str, series: int, seed: int) -> tuple[Any, Any]:
    """For each forecast day, and for each sum, whether the interval held it: three origins a series."""
    random = np.random.default_rng(seed)
    days, totals = [], []
    for _ in range(series):
        values = daily_costs(kind, HISTORY + 3 * HORIZON, random)
        for origin in range(HISTORY, HISTORY + 3 * HORIZON, HORIZON):
            found = forecast(values[origin - HISTORY : origin], HORIZON)
            assert found is not None
            came = values[origin : origin + HORIZON]
            pairs = zip(found.points, came, strict=True)
            days += [point.lower - 1e-9 <= value <= point.upper + 1e-9 for point, value in pairs]
            totals.append(found.total.lower <= came.sum() <= found.total.upper)
    return np.array(days), np.array(totals)
