"""Seeded simulations of what the gate promises: wrong refusals, wrong passes, coverage. `make soak` runs more of them.

The bounds allow for the simulation's own error: with R repetitions a rate p is seen as up to p + 3·sqrt(p(1-p)/R).
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from assay_server.evals.judgement import Point, compare, overall
from assay_server.evals.rules import Rule, Suite
from assay_server.stats import mean, paired_difference

MARGIN = 0.05
Pairs = tuple[list[float], list[float], list[str] | None]
Draw = Callable[[np.random.Generator, int, float], Pairs]


def binary(rng: np.random.Generator, n: int, change: float) -> Pairs:
    """A tenth of the items flip at random, and `change` of them for the worse besides."""
    draws = rng.random(n)
    step = np.where(draws < 0.05 - change, -1, np.where(draws > 0.95, 1, 0))
    before = np.where(step < 0, 1, np.where(step > 0, 0, rng.random(n) < 0.5))
    return before.astype(float).tolist(), (before + step).astype(float).tolist(), None


def clustered(rng: np.random.Generator, n: int, change: float) -> Pairs:
    """Four items a cluster, ICC 0.3."""
    groups = n // 4
    shared = rng.normal(0, 0.25 * math.sqrt(0.3), (groups, 1))
    step = shared + rng.normal(0, 0.25 * math.sqrt(0.7), (groups, 4)) + change
    before = np.full((groups, 4), 0.6)
    return before.ravel().tolist(), (before + step).ravel().tolist(), [str(i // 4) for i in range(groups * 4)]


def tied(rng: np.random.Generator, n: int, change: float) -> Pairs:
    """Scores in steps of a quarter: four in five items do not move at all."""
    step = rng.choice([-0.25, 0.0, 0.25], p=[0.1 - 4 * change, 0.8 + 4 * change, 0.1], size=n)
    return [0.5] * n, (0.5 + step).tolist(), None


CASES = [(draw, n) for draw in (binary, clustered, tied) for n in (32, 200)]
REPETITIONS = 300


def repeated(draw: Draw, n: int, change: float, repetitions: int = REPETITIONS) -> Iterator[Pairs]:
    rng = np.random.default_rng([n, len(draw.__name__), round(abs(change) * 100)])
    return (draw(rng, n, change) for _ in range(repetitions))


def at_most(rate: float, repetitions: int = REPETITIONS) -> float:
    return rate + 3 * math.sqrt(rate * (1 - rate) / repetitions)


@pytest.mark.parametrize(("draw", "n"), CASES)
def test_at_the_margin_a_pass_is_rare(draw: Draw, n: int) -> None:
    passes = [
        found.ci is not None and found.ci[0] > -MARGIN
        for before, after, clusters in repeated(draw, n, -MARGIN)
        for found in [paired_difference(before, after, clusters, width=1.0).difference]
    ]
    assert sum(passes) / len(passes) <= at_most(0.025)


@pytest.mark.parametrize(("draw", "n"), CASES)
@pytest.mark.parametrize("change", [0.0, -0.05])
def test_intervals_cover_the_truth(draw: Draw, n: int, change: float) -> None:
    covered = [
        found.ci is not None and found.ci[0] <= change <= found.ci[1]
        for before, after, clusters in repeated(draw, n, change)
        for found in [paired_difference(before, after, clusters, width=1.0).difference]
    ]
    assert sum(covered) / len(covered) >= 0.93


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.97])
@pytest.mark.parametrize("n", [30, 200])
def test_intervals_of_rates_cover_the_truth(rate: float, n: int) -> None:
    rng = np.random.default_rng([n, round(rate * 100)])
    draws = (rng.random((REPETITIONS, n)) < rate).astype(float).tolist()
    covered = [
        found.ci[0] <= rate <= found.ci[1]
        for values in draws
        for found in [mean(values, limits=(0.0, 1.0))]
        if found.ci
    ]
    assert len(covered) == REPETITIONS
    assert sum(covered) / REPETITIONS >= 0.93


@pytest.mark.parametrize("metrics", [1, 8])
@pytest.mark.parametrize("draw", [binary, clustered, tied])
def test_no_change_is_refused_at_most_once_in_twenty(draw: Draw, metrics: int) -> None:
    words = [verdict_of(draws) for draws in batches(draw, 80, metrics, 0.0, 120)]
    assert words.count("fail") / len(words) <= at_most(0.05, len(words))


def test_a_real_fall_is_refused() -> None:
    words = [verdict_of(draws) for draws in batches(binary, 200, 4, -0.2, 60)]
    assert words.count("fail") / len(words) >= 0.95


@pytest.mark.soak
@pytest.mark.parametrize("n", [32, 80, 400, 2000])
@pytest.mark.parametrize("draw", [binary, clustered, tied])
def test_the_promises_over_many_repetitions(draw: Draw, n: int) -> None:
    repetitions = 4000 if n <= 400 else 800
    for change in (0.0, -MARGIN):
        found = [
            paired_difference(before, after, clusters, width=1.0)
            for before, after, clusters in repeated(draw, n, change, repetitions)
        ]
        intervals = [one.difference.ci for one in found if one.difference.ci is not None]
        covered = sum(low <= change <= high for low, high in intervals) / repetitions
        assert covered >= 0.93
        if n >= 200:
            assert covered <= 0.98
        if change:
            assert sum(low > -MARGIN for low, _ in intervals) / repetitions <= at_most(0.025, repetitions)
        else:
            assert sum(one.p_worse <= 0.025 for one in found) / repetitions <= at_most(0.025, repetitions)


def batches(draw: Draw, n: int, metrics: int, change: float, repetitions: int) -> Iterator[list[Pairs]]:
    rng = np.random.default_rng([n, metrics, len(draw.__name__)])
    return ([draw(rng, n, change) for _ in range(metrics)] for _ in range(repetitions))


def verdict_of(draws: list[Pairs]) -> str:
    names = [f"m{index}" for index in range(len(draws))]
    suite = Suite("s", tuple(Rule(name, "higher", margin=MARGIN) for name in names))
    before = {name: points(draw[0], draw[2]) for name, draw in zip(names, draws, strict=True)}
    after = {name: points(draw[1], draw[2]) for name, draw in zip(names, draws, strict=True)}
    return overall(compare(suite, after, before, dict.fromkeys(names, (0.0, 1.0))))


def points(values: list[float], clusters: list[str] | None) -> list[Point]:
    return [
        Point(f"{n:05}", str(n) if clusters is None else clusters[n], frozenset(), value, 0, "same")
        for n, value in enumerate(values)
    ]
