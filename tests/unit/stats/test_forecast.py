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


@pytest.mark.parametrize("weekend", [40.0, 0.0])
@pytest.mark.parametrize("ago", [1, 3, 10])
def test_a_single_day_that_ran_away_is_not_what_comes(weekend: float, ago: int) -> None:
    """Where a weekend costs nothing there are no logarithms, and one day of 30 made a fortnight five times as dear."""
    noise = np.random.default_rng(1)
    usual = [(100.0 if day % 7 < 5 else weekend) * float(np.exp(noise.normal(0, 0.1))) for day in range(82)]
    spiked = [value * (30 if day == 82 - ago else 1) for day, value in enumerate(usual)]
    found, calm = forecast(spiked, 14), forecast(usual, 14)
    assert found is not None
    assert calm is not None
    assert found.total.value == pytest.approx(calm.total.value, rel=0.05)


def test_a_second_day_on_the_same_side_is_a_new_level() -> None:
    week = [100.0] * 5 + [50.0] * 2
    found = forecast(week * 8 + [value * 3 for value in week], 7)
    assert found is not None
    assert found.total.value == pytest.approx(3 * sum(week), rel=0.15)
