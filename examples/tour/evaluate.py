"""Steps 2 to 4: release A on the golden set, its gate and promotion; a change that is refused, and one that passes."""

import json
import tempfile
from pathlib import Path
from typing import Any

from examples.support.questions import GOLDEN, golden
from examples.tour import making
from examples.tour.context import CHANNEL, DATASET, SUPPORT, Tour, interval, signed
from examples.tour.expect import expect

SUITE = "support"
FEW = 8
METRICS = (
    "exact_match",
    "fuzzy_match",
    "groundedness",
    "refusal",
    "hit_rate",
    "citation",
    "schema_valid",
    "latency_ms",
    "cost_usd",
)
_CONCURRENCY = 8
_SHOWN = ("exact_match", "refusal", "hit_rate", "schema_valid")


async def evaluate(tour: Tour) -> None:
    """The golden set, imported twice (the second time changes nothing), and release A's run on it."""
    first = json.loads(await tour.assay("dataset", "import", DATASET, str(GOLDEN), "--json", show=False))
    again = json.loads(await tour.assay("dataset", "import", DATASET, str(GOLDEN), "--json"))
    expect(first["content_hash"] == again["content_hash"] and first["id"] == again["id"],
           "the same content is the same version", (first["id"], again["id"]))  # fmt: skip
    items = golden()
    unanswerable = sum(not item["metadata"]["answerable"] for item in items)
    expect((len(items), unanswerable) == (80, 20), "80 items, 20 of them unanswerable", (len(items), unanswerable))
    tour.screen.good(f"{first['items']} items, {unanswerable} of them unanswerable; {first['content_hash'][:19]}…")
    run = await golden_run(tour, "A")
    _expect_scores(run["scores"], len(items))
    rows = [[name, *_cells(run["scores"][name])] for name in METRICS]
    tour.screen.table("Release A on the golden set", ("metric", "n", "errors", "mean", "95 % interval"), rows)
    told = "; ".join(f"{name} {_figure(run['scores'][name])}" for name in _SHOWN)
    tour.tell("Evaluate", f"release A, n = {len(items)}: {told}", f"/runs/{run['id']}")


async def release(tour: Tour) -> None:
    """A passes bars (there is nothing yet to compare with) and goes live; the application asks for the channel."""
    await tour.assay("suite", "put", SUITE, str(SUPPORT / "suite.yaml"))
    await tour.assay("channel", "create", CHANNEL, "--gate", show=False)
    first = tour.releases["A"]
    verdict = await judge(tour, tour.runs["A"], None, code=0)
    tour.screen.good(verdict["sentence"])
    live = (await tour.client.channels.get(CHANNEL))["release"]
    if live is None or live["id"] != first["id"]:
        await tour.assay(
            "promote", making.ref(first), "--to", CHANNEL, "--reason", "passed its gate: the first release"
        )
    reply = await tour.ask("When are your shops open?", "visitor-01", "visit-01")
    expect(reply["release"] == first["id"], f"the application gets {making.ref(first)}", reply["release"])
    tour.screen.good(f"{making.ref(first)} is live ({first['content_hash'][:19]}…); the application got it by asking")
    tour.tell("Release", f"A = {making.ref(first)}: passed {len(verdict['metrics'])} bars, live on {CHANNEL}",
              f"/releases/{first['id']}")  # fmt: skip


async def gate(tour: Tour) -> None:
    """B is refused, C on eight items is undecided, C on all passes."""
    await _refused(tour)
    await making.make(tour, "C")
    await _too_few(tour)
    run = await golden_run(tour, "C")
    verdict = await judge(tour, run["id"], tour.runs["A"], code=0)
    better = next(each for each in verdict["metrics"] if (each["metric"], each["kind"]) == ("hit_rate", "baseline"))
    expect(better["difference"] > 0, "C finds more than A", better["difference"])
    tour.screen.good(f"C passes: {better['sentence']}")
    tour.tell("Gate: C", f"passes; {_difference(better)}", f"/verdicts/{verdict['id']}")


async def golden_run(tour: Tour, letter: str, dataset: str = DATASET) -> dict[str, Any]:
    """The application under test answers every item with that release. Raises NotAsExpected if any answer failed."""
    release = tour.releases[letter]
    run = await tour.client.runs.start(
        dataset, release=release["id"], endpoint=f"{tour.app}/eval", metrics=METRICS, concurrency=_CONCURRENCY
    )
    with tour.screen.progress(f"release {letter} on {dataset}", run["progress"]["total"]) as report:
        run = await tour.client.runs.wait(run["id"], lambda state: report(state["progress"]["done"]))
    expect(run["status"] == "done", "the run ends as done", run["status"])
    expect(run["progress"]["errors"] == 0, "every item is answered", run["progress"])
    if dataset == DATASET:
        tour.runs[letter] = run["id"]
    return run


async def _clear(tour: Tour) -> None:
    """A tour that was stopped half-way leaves its canary: this one begins without."""
    canary = (await tour.client.channels.get(CHANNEL))["canary"]
    if canary is not None:
        await tour.client.canaries.abort(canary["id"], "left over from an earlier tour")


async def _refused(tour: Tour) -> None:
    second = await making.make(tour, "B")
    diff = await tour.client.releases.diff(tour.releases["A"]["id"], second["id"])
    dropped, added = _edit(diff)
    expect(len(dropped) == len(added) == 3, "B edits three words of the prompt", diff["summary"])
    tour.screen.say(f"B replaces three words of A's prompt: “{' '.join(dropped)}” by “{' '.join(added)}”")
    run = await golden_run(tour, "B")
    verdict = await judge(tour, run["id"], tour.runs["A"], code=1)
    _show(tour, "B against A, on the same items", verdict)
    refusal = next(each for each in verdict["metrics"] if (each["metric"], each["kind"]) == ("refusal", "baseline"))
    expect(refusal["verdict"] == "fail", "right refusal fails the gate", refusal["verdict"])
    expect(refusal["bound"] < -refusal["margin"], "its bound is beyond the margin", refusal["bound"])
    tour.screen.good(f"B is refused: {refusal['sentence']}")
    await tour.assay("promote", making.ref(second), "--to", CHANNEL, "--reason", "customers dislike refusals", code=1)
    live = (await tour.client.channels.get(CHANNEL))["release"]
    expect(live["id"] == tour.releases["A"]["id"], "A is still live", making.ref(live))
    tour.tell("Gate: B", f"refused; {_difference(refusal)}", f"/verdicts/{verdict['id']}")


def _edit(diff: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The words that were taken out of the texts, and those that were put in."""
    parts = [word for change in diff["changes"] if change["kind"] == "text" for word in change["words"]]
    ops = ("delete", "insert")
    dropped, added = ([word for part in parts if part["op"] == op for word in part["text"].split()] for op in ops)
    return dropped, added


async def _too_few(tour: Tour) -> None:
    few = f"{DATASET}-few"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "few.jsonl"
        file.write_text("".join(f"{json.dumps(item)}\n" for item in golden()[:FEW]))
        await tour.assay("dataset", "import", few, str(file), show=False)
    run = await golden_run(tour, "C", few)
    verdict = await judge(tour, run["id"], tour.runs["A"], code=4)
    expect(verdict["n"] == FEW, f"the verdict rests on {FEW} items", verdict["n"])
    tour.screen.good(f"C on {FEW} items: inconclusive, which is not a pass")
    tour.tell("Gate: C on 8 items", "inconclusive, which is not a pass", f"/verdicts/{verdict['id']}")


async def judge(tour: Tour, run: str, baseline: str | None, code: int) -> dict[str, Any]:
    """`assay gate` with the exit code that is expected of it: 0 pass, 1 fail, 4 inconclusive."""
    compared = () if baseline is None else ("--baseline", baseline)
    said = await tour.assay("gate", run, *compared, "--suite", SUITE, "--json", code=code)
    verdict: dict[str, Any] = json.loads(said)
    return verdict


def _expect_scores(scores: dict[str, Any], items: int) -> None:
    expect(set(METRICS) <= set(scores), f"the metrics {', '.join(METRICS)}", sorted(scores))
    for name in METRICS:
        score = scores[name]
        expect(score["errors"] == 0, f"no judgement of {name} failed", score["errors"])
        known = score["n"] > 0 and score["ci"] is not None
        expect(known or name == "cost_usd", f"{name} has n and an interval", score)
    expect(scores["refusal"]["n"] == items, f"right refusal is judged on {items} items", scores["refusal"]["n"])
    expect(scores["cost_usd"]["mean"] is None, "what an unpriced model cost is unknown, not 0", scores["cost_usd"])


def _show(tour: Tour, title: str, verdict: dict[str, Any]) -> None:
    """What was compared, with the bound that decides and the margin or bar it is held against."""
    head = ("metric", "n", "errors", "difference", "95 % interval", "bound", "limit", "verdict")
    rows = []
    for each in verdict["metrics"]:
        paired = each["kind"] == "baseline"
        limit = f"margin {each['margin']:g}" if paired else f"bar {each['bar']:g}"
        bound = signed(each["bound"]) if paired else f"{each['bound']:.2f}"
        shown = interval(each["ci"]) if paired else "[{:.2f}, {:.2f}]".format(*each["ci"])
        moved = signed(each["difference"]) if paired else f"is {each['value']:.2f}"
        rows.append((each["metric"], str(each["n"]), str(each["errors"]), moved, shown, bound, limit, each["verdict"]))
    tour.screen.table(title, head, rows)


def _difference(metric: dict[str, Any]) -> str:
    return (
        f"{metric['metric']} {metric['baseline']:.2f} → {metric['value']:.2f}, difference "
        f"{signed(metric['difference'])} {interval(metric['ci'])}, margin {metric['margin']:g}, "
        f"n = {metric['n']} pairs in {metric['clusters']} clusters"
    )


def _figure(score: dict[str, Any]) -> str:
    low, high = score["ci"]
    return f"{score['mean']:.2f} [{low:.2f}, {high:.2f}]"


def _cells(score: dict[str, Any]) -> tuple[str, ...]:
    if score["mean"] is None:
        return str(score["n"]), str(score["errors"]), "unknown", "–"
    low, high = score["ci"]
    return str(score["n"]), str(score["errors"]), f"{score['mean']:.3f}", f"{low:.3f} to {high:.3f}"
