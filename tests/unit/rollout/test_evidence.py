"""Which units count: once, in the arm and step of their first exposure, with that step's scores."""

import random
import statistics

from assay_server.core.records import Arm
from assay_server.rollout.evidence import Exposure, UnitScore, Window, count
from assay_server.stats import Stratum, difference, sample

FIRST, SECOND = Window(0, 20, 0, 100), Window(1, 50, 100, None)


def seen(unit: str, arm: Arm, at: int, errors: int = 0) -> Exposure:
    return Exposure(unit, arm, at, 1, errors)


def test_a_unit_counts_in_its_first_arm_and_step_only() -> None:
    exposures = [
        [seen("ann", "baseline", 1), seen("bob", "candidate", 2)],
        [seen("ann", "candidate", 101), seen("bob", "candidate", 102), seen("cyd", "baseline", 103)],
    ]
    scores = {
        "s": [
            [UnitScore("ann", "baseline", 1, 0.1), UnitScore("bob", "candidate", 1, 0.2)],
            [
                UnitScore("ann", "candidate", 1, 0.9),
                UnitScore("bob", "candidate", 1, 0.8),
                UnitScore("cyd", "baseline", 1, 0.3),
            ],
        ]
    }
    first, second = count([FIRST, SECOND], exposures, scores)
    assert first.values["s"] == {"baseline": [0.1], "candidate": [0.2]}
    assert second.values["s"] == {"baseline": [0.3], "candidate": []}
    assert (first.new["baseline"], first.new["candidate"]) == (1, 1)
    assert (second.new["baseline"], second.new["candidate"]) == (1, 0)
    assert (second.active["baseline"], second.active["candidate"]) == (1, 2)


def test_a_unit_that_saw_both_arms_in_one_step_counts_where_it_was_first() -> None:
    exposures = [[seen("ann", "candidate", 9), seen("ann", "baseline", 4)]]
    scores = {"s": [[UnitScore("ann", "candidate", 1, 1.0), UnitScore("ann", "baseline", 1, 0.0)]]}
    (only,) = count([FIRST], exposures, scores)
    assert only.values["s"] == {"baseline": [0.0], "candidate": []}
    assert sum(only.new.values()) == 1


def test_a_unit_seen_early_and_scored_late_does_not_count_late() -> None:
    exposures = [[seen("ann", "baseline", 1)], [seen("ann", "candidate", 101)]]
    late = [UnitScore("ann", "candidate", 1, 1.0)]
    _, second = count([FIRST, SECOND], exposures, {"s": [[], late]})
    assert second.values["s"] == {"baseline": [], "candidate": []}


def test_failing_units_are_counted_once_where_they_are_new() -> None:
    exposures = [[seen("ann", "baseline", 1, errors=1)], [seen("ann", "baseline", 101, errors=1)]]
    first, second = count([FIRST, SECOND], exposures, {})
    assert (first.failing["baseline"], second.failing["baseline"]) == (1, 0)


def test_the_rule_is_unbiased_where_the_obvious_ones_are_not() -> None:
    """Equal arms; faithful users are happier and come back, and everybody's mood falls between the steps.

    Counting first arm and first step finds no difference. Dropping the units that saw both arms throws faithful users
    out of the baseline alone, and finds one.
    """
    ours, dropping = [], []
    for seed in range(30):
        rng = random.Random(seed)
        exposures, scores, saw = _faithful_users(rng)
        ours.append(_difference(exposures, {"s": scores}))
        both = {unit for unit, arms in saw.items() if len(arms) == 2}
        kept = [[one for one in step if one.unit not in both] for step in exposures]
        dropping.append(_difference(kept, {"s": scores}))
    error = statistics.stdev(ours) / len(ours) ** 0.5
    assert abs(statistics.mean(ours)) < 3 * error
    assert statistics.mean(dropping) > 6 * error


def _faithful_users(
    rng: random.Random,
) -> tuple[list[list[Exposure]], list[list[UnitScore]], dict[str, set[str]]]:
    exposures: list[list[Exposure]] = [[], []]
    scores: list[list[UnitScore]] = [[], []]
    saw: dict[str, set[str]] = {}
    for number in range(1500):
        unit, bucket, faithful = f"u{number}", rng.random(), rng.random() < 0.5
        for step, share in enumerate((0.2, 0.5)):
            if not (rng.random() < 0.9 if faithful else step == number % 2):
                continue
            arm: Arm = "candidate" if bucket < share else "baseline"
            mood = (0.8 if faithful else 0.4) - 0.2 * step
            exposures[step].append(seen(unit, arm, step * 100 + 1))
            scores[step].append(UnitScore(unit, arm, 1, mood + rng.gauss(0, 0.1)))
            saw.setdefault(unit, set()).add(arm)
    return exposures, scores, saw


def _difference(exposures: list[list[Exposure]], scores: dict[str, list[list[UnitScore]]]) -> float:
    counted = count([FIRST, SECOND], exposures, scores)
    strata = [Stratum(sample(s.values["s"]["baseline"]), sample(s.values["s"]["candidate"])) for s in counted]
    found = difference(strata)
    assert found is not None
    return found.value
