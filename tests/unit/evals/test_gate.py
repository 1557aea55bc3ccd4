"""The gate on real runs: refuses what got worse, passes what did not, and says so when it cannot know."""

from collections.abc import Callable
from typing import Any

import pytest

from assay_server.core.errors import Conflict, InvalidInput, NotFound
from tests.fixtures.ledger import PROJECT
from tests.unit.evals.conftest import Room, golden_items

REFUSES = "The context does not hold the answer."


def answers(count: int, reply: Callable[[int], str]) -> list[dict[str, Any]]:
    return [
        {
            "item": f"itm_{n}",
            "output": reply(n),
            "latency_ms": 100.0 + n % 7,
            "contexts": [{"id": f"doc-{n}", "text": f"fact {n}"}],
        }
        for n in range(count)
    ]


def right(n: int) -> str:
    return REFUSES if n % 4 == 3 else f"fact {n}"


def never_refuses(n: int) -> str:
    return f"fact {n}"


@pytest.fixture
async def big(make_room: Callable[..., Room]) -> Room:
    """160 items of their own clusters, and eight of them as a second dataset."""
    room = make_room()
    items = [item | {"cluster": None} for item in golden_items(160)]
    await room.datasets.add(PROJECT, "golden", items)
    await room.datasets.add(PROJECT, "eight", items[:8])
    await room.suites.put(PROJECT, "key:test", "strict", {
        "metrics": [{"metric": "refusal", "bar": 0.9, "margin": 0.05}, {"metric": "exact_match", "margin": 0.05}],
    })  # fmt: skip
    return room


async def recorded(room: Room, reply: Callable[[int], str], *, dataset: str = "golden", count: int = 160) -> str:
    return str((await room.run(dataset=dataset, recorded=answers(count, reply)))["id"])


async def test_a_release_that_stopped_refusing_is_refused_with_its_numbers(big: Room) -> None:
    a, b = await recorded(big, right), await recorded(big, never_refuses)
    verdict = await big.gate.judge(PROJECT, "key:me", run=b, baseline_run=a, suite="strict")

    assert verdict["verdict"] == "fail"
    refusal = next(m for m in verdict["metrics"] if (m["metric"], m["kind"]) == ("refusal", "baseline"))
    assert (refusal["verdict"], refusal["n"], refusal["errors"], refusal["difference"]) == ("fail", 160, 0, -0.25)
    assert refusal["ci"][0] < -0.25 < refusal["ci"][1] < -0.05
    assert refusal["p"] < 0.001
    assert refusal["sentence"].startswith("refusal fell by 0.25 [−0.3")
    assert "on 160 paired items; the margin is 0.05" in refusal["sentence"]
    assert verdict["sentence"].startswith("refused: refusal")
    assert (verdict["run"], verdict["baseline_run"], verdict["n"], verdict["created_by"]) == (b, a, 160, "key:me")
    assert big.verdicts.recorded == [verdict]


async def test_no_change_passes_when_there_are_enough_items(big: Room) -> None:
    a, b = await recorded(big, right), await recorded(big, right)
    verdict = await big.gate.judge(PROJECT, "key:me", run=b, baseline_run=a, suite="strict")
    assert verdict["verdict"] == "pass"
    for metric in verdict["metrics"]:
        if metric["kind"] == "baseline":
            assert metric["method"] == "exact"
            assert metric["bound"] < 0  # no variance is not certainty
            assert metric["minimum_detectable"] > 0
    assert verdict["sentence"].startswith("passed: all 3 comparisons")


async def test_eight_perfect_items_prove_nothing(big: Room) -> None:
    a = await recorded(big, right, dataset="eight", count=8)
    b = await recorded(big, right, dataset="eight", count=8)
    for baseline in (None, a):
        verdict = await big.gate.judge(PROJECT, "key:me", run=b, baseline_run=baseline, suite="strict")
        assert verdict["verdict"] == "inconclusive"
        assert "only" in verdict["metrics"][0]["sentence"]
        assert verdict["metrics"][0]["items_needed"] >= 20


async def test_runs_on_different_datasets_pair_on_equal_items_only(big: Room) -> None:
    a, b = await recorded(big, right), await recorded(big, right, dataset="eight", count=8)
    verdict = await big.gate.judge(PROJECT, "key:me", run=b, baseline_run=a, suite="strict")
    assert verdict["verdict"] == "inconclusive"
    refusal = next(m for m in verdict["metrics"] if (m["metric"], m["kind"]) == ("refusal", "baseline"))
    assert (refusal["n"], refusal["unpaired"]) == (8, 152)


async def test_bars_alone_where_there_is_no_baseline(big: Room) -> None:
    good, bad = await recorded(big, right), await recorded(big, never_refuses)
    passed = await big.gate.judge(PROJECT, "key:me", run=good, suite="strict")
    failed = await big.gate.judge(PROJECT, "key:me", run=bad, suite="strict")
    assert (passed["verdict"], [m["kind"] for m in passed["metrics"]]) == ("pass", ["bar"])
    assert (failed["verdict"], failed["metrics"][0]["value"]) == ("fail", 0.75)
    assert "the bar is at least 0.90, which is not reached" in failed["sentence"]


async def test_latency_is_better_when_lower(big: Room) -> None:
    await big.suites.put(PROJECT, "k", "fast", {"metrics": [{"metric": "latency_ms", "bar": 150, "margin": 10}]})
    slow = [row | {"latency_ms": row["latency_ms"] + 50 + n % 3} for n, row in enumerate(answers(160, right))]
    a = await recorded(big, right)
    b = str((await big.run(dataset="golden", recorded=slow))["id"])
    worse = await big.gate.judge(PROJECT, "k", run=b, baseline_run=a, suite="fast")
    better = await big.gate.judge(PROJECT, "k", run=a, baseline_run=b, suite="fast")
    assert (worse["verdict"], better["verdict"]) == ("fail", "pass")
    line = next(m for m in worse["metrics"] if m["kind"] == "baseline")
    assert line["difference"] == pytest.approx(51, abs=0.1)
    assert line["bound"] == line["ci"][1]
    assert "latency_ms rose by 51.0" in line["sentence"]


async def test_too_many_errors_are_inconclusive_whatever_the_rest_says(big: Room) -> None:
    broken = answers(160, right)
    a = await recorded(big, right)
    b = str((await big.run(dataset="golden", recorded=broken))["id"])
    for row in list(big.facts.scores.values()):
        if row.run == b and row.name == "refusal" and int(row.item.split("_")[1]) < 20:
            row.value, row.error = None, "the judge timed out"
    verdict = await big.gate.judge(PROJECT, "k", run=b, baseline_run=a, suite="strict")
    assert verdict["verdict"] == "inconclusive"
    refusal = verdict["metrics"][0]
    assert (refusal["n"], refusal["errors"]) == (140, 20)
    assert refusal["sentence"].startswith("refusal: 20 of 160 judgements failed")


async def test_clusters_widen_the_interval(make_room: Callable[..., Room]) -> None:
    async def verdict_with(clusters: int, name: str) -> dict[str, Any]:
        room = make_room()
        items = [item | {"cluster": f"c{n % clusters}"} for n, item in enumerate(golden_items(160))]
        await room.datasets.add(PROJECT, name, items)
        a = await recorded(room, right, dataset=name)
        b = await recorded(room, lambda n: "wrong" if n % clusters < clusters // 10 else right(n), dataset=name)
        body = {"metrics": [{"metric": "exact_match", "margin": 0.05}]}
        await room.suites.put(PROJECT, "k", "s", body)
        return (await room.gate.judge(PROJECT, "k", run=b, baseline_run=a, suite="s"))["metrics"][0]

    alone, few = await verdict_with(160, "alone"), await verdict_with(10, "few")
    assert (alone["clusters"], few["clusters"]) == (120, 10)
    assert few["ci"][1] - few["ci"][0] > 1.5 * (alone["ci"][1] - alone["ci"][0])


async def test_a_slice_has_its_own_rule(big: Room) -> None:
    rules = [{"metric": "refusal", "bar": 0.9, "slice": "hard"}, {"metric": "refusal", "bar": 0.5}]
    await big.suites.put(PROJECT, "k", "sliced", {"metrics": rules})
    run = await recorded(big, never_refuses)
    verdict = await big.gate.judge(PROJECT, "k", run=run, suite="sliced")
    hard, everything = verdict["metrics"]
    assert (hard["n"], hard["value"], hard["verdict"]) == (80, 0.5, "fail")
    assert (everything["n"], everything["verdict"]) == (160, "pass")


async def test_the_golden_suite_works_out_of_the_box(big: Room) -> None:
    a, b = await recorded(big, right), await recorded(big, never_refuses)
    assert (await big.gate.judge(PROJECT, "k", run=a, suite="golden"))["verdict"] == "pass"
    assert (await big.gate.judge(PROJECT, "k", run=b, baseline_run=a, suite="golden"))["verdict"] == "fail"


async def test_nothing_to_judge_is_not_a_pass(big: Room) -> None:
    await big.suites.put(PROJECT, "k", "margins", {"metrics": [{"metric": "refusal", "margin": 0.1}]})
    verdict = await big.gate.judge(PROJECT, "k", run=await recorded(big, right), suite="margins")
    assert (verdict["verdict"], verdict["metrics"]) == ("inconclusive", [])
    assert "there is no baseline run" in verdict["sentence"]
    assert "set a bar (assay suite put)" in verdict["sentence"]


async def test_the_same_inputs_give_the_same_verdict_bit_for_bit(big: Room) -> None:
    a, b = await recorded(big, right), await recorded(big, lambda n: "odd" if n % 9 == 0 else right(n))
    first = await big.gate.compute(PROJECT, run=b, baseline_run=a, suite="strict")
    big.facts.run_items = dict(reversed(big.facts.run_items.items()))
    big.facts.scores = dict(reversed(big.facts.scores.items()))
    second = await big.gate.compute(PROJECT, run=b, baseline_run=a, suite="strict")
    assert first == second


async def test_only_fitting_runs_are_judged(big: Room) -> None:
    run = await recorded(big, right)
    thin = str((await big.run(dataset="golden", recorded=answers(160, right), metrics=["refusal"]))["id"])
    with pytest.raises(InvalidInput):
        await big.gate.judge(PROJECT, "k", run=run, baseline_run=run, suite="strict")
    with pytest.raises(InvalidInput, match="exact_match"):
        await big.gate.judge(PROJECT, "k", run=thin, suite="strict")
    with pytest.raises(NotFound, match="golden"):
        await big.gate.judge(PROJECT, "k", run=run, suite="nope")
    with pytest.raises(NotFound):
        await big.gate.judge(PROJECT, "k", run="run_nope", suite="strict")
    cancelled = await big.runs.start(PROJECT, "k", {"dataset": "golden", "recorded": answers(160, right)})
    await big.runs.cancel(PROJECT, cancelled["id"], actor="key:me", reason="enough")
    with pytest.raises(Conflict):
        await big.gate.judge(PROJECT, "k", run=cancelled["id"], suite="strict")
    assert big.verdicts.recorded == []
