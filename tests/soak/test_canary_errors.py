"""The error bounds of a canary in a thousand simulations a case, with a look after every unit. About ten minutes."""

from collections.abc import Callable

import pytest

from tests.fakes.canary_simulation import Traffic, Unit, heavy, judge, simulate, thumbs

SOAKED: dict[str, tuple[Callable[[float], Unit], Traffic]] = {
    "independent": (judge, Traffic(4000)),
    "a fifth of the traffic": (judge, Traffic(4000, share=0.2)),
    "heavy users": (heavy, Traffic(4000)),
    "ties": (lambda effect: thumbs(0.8, 0.8 + effect), Traffic(4000)),
    "late and missing": (judge, Traffic(4000, delay=200, missing=0.3)),
    "ramping with waves": (judge, Traffic(4000, ramp=True, wave=0.2)),
}


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", SOAKED)
def test_error_bounds_hold_in_a_thousand_canaries(case: str) -> None:
    make, traffic = SOAKED[case]
    equal = simulate(make(0.0), seed=11, runs=1000, traffic=traffic)
    worse = simulate(make(-0.05), seed=12, runs=1000, traffic=traffic)
    assert equal.ever_rolled_back <= 0.05
    assert worse.ever_promoted <= 0.05
