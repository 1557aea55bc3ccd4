"""Figures in sentences."""

import pytest

from assay_server.core.words import moved, percent, signed


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0, "0 %"),
        (0.0031, "0.3 %"),
        (0.04, "4 %"),
        (0.0812, "8.1 %"),
        (0.383, "38 %"),
        (1, "100 %"),
        (2.594, "259 %"),
        (-0.132, "−13 %"),
        (-0.0001, "0 %"),
    ],
)
def test_shares_are_whole_percents_and_one_digit_below_ten(share: float, told: str) -> None:
    assert percent(share) == told


def test_two_shares_that_are_compared_keep_a_digit_and_no_zero_behind_it() -> None:
    assert (percent(0.1234, 1), percent(0.2, 1)) == ("12.3 %", "20 %")


def test_changes_have_a_sign_unless_nothing_changed() -> None:
    changes = (0.12, -0.035, 0, -0.0001, 0.0001)
    assert [moved(share) for share in changes] == ["+12 %", "−3.5 %", "0 %", "0 %", "< 0.1 %"]


def test_numbers_have_a_real_minus() -> None:
    assert (signed(-0.034, 2), signed(0.1, 2)) == ("−0.03", "+0.10")
