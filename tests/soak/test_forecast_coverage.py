"""The forecast's promise on many series: 80 % intervals hold 72 to 88 %, of days and of sums."""

import pytest

from tests.fakes.traffic import KINDS, rolling_coverage

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("kind", KINDS)
def test_80_percent_intervals_hold_80_percent_of_days_and_of_sums(kind: str) -> None:
    days, totals = rolling_coverage(kind, series=400, seed=7)
    assert 0.72 <= days.mean() <= 0.88
    assert 0.72 <= totals.mean() <= 0.88
