"""Canaries on made-up units with a look after every unit, decided by the functions under test."""

import heapq
import math
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from assay_server.stats.sequential import Sample, Stratum, bounds, difference

MARGIN = 0.05
ALPHA = 0.05
Unit = Callable[[random.Random, bool, float], float]
"""(rng, is it the candidate, level of the moment) -> the unit's mean score."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Shares of all runs. A run ends with its rollback; after a promotion it goes on, to see whether it would
    have been rolled back had the margin been smaller: `ever_rolled_back` is the harder figure."""

    ever_rolled_back: float
    ever_promoted: float
    median_to_rollback: float  # units per arm
    median_to_promotion: float


def judge(effect: float) -> Unit:
    """A rounded judge score on 0-1 with sd 0.24."""

    def score(rng: random.Random, candidate: bool, level: float) -> float:
        return round(rng.betavariate(1.67, 1.67) + (effect if candidate else 0.0) + level, 2)

    return score


def heavy(effect: float, icc: float = 0.3) -> Unit:
    """Means over 1 to 20 turns of a user whose own level carries `icc` of the variance of a turn (sd 0.24)."""

    def score(rng: random.Random, candidate: bool, level: float) -> float:
        turns = 1 + int(19 * rng.random() ** 3)
        own = rng.gauss(0.6, 0.24 * math.sqrt(icc)) + (effect if candidate else 0.0)
        return own + level + rng.gauss(0, 0.24 * math.sqrt((1 - icc) / turns))

    return score


def thumbs(baseline: float, candidate: float) -> Unit:
    def score(rng: random.Random, is_candidate: bool, level: float) -> float:
        return float(rng.random() < (candidate if is_candidate else baseline) + level)

    return score


@dataclass(frozen=True, slots=True)
class Traffic:
    units: int = 1500
    share: float = 0.5
    ramp: bool = False  # 20 % for the first eighth of the units, then 50 %
    wave: float = 0.0  # amplitude of the time of day
    missing: float = 0.0
    delay: int = 0  # a score arrives up to so many units later


def simulate(unit: Unit, *, seed: int, runs: int, traffic: Traffic | None = None) -> Outcome:
    rng = random.Random(seed)
    results = [_one(rng, unit, traffic or Traffic()) for _ in range(runs)]
    return Outcome(
        ever_rolled_back=sum(r < math.inf for r, _ in results) / runs,
        ever_promoted=sum(p < math.inf for _, p in results) / runs,
        median_to_rollback=statistics.median(r for r, _ in results) / 2,
        median_to_promotion=statistics.median(p for _, p in results) / 2,
    )


def _one(rng: random.Random, unit: Unit, traffic: Traffic) -> tuple[float, float]:
    """The unit at which the rollback and the promotion bound were crossed, infinity where never."""
    steps = [(_Moments(), _Moments()), (_Moments(), _Moments())]
    late: list[tuple[int, _Moments, float]] = []
    promoted = math.inf
    for n in range(traffic.units):
        step = int(traffic.ramp and n >= traffic.units // 8)
        candidate = rng.random() < ((0.2, 0.5)[step] if traffic.ramp else traffic.share)
        value = unit(rng, candidate, traffic.wave * math.sin(n / 150))
        if rng.random() >= traffic.missing:
            heapq.heappush(late, (n + rng.randint(0, traffic.delay), steps[step][candidate], value))
        while late and late[0][0] <= n:
            _, arm, arrived = heapq.heappop(late)
            arm.add(arrived)
        interval = _interval(steps)
        if interval is not None and interval[0] > -MARGIN:
            promoted = min(promoted, n)
        if interval is not None and interval[1] < 0:
            return n, promoted
    return math.inf, promoted


def _interval(steps: "list[tuple[_Moments, _Moments]]") -> tuple[float, float] | None:
    found = difference([Stratum(baseline.sample(), candidate.sample()) for baseline, candidate in steps])
    return None if found is None else bounds(found, lower_alpha=ALPHA, upper_alpha=ALPHA)


class _Moments:
    """A running `Sample`: the simulation looks after every unit, and would be quadratic otherwise."""

    def __init__(self) -> None:
        self.n, self.total, self.squares, self.low, self.high = 0, 0.0, 0.0, math.inf, -math.inf

    def add(self, value: float) -> None:
        self.n += 1
        self.total += value
        self.squares += value * value
        self.low, self.high = min(self.low, value), max(self.high, value)

    def __lt__(self, other: "_Moments") -> bool:
        return id(self) < id(other)

    def sample(self) -> Sample:
        return Sample(self.n, self.total, self.squares, self.low, self.high)
