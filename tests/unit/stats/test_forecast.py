"""The forecast keeps its promise on traffic with weekly waves; a large version of this runs in the soak."""

import numpy as np
import pytest

from assay_server.stats import forecast
from tests.fakes.traffic import KINDS, daily_costs, rolling_coverage


@pytest.mark.parametrize("kind", KINDS)
def test_80_percent_intervals_hold_80_percent(kind: str) -> None:
    days, totals = rolling_coverage(kind, series=20, seed=1)
    assert 0.72 <= days.mean() <= 0.88
    assert 0.65 <= totals.mean() <= 0.95  # 60 sums: the same bound would fail by chance


def test_a_clean_wave_is_continued() -> None:
    week = [100.0, 110.0, 120.0, 130.0, 140.0, 50.0, 40.0]
    found = forecast(week * 8, 7)
    assert found is not None
    assert [point.value for point in found.points] == pytest.approx(week, rel=0.01)
    assert found.total.value == pytest.approx(sum(week), rel=0.01)
    assert found.trend == pytest.approx(0, abs=0.01)
    assert found.error == pytest.approx(0, abs=0.01)


def test_growth_is_seen() -> None:
    values = [100 * 1.01**day for day in range(84)]
    found = forecast(values, 7)
    assert found is not None
    assert found.trend == pytest.approx(1.01**7 - 1)
    assert found.points[0].value == pytest.approx(100 * 1.01**84, rel=0.03)


def test_days_without_any_cost_are_forecast_too() -> None:
    found = forecast(([100.0] * 5 + [0.0] * 2) * 6, 7)
    assert found is not None
    assert [round(point.value) for point in found.points] == [100] * 5 + [0] * 2
    assert all(0 <= point.lower <= point.value <= point.upper for point in found.points)


def test_intervals_hold_their_forecast_and_far_ones_have_some() -> None:
    values = daily_costs("noise", 28, np.random.default_rng(3))
    found = forecast(values, 30)
    assert found is not None
    assert all(point.lower < point.value < point.upper for point in found.points)
    assert found.total.lower < found.total.value < found.total.upper


@pytest.mark.parametrize(("days", "horizon"), [(27, 7), (0, 7), (60, 0)])
def test_too_little_gives_no_forecast(days: int, horizon: int) -> None:
    assert forecast([1.0] * days, horizon) is None


def test_nothing_spent_is_nothing_to_come() -> None:
    found = forecast([0.0] * 40, 3)
    assert found is not None
    assert [(point.value, point.upper) for point in found.points] == [(0, 0)] * 3
