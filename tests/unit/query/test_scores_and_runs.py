"""Scores, run items with their scores, and the two arms of a canary."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, RunItem, Score, Span, Tokens
from assay_server.query import Comparisons, RunItems, ScoreFilter, Scores
from assay_server.store import DuckStore

START = 1_795_248_000_000_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


def score(number: int, name: str = "q", value: float | None = 1.0, **fields: Any) -> Score:
    project = fields.pop("project", "prj_a")
    source = fields.pop("source", "code")
    return Score(project, f"scr_{number:03}", name, START + number, source, value, **fields)


async def test_scores_are_filtered_and_paged_newest_first(store: DuckStore) -> None:
    await store.append(
        Facts(
            scores=[
                score(1, trace_id="t1"),
                score(2, run="r", item="i"),
                score(3, name="other", value=None, error="no answer"),
                score(4, source="end_user"),
                score(5, project="prj_b"),
            ]
        )
    )
    scores = Scores(store)
    first = await scores.find("prj_a", limit=3)
    second = await scores.find("prj_a", limit=3, after=first.following)
    assert [item["id"] for item in [*first.items, *second.items]] == ["scr_004", "scr_003", "scr_002", "scr_001"]
    assert (first.total, second.following) == (4, None)
    assert first.items[1]["error"] == "no answer"
    assert first.items[1]["value"] is None
    for narrow, ids in [
        (ScoreFilter(name="other"), ["scr_003"]),
        (ScoreFilter(trace_id="t1"), ["scr_001"]),
        (ScoreFilter(run="r", item="i"), ["scr_002"]),
        (ScoreFilter(since_ns=START + 4), ["scr_004"]),
        (ScoreFilter(source="end_user"), ["scr_004"]),
    ]:
        assert [item["id"] for item in (await scores.find("prj_a", narrow)).items] == ids


async def test_scores_are_found_by_what_they_say_and_by_the_ids_of_clients(store: DuckStore) -> None:
    told = {"id": "mine", "data_type": "BOOLEAN"}
    await store.append(
        Facts(
            scores=[
                score(1, trace_id="t1", value=0.5, session="s", author="key:a"),
                score(2, value=1.0, metadata=told),
                score(3, value=None, label="good", metadata={"id": "scr_001"}),
                score(4, value=None, error="no answer"),
                score(5, value=None, reason="a note"),
                score(6, project="prj_b", metadata={"id": "mine"}),
            ]
        )
    )
    scores = Scores(store)
    for narrow, ids in [
        (ScoreFilter(ids=("mine",)), [2]),
        (ScoreFilter(ids=("scr_001",)), [3, 1]),
        (ScoreFilter(told=(("data_type", "BOOLEAN"),)), [2]),
        (ScoreFilter(untold=(("data_type", "BOOLEAN"),), answered=True), [3, 1]),
        (ScoreFilter(values=((">=", 0.5), ("<", 1.0))), [1]),
        (ScoreFilter(values=(("!=", 1.0),)), [1]),
        (ScoreFilter(judged="number"), [2, 1]),
        (ScoreFilter(judged="label"), [3]),
        (ScoreFilter(label="good"), [3]),
        (ScoreFilter(answered=True), [3, 2, 1]),
        (ScoreFilter(of_traces=True), [1]),
        (ScoreFilter(session="s", author="key:a"), [1]),
    ]:
        found = await scores.find("prj_a", narrow)
        assert ([item["id"] for item in found.items], found.total) == ([f"scr_{n:03}" for n in ids], len(ids)), narrow
    page = await scores.find("prj_a", limit=2, skip=3)
    assert ([item["id"] for item in page.items], page.total, page.following) == (["scr_002", "scr_001"], 5, None)


def item(name: str, repeat: int = 0, **fields: Any) -> RunItem:
    return RunItem("prj_a", "run_1", name, repeat, START, **fields)


async def test_run_items_come_with_their_scores(store: DuckStore) -> None:
    await store.append(
        Facts(
            run_items=[
                item("b", output="B", contexts=[{"id": "d", "text": "t"}], tokens=Tokens(3, None, None, 1), cost=0.1),
                item("a", error="timeout", latency_ms=9.5),
                RunItem("prj_a", "run_2", "a", 0, START),
            ],
            scores=[
                score(1, run="run_1", item="b", value=0.25, reason="old"),
                score(2, run="run_1", item="b", value=0.5, reason="new", version="2"),
                score(3, "f1", None, run="run_1", item="b", error="judge is down"),
                score(4, run="run_2", item="a"),
            ],
        )
    )
    page = await RunItems(store).find("prj_a", "run_1")
    first, second = page.items
    assert (first.record.item, first.record.error, first.record.latency_ms, first.scores) == ("a", "timeout", 9.5, {})
    assert (second.record.output, second.record.contexts) == ("B", [{"id": "d", "text": "t"}])
    assert (second.record.tokens, second.record.cost) == (Tokens(3, None, None, 1), 0.1)
    assert (second.scores["q"].value, second.scores["q"].reason, second.scores["q"].version) == (0.5, "new", "2")
    assert (second.scores["f1"].value, second.scores["f1"].error) == (None, "judge is down")
    assert (page.total, page.following) == (2, None)


async def test_every_repeat_keeps_its_own_scores(store: DuckStore) -> None:
    await store.append(
        Facts(
            run_items=[item("a", 0, trace_id="t0"), item("a", 1, trace_id="t1")],
            scores=[
                score(1, value=0.0, run="run_1", item="a", trace_id="t0"),
                score(2, value=1.0, run="run_1", item="a", trace_id="t1"),
                score(3, "m", value=0.5, run="run_1", item="a", metadata={"repeat": 1}),
            ],
        )
    )
    first, second = await RunItems(store).all("prj_a", "run_1")
    assert (first.scores["q"].value, second.scores["q"].value) == (0.0, 1.0)
    assert "m" not in first.scores
    assert second.scores["m"].value == 0.5


async def test_pages_of_items_join_the_whole(store: DuckStore) -> None:
    await store.append(Facts(run_items=[item(f"i{n}", repeat) for n in range(4) for repeat in range(2)]))
    items = RunItems(store)
    seen, after = [], None
    while True:
        page = await items.find("prj_a", "run_1", limit=3, after=after)
        seen += [(judged.record.item, judged.record.repeat) for judged in page.items]
        after = page.following
        if after is None:
            break
    assert seen == sorted(seen)
    assert set(seen) == await items.done("prj_a", "run_1")
    assert len(seen) == 8


def exposed(trace: int, arm: str | None, user: str | None = None, **fields: Any) -> Span:
    start = START + trace * 1000
    fields = {"channel": "production", "canary": "can_1", "session": None, **fields}
    return Span(
        "prj_a", f"{trace:032x}", f"{fields.pop('number', 1):016x}", None, "call", fields.pop("kind", "llm"), start,
        fields.pop("end_ns", start + 2_000_000), user=user, arm=arm, **fields,
    )  # fmt: skip


def feedback(trace: int, value: float | None, number: int = 0, **fields: Any) -> Score:
    error = "failed" if value is None else None
    return Score(
        "prj_a", f"scr_{trace}_{number}", "feedback", START + trace, "end_user", value, error=error,
        trace_id=f"{trace:032x}", **fields,
    )  # fmt: skip


async def test_what_was_drawn_is_what_is_compared(store: DuckStore) -> None:
    await store.append(
        Facts(
            [
                exposed(1, "baseline", "ann"),
                exposed(2, "baseline", "ann"),
                exposed(3, "candidate", None, session="s3"),
                exposed(4, "candidate"),
                exposed(5, "candidate", "bob", canary="can_2"),
                exposed(6, "candidate", "bob", channel="staging"),
                exposed(7, "baseline", "eve"),
                exposed(7, "candidate", "eve", number=2),
                exposed(8, None, "may", canary=None),
            ],
            [*(feedback(trace, trace % 2) for trace in range(1, 9)), feedback(4, None, 1)],
        )
    )
    units = await Comparisons(store).units("prj_a", "production", "can_1", "feedback")
    assert [(u.arm, u.unit, u.n, u.mean, u.errors) for u in units] == [
        ("baseline", "ann", 2, 0.5, 0),
        ("candidate", "s3", 1, 1.0, 0),
        ("candidate", f"{4:032x}", 1, 0.0, 1),
    ]
    assert [u.first_ns for u in units] == [START + 1, START + 3, START + 4]
    later = await Comparisons(store).units("prj_a", "production", "can_1", "feedback", START + 3000)
    assert [u.unit for u in later] == ["s3", f"{4:032x}"]
    assert await Comparisons(store).units("prj_b", "production", "can_1", "feedback") == []


async def test_the_user_may_be_known_from_another_span_of_the_trace(store: DuckStore) -> None:
    await store.append(
        Facts([exposed(1, "baseline"), exposed(1, None, "ann", canary=None, number=2)], [feedback(1, 1.0)])
    )
    (unit,) = await Comparisons(store).units("prj_a", "production", "can_1", "feedback")
    assert unit.unit == "ann"


async def test_errors_latency_and_cost_of_each_arm(store: DuckStore) -> None:
    await store.append(
        Facts(
            [
                exposed(1, "baseline", "ann", cost=0.1, tokens=Tokens(1)),
                exposed(2, "baseline", "bob", status="error", end_ns=START + 2000 + 6_000_000),
                exposed(3, "candidate", "cat", tokens=Tokens(1)),
                exposed(4, "candidate", "cat", cost=0.3, kind="chain"),
            ]
        )
    )
    arms = await Comparisons(store).operations("prj_a", "production", "can_1")
    baseline, candidate = arms["baseline"], arms["candidate"]
    assert (baseline.units, baseline.traces, baseline.errors, baseline.error_rate) == (2, 2, 1, 0.5)
    assert (baseline.latency_ms_p50, baseline.latency_ms_p95) == (pytest.approx(4.0), pytest.approx(5.8))
    assert (baseline.cost, baseline.cost_unknown) == (pytest.approx(0.1), 0)
    assert (candidate.units, candidate.traces, candidate.cost, candidate.cost_unknown) == (1, 2, pytest.approx(0.3), 1)
    by_unit = await Comparisons(store).operations_by_unit("prj_a", "production", "can_1")
    assert [(u.unit, u.n, u.error_rate, u.latency_ms, u.cost) for u in by_unit] == [
        ("ann", 1, 0.0, pytest.approx(2.0), pytest.approx(0.1)),
        ("bob", 1, 1.0, pytest.approx(6.0), None),
        ("cat", 2, 0.0, pytest.approx(2.0), pytest.approx(0.3)),
    ]
