"""Sample-ratio mismatch: known values, strata, and its false alarms when looked at after every unit."""

import random

import pytest

from assay_server.stats.srm import THRESHOLD, Split, chi_square_p, sequential_p


def test_chi_square_matches_scipy() -> None:
    from scipy.stats import chisquare

    expected = chisquare([300, 200], [250, 250]).pvalue
    assert chi_square_p([Split(300, 200, 0.5)]) == pytest.approx(expected)


def test_a_ramp_is_judged_by_the_share_of_each_step() -> None:
    """A right ramp looks wrong against any single share."""
    ramp = [Split(800, 200, 0.2), Split(500, 500, 0.5)]
    assert chi_square_p(ramp) == pytest.approx(1.0)
    pooled = chi_square_p([Split(1300, 700, 0.5)])
    assert pooled is not None
    assert pooled < THRESHOLD
    p = sequential_p(ramp)
    assert p is not None
    assert p > 0.5


def test_a_lost_eighth_of_an_arm_is_found() -> None:
    p = sequential_p([Split(4000, 3500, 0.5)])
    assert p is not None
    assert p < THRESHOLD


def test_nobody_seen_is_unknown_not_fine() -> None:
    assert sequential_p([]) is None
    assert chi_square_p([Split(0, 0, 0.2)]) is None


def test_looking_after_every_unit_does_not_raise_false_alarms() -> None:
    rng, alarms = random.Random(8), 0
    for _ in range(200):
        counts = [0, 0]
        for _unit in range(600):
            counts[rng.random() < 0.2] += 1
            p = sequential_p([Split(counts[0], counts[1], 0.2)])
            if p is not None and p < THRESHOLD:
                alarms += 1
                break
    assert alarms <= 1


def test_empty_steps_change_nothing() -> None:
    assert sequential_p([Split(80, 20, 0.2), Split(0, 0, 0.5)]) == sequential_p([Split(80, 20, 0.2)])
