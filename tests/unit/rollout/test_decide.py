"""From evidence to a move, case by case."""

from typing import Any

from assay_server.rollout.decide import Move, decide
from assay_server.rollout.evidence import Counted, Window
from assay_server.rollout.look import Look, look
from assay_server.rollout.plan import Plan, Watched

PLAN = Plan(scores=(Watched("s", 0.05),), min_units=40, max_units=4000)


def step(
    number: int, share: float, baseline: list[float], candidate: list[float], *, failing: tuple[int, int] = (0, 0)
) -> Counted:
    counted = Counted(Window(number, share, 0, None), values={"s": {"baseline": baseline, "candidate": candidate}})
    for arm, values, failed in (("baseline", baseline, failing[0]), ("candidate", candidate, failing[1])):
        counted.new[arm] = counted.active[arm] = len(values)
        counted.failing[arm] = failed
    return counted


def thumbs(n: int, rate: float) -> list[float]:
    up = round(n * rate)
    return [1.0] * up + [0.0] * (n - up)


def judged(*steps: Counted, plan: Plan = PLAN) -> tuple[Look, Move | None]:
    seen = look(plan, steps, {}, at_ns=5)
    return seen, decide(plan, seen, "assay:canary")


def test_little_evidence_waits() -> None:
    seen, move = judged(step(0, 20, thumbs(80, 0.8), thumbs(20, 0.8)))
    assert move is None
    assert seen.metrics[0].decision == "unmeasured"
    assert seen.metrics[0].ci is None


def test_a_step_ends_when_enough_units_were_active_and_nothing_looks_bad() -> None:
    _, move = judged(step(0, 20, thumbs(200, 0.8), thumbs(50, 0.8)))
    assert move is not None
    assert (move.action, move.why) == ("advance", "ready")
    assert move.sentence.startswith("Advanced from 20 % after 250 users: s 0.80 vs 0.80, difference 0.00 [−")


def test_a_step_does_not_end_while_it_looks_bad() -> None:
    _, move = judged(step(0, 20, thumbs(200, 0.8), thumbs(50, 0.7)))
    assert move is None


def test_proven_at_an_early_step_still_walks_the_steps() -> None:
    _, move = judged(step(0, 20, thumbs(4000, 0.5), thumbs(1000, 0.9)))
    assert move is not None
    assert move.action == "advance"


def test_proven_at_the_last_step_is_promoted() -> None:
    first = step(0, 20, thumbs(200, 0.8), thumbs(50, 0.8))
    _, move = judged(first, step(1, 50, thumbs(500, 0.8), thumbs(500, 0.88)))
    assert move is not None
    assert (move.action, move.why) == ("promote", "proven")


def test_the_last_step_needs_its_own_units() -> None:
    first = step(0, 20, thumbs(3000, 0.8), thumbs(750, 0.95))
    _, move = judged(first, step(1, 50, thumbs(10, 0.8), thumbs(10, 0.8)))
    assert move is None


def test_worse_is_rolled_back_at_any_step_with_the_numbers() -> None:
    seen, move = judged(step(0, 20, thumbs(250, 0.83), thumbs(62, 0.5)))
    assert move is not None
    assert (move.action, move.why) == ("rollback", "worse")
    assert seen.metrics[0].p is not None
    assert seen.metrics[0].p < 0.05
    assert move.sentence.startswith("Rolled back after 312 users: s 0.50 vs 0.83, difference −0.33 [−0.")
    assert move.sentence.endswith("margin 0.05.")


def test_a_proven_loss_below_the_margin_was_accepted_with_the_margin() -> None:
    plan = Plan(scores=(Watched("s", 0.2),), min_units=40, max_units=40_000)
    seen, move = judged(step(1, 50, thumbs(4000, 0.8), thumbs(4000, 0.75)), plan=plan)
    low, high = seen.metrics[0].ci or (0.0, 0.0)
    assert -0.2 < low < high < 0
    assert move is not None
    assert move.action == "promote"


def test_where_lower_is_better_more_is_worse() -> None:
    plan = Plan(scores=(Watched("s", 0.05, "lower"),), min_units=40)
    _, move = judged(step(0, 50, thumbs(300, 0.1), thumbs(300, 0.4)), plan=plan)
    assert move is not None
    assert move.action == "rollback"
    _, better = judged(step(1, 50, thumbs(300, 0.4), thumbs(300, 0.1)), plan=plan)
    assert better is not None
    assert better.action == "promote"


def test_undecided_at_the_end_of_the_budget_is_held_never_shipped() -> None:
    plan = Plan(scores=(Watched("s", 0.01),), min_units=40, max_units=1000)
    _, move = judged(step(1, 50, thumbs(500, 0.8), thumbs(500, 0.79)), plan=plan)
    assert move is not None
    assert (move.action, move.why) == ("hold", "budget")
    assert move.sentence.startswith("Held for a person: undecided after 1,000 users")


def test_a_dead_judge_is_held_at_the_end_of_the_budget() -> None:
    silent = step(0, 20, [], [])
    silent.new.update(baseline=3200, candidate=800)
    silent.active.update(baseline=3200, candidate=800)
    _, move = judged(silent)
    assert move is not None
    assert (move.action, move.why) == ("hold", "budget")
    assert "could not be compared (0 and 0 scored units" in move.sentence


def test_a_wrong_split_is_held_before_anything_else_is_believed() -> None:
    _, move = judged(step(0, 50, thumbs(700, 0.9), thumbs(500, 0.1)))
    assert move is not None
    assert (move.action, move.why) == ("hold", "srm")
    assert "500 candidate and 700 baseline" in move.sentence


def test_errors_roll_back_before_any_score_can() -> None:
    plan = Plan(scores=(Watched("s", 0.05),), guardrails={"error_rate": 0.02})
    seen, move = judged(step(0, 20, thumbs(60, 0.8), thumbs(15, 0.8), failing=(0, 8)), plan=plan)
    assert seen.metrics[0].ci is None
    assert move is not None
    assert (move.action, move.why) == ("rollback", "worse")
    assert "error_rate 8 of 15 vs 0 of 60 units" in move.sentence


def test_errors_within_the_guardrails_margin_do_not() -> None:
    plan = Plan(scores=(Watched("s", 0.05),), guardrails={"error_rate": 0.2}, min_units=40, max_units=10**6)
    steps = step(0, 50, thumbs(3000, 0.8), thumbs(3000, 0.8), failing=(0, 60))
    seen, move = judged(steps, plan=plan)
    assert seen.guardrails[0].e > seen.guardrails[0].alarm_at
    assert move is not None
    assert move.action == "advance"


def test_more_ways_to_fail_widen_the_side_that_rolls_back_only() -> None:
    evidence = step(0, 50, thumbs(300, 0.8), thumbs(300, 0.75))
    one, _ = judged(evidence)
    two, _ = judged(evidence, plan=Plan(scores=PLAN.scores, guardrails={"error_rate": 0.0}))
    (low, high), (low2, high2) = one.metrics[0].ci or (0.0, 0.0), two.metrics[0].ci or (0.0, 0.0)
    assert low2 == low
    assert high2 > high


def test_a_look_is_json() -> None:
    import json

    seen, _ = judged(step(0, 20, thumbs(200, 0.8), thumbs(50, 0.8)))
    stored: dict[str, Any] = json.loads(json.dumps(seen.to_json(), allow_nan=False))
    assert stored["metrics"][0]["ci"] == list(seen.metrics[0].ci or ())
