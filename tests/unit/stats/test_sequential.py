"""Confidence sequences and e-processes: known values, algebra, and error rates in seeded simulations."""

import math
import random

import pytest

from assay_server.stats.sequential import (
    Events,
    Sample,
    Stratum,
    bounds,
    difference,
    e_value,
    rare_event_e_value,
    sample,
    width,
)
from tests.fakes.canary_simulation import Traffic, judge, simulate, thumbs


def test_a_sample_keeps_the_moments() -> None:
    assert sample([0.5, 1.0, 0.0]) == Sample(3, 1.5, 1.25, 0.0, 1.0)
    assert sample([]).n == 0


def test_the_difference_is_candidate_minus_baseline() -> None:
    found = difference([Stratum(sample([0.4, 0.6] * 50), sample([0.7, 0.9] * 50))])
    assert found is not None
    assert found.value == pytest.approx(0.3)
    assert (found.n_baseline, found.n_candidate, found.units) == (100, 100, pytest.approx(200))
    assert found.mean_candidate - found.mean_baseline == pytest.approx(found.value)


def test_the_standard_error_approaches_the_textbook_one() -> None:
    values = [0.2, 0.8] * 5000
    found = difference([Stratum(sample(values), sample(values))])
    assert found is not None
    assert found.error == pytest.approx(0.3 * math.sqrt(2 / 10_000), rel=0.005)


def test_strata_with_another_share_and_another_level_do_not_fool_it() -> None:
    """Pooled, the candidate would look 0.24 worse although it is equal in both strata."""
    morning = Stratum(sample([0.85, 0.95] * 400), sample([0.85, 0.95] * 100))
    evening = Stratum(sample([0.45, 0.55] * 100), sample([0.45, 0.55] * 400))
    found = difference([morning, evening])
    assert found is not None
    assert found.value == pytest.approx(0)


def test_nothing_is_said_where_nothing_can_be_said() -> None:
    assert difference([]) is None
    assert difference([Stratum(sample([0.5]), sample([]))]) is None
    assert difference([Stratum(sample([7.0] * 50), sample([7.0] * 50))]) is None  # no scale, no spread
    small = difference([Stratum(sample([0.0, 1.0] * 50), sample([0.0, 1.0] * 14))])
    assert small is not None
    assert bounds(small, lower_alpha=0.05, upper_alpha=0.05) is None


def test_perfect_scores_on_both_sides_are_evidence_but_not_at_once() -> None:
    def lower(n: int) -> float:
        found = difference([Stratum(sample([1.0] * n), sample([1.0] * n))])
        assert found is not None
        interval = bounds(found, lower_alpha=0.05, upper_alpha=0.05)
        assert interval is not None
        return interval[0]

    assert lower(30) < -0.05 < lower(300) < 0


def test_the_width_is_eq_9() -> None:
    """n = 500, alpha = 0.05 one-sided: x = -2 ln 0.1 + ln(1 - 2 ln 0.1)."""
    x = -2 * math.log(0.1) + math.log(1 - 2 * math.log(0.1))
    assert width(500, 0.05) == pytest.approx(math.sqrt(2 * (x + 1) / x * math.log(1 + math.sqrt(x + 1) / 0.1)))


def test_the_interval_is_tightest_about_where_it_is_asked_to_be() -> None:
    best = min(range(50, 5000, 10), key=lambda n: width(n, 0.05, tightest_at=500))
    assert 350 <= best <= 650


def test_a_smaller_alpha_gives_a_wider_interval() -> None:
    found = difference([Stratum(sample([0.2, 0.8] * 50), sample([0.3, 0.7] * 50))])
    assert found is not None
    wide = bounds(found, lower_alpha=0.01, upper_alpha=0.01)
    narrow = bounds(found, lower_alpha=0.05, upper_alpha=0.05)
    assert wide is not None
    assert narrow is not None
    assert wide[0] < narrow[0] < found.value < narrow[1] < wide[1]


def test_the_e_value_agrees_with_the_two_sided_interval() -> None:
    """At |z| on the boundary of eq. 9 (two-sided, level 2 alpha) the e-value is 1 / (2 alpha)."""
    alpha, found = 0.05, difference([Stratum(sample([0.2, 0.8] * 125), sample([0.2, 0.8] * 125))])
    assert found is not None
    x = found.units * (-2 * math.log(2 * alpha) + math.log(1 - 2 * math.log(2 * alpha))) / 500
    boundary = found.error * math.sqrt(2 * (x + 1) / x * math.log(math.sqrt(x + 1) / (2 * alpha)))
    assert e_value(found, null=found.value - boundary, alpha=alpha) == pytest.approx(1 / (2 * alpha))
    assert e_value(found, null=found.value, alpha=alpha) < 1


def test_rare_events_match_the_beta_binomial_integral() -> None:
    from scipy.special import beta, betaincc

    a, b, q = 14, 5, 0.5
    exact = betaincc(a + 1, b + 1, q) * beta(a + 1, b + 1) / ((1 - q) * q**a * (1 - q) ** b)
    assert rare_event_e_value([Events(b, a, q)]) == pytest.approx(exact, rel=1e-3)
    assert rare_event_e_value([]) == 1.0
    assert rare_event_e_value([Events(0, 0, 0.5)]) == 1.0


def test_rare_events_only_alarm_for_the_candidate() -> None:
    assert rare_event_e_value([Events(30, 2, 0.5)]) < 0.2
    assert rare_event_e_value([Events(2, 30, 0.5)]) > 1000
    assert rare_event_e_value([Events(40, 10, 0.2)]) < 1  # exactly the share of a 20 % arm
    assert rare_event_e_value([Events(4, 8, 0.2), Events(4, 14, 0.5)]) > rare_event_e_value([Events(4, 8, 0.2)])


def test_rare_events_find_three_percent_against_one() -> None:
    rng, found = random.Random(4), []
    for _ in range(60):
        a = b = 0
        for unit in range(1, 2001):
            if rng.random() < 0.01 or rng.random() < 0.03:
                a, b = a + (rng.random() < 0.75), b + (rng.random() >= 0.75)
            if rare_event_cheap(a, b) > 20:
                found.append(unit)
                break
    assert len(found) >= 50


def test_rare_events_stay_quiet_when_the_arms_are_equal() -> None:
    rng, alarms = random.Random(5), 0
    for _ in range(300):
        a = b = 0
        for _event in range(60):
            a, b = (a + 1, b) if rng.random() < 0.5 else (a, b + 1)
            if rare_event_cheap(a, b) > 20:
                alarms += 1
                break
    assert alarms / 300 <= 0.05


def test_equal_arms_are_promoted_and_hardly_ever_rolled_back() -> None:
    outcome = simulate(judge(0.0), seed=1, runs=120)
    assert outcome.ever_rolled_back <= 0.05
    assert outcome.ever_promoted >= 0.9


def test_a_loss_at_the_margin_is_hardly_ever_promoted_and_found_within_400_units_an_arm() -> None:
    outcome = simulate(judge(-0.05), seed=2, runs=150, traffic=Traffic(units=2500))
    assert outcome.ever_promoted <= 0.05
    assert outcome.ever_rolled_back >= 0.95
    assert outcome.median_to_rollback <= 400


def test_a_loss_of_a_tenth_is_found_within_150_units_an_arm() -> None:
    outcome = simulate(judge(-0.10), seed=3, runs=150)
    assert outcome.ever_rolled_back == 1.0
    assert outcome.median_to_rollback <= 150


def test_thumbs_near_the_end_of_the_scale_keep_the_error() -> None:
    """The case in which the plain variance promotes up to 10 % of the losers."""
    outcome = simulate(thumbs(1.0, 0.95), seed=4, runs=200, traffic=Traffic(share=0.2))
    assert outcome.ever_promoted <= 0.06  # 0.05 and some of the noise of 200 runs


_CHEAP: dict[tuple[int, int], float] = {}


def rare_event_cheap(a: int, b: int) -> float:
    if (a, b) not in _CHEAP:
        _CHEAP[a, b] = rare_event_e_value([Events(b, a, 0.5)])
    return _CHEAP[a, b]
