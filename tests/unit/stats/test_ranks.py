"""Rank correlation against scipy's, and the coverage of its interval."""

import random

import pytest
from scipy.stats import spearmanr

from assay_server.stats import spearman


@pytest.mark.parametrize("noise", [0.1, 1.0, 5.0])
def test_it_is_scipys_also_with_ties(noise: float) -> None:
    rng = random.Random(noise)
    x = [rng.choice([0.0, 0.2, 0.7, 1.0]) for _ in range(200)]
    y = [round(value + rng.gauss(0, noise), 1) for value in x]
    found = spearman(x, y)
    assert found is not None
    assert found.value == pytest.approx(spearmanr(x, y).statistic)
    assert found.n == 200


def test_the_interval_covers_no_correlation_as_often_as_it_says() -> None:
    rng = random.Random(3)
    held = 0
    for _ in range(300):
        found = spearman([rng.random() for _ in range(60)], [rng.random() for _ in range(60)])
        assert found is not None
        assert found.ci is not None
        held += found.ci[0] <= 0 <= found.ci[1]
    assert held >= 273  # 300 runs at a level of 95 %: fewer happen once in 2,000 such tests


def test_nothing_is_said_of_few_or_of_what_never_varies() -> None:
    assert spearman([1.0] * 9, [2.0] * 9) is None
    assert spearman([1.0] * 50, [float(n) for n in range(50)]) is None
    perfect = spearman([float(n) for n in range(50)], [float(n) for n in range(50)])
    assert perfect is not None
    assert (perfect.value, perfect.ci) == (1.0, None)
