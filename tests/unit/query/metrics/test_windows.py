"""Figures over windows: every metric against numbers worked out by hand, filters, groups, what is unknown."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import Figure, Metric, Window, Windows, group_noted
from assay_server.query.metrics import windows_cut as cut
from assay_server.store import DuckStore
from tests.fixtures.filled_store import filled, in_its_loop

pytestmark = in_its_loop

SECOND = 1_000_000_000
START = 1_795_248_000 * SECOND
FIRST = Window(START, START + 60 * SECOND)
SECOND_ONE = Window(START + 60 * SECOND, START + 120 * SECOND)


def span(trace: int, number: int, ends_s: float, took_ms: float = 1000, **fields: Any) -> Span:
    end = START + int(ends_s * SECOND)
    parent = fields.pop("parent", None)
    return Span(
        project=fields.pop("project", "prj_a"),
        trace_id=f"{trace:032x}",
        span_id=f"{trace * 100 + number:016x}",
        parent_id=None if parent is None else f"{trace * 100 + parent:016x}",
        name="call",
        kind=fields.pop("kind", "llm"),
        start_ns=end - int(took_ms * 1e6),
        end_ns=end,
        **fields,
    )


def score(trace: int, at_s: float, name: str, value: float | None, **fields: Any) -> Score:
    identity = f"scr_{trace}_{name}"
    at = START + int(at_s * SECOND)
    return Score("prj_a", identity, name, at, "code", value, trace_id=f"{trace:032x}", **fields)


FACTS = Facts(
    [
        span(1, 0, 11, 1100, kind="agent", model=None, cost=0.5, tokens=Tokens(100, output=100)),  # repeats its child
        span(1, 1, 10, 1000, parent=0, model="a", cost=0.5, tokens=Tokens(90, output=10), tags=["x"], ttft_ms=250),
        span(2, 1, 20, 3000, model="a", status="error", tokens=Tokens(50, output=50), user="u"),  # no price
        span(3, 1, 59.9, 2000, model="b", cost=0.25, tokens=Tokens(20, cache_read=10, output=20)),
        span(4, 1, 60, 1000, model="b", cost=2.0),  # the next window begins with it
        span(5, 1, 30, 9000, model="a", run="run_1", status="error", cost=9.0),  # an evaluation
        span(6, 1, 30, 9000, model="a", project="prj_b", cost=9.0),
    ],
    [
        score(1, 12, "schema_valid", 1.0),
        score(2, 22, "schema_valid", 0.0),
        score(3, 50, "schema_valid", None, error="no schema"),
        score(1, 12, "quality", 0.5),
        score(4, 70, "quality", 1.0),
    ],
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def windows(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Windows]:
    store = await filled(tmp_path_factory.mktemp("windows"), FACTS)
    yield Windows(store)
    await store.close()


async def one(windows: Windows, metric: Metric, **narrow: str) -> Figure:
    given = {field: [value] for field, value in narrow.items()}
    [found] = await windows.figures("prj_a", metric, [FIRST], narrow=given)
    return found


@pytest.mark.parametrize(
    ("metric", "narrow", "n", "value", "unknown"),
    [
        (Metric("count"), {"kind": "llm"}, 3, 3, 0),
        (Metric("count"), {}, 4, 4, 0),
        (Metric("requests"), {}, 3, 3, 0),
        (Metric("error_rate"), {"kind": "llm"}, 3, 1 / 3, 0),
        (Metric("slow_rate", threshold_ms=1500), {"kind": "llm"}, 3, 2 / 3, 0),
        (Metric("latency", quantile=0.5), {"kind": "llm"}, 3, 2000, 0),
        (Metric("cost"), {}, 2, 0.75, 1),
        (Metric("cost_per_request"), {}, 2, 0.375, 1),
        (Metric("tokens"), {}, 3, 100 + 100 + 50, 0),
        (Metric("tokens_per_request"), {}, 3, 250 / 3, 0),
        (Metric("schema_violations"), {}, 2, 0.5, 1),
        (Metric("score", score="quality"), {}, 1, 0.5, 0),
        (Metric("score_rate", score="schema_valid", below=0.5), {}, 2, 0.5, 1),
        (Metric("score_rate", score="quality", below=0.5), {}, 1, 0.0, 0),  # 0.5 itself is on neither side
        (Metric("score_rate", score="quality", above=0.5), {}, 1, 0.0, 0),
        (Metric("score_rate", score="quality", above=0.4, source="code"), {}, 1, 1.0, 0),
        (Metric("score_rate", score="quality", below=-1.0), {}, 1, 0.0, 0),
        (Metric("errors"), {}, 4, 1, 0),
        (Metric("users"), {}, 1, 1, 0),
        (Metric("sessions"), {}, 0, None, 0),
        (Metric("ttft", quantile=0.5), {}, 1, 250, 3),
        (Metric("tokens_per_second", quantile=0.5), {}, 3, 10, 0),
        (Metric("tokens", bucket="cache_read"), {}, 1, 10, 2),
        (Metric("score", score="quality", source="code"), {}, 1, 0.5, 0),
        (Metric("count"), {"tag": "x"}, 2, 2, 0),  # a tag is its trace's
        (Metric("count"), {"user": "u"}, 1, 1, 0),
        (Metric("count"), {"run": "run_1"}, 1, 1, 0),
        (Metric("error_rate"), {"model": "b"}, 1, 0.0, 0),
    ],
)
async def test_each_metric(
    windows: Windows, metric: Metric, narrow: dict[str, str], n: int, value: float, unknown: int
) -> None:
    found = await one(windows, metric, **narrow)
    assert (found.n, found.unknown) == (n, unknown)
    assert found.value == pytest.approx(value)


async def test_a_window_begins_with_its_start_and_ends_before_its_end(windows: Windows) -> None:
    found = await windows.figures("prj_a", Metric("count"), [FIRST, SECOND_ONE], narrow={"kind": ["llm"]})
    assert [(each.window, each.value) for each in found] == [(FIRST, 3), (SECOND_ONE, 1)]


async def test_groups_stand_apart_and_windows_may_overlap(windows: Windows) -> None:
    both = [FIRST, Window(START, START + 120 * SECOND)]
    found = await windows.figures("prj_a", Metric("cost"), both, narrow={"kind": ["llm"]}, group_by="model")
    assert [(each.window == FIRST, each.group, each.value) for each in sorted(found, key=lambda f: (f.group, f.n))] == [
        (True, "a", 0.5),
        (False, "a", 0.5),
        (True, "b", 0.25),
        (False, "b", 2.25),
    ]


@pytest.mark.parametrize(
    "metric", [Metric("count"), Metric("latency"), Metric("cost"), Metric("score", score="quality")]
)
async def test_windows_apart_say_what_they_say_among_windows_that_overlap(windows: Windows, metric: Metric) -> None:
    """They are joined in another way: gaps between them, units at their edges and units in none included."""
    apart = [Window(START + 5 * n * SECOND, START + (5 * n + 3) * SECOND) for n in range(24)]
    whole = Window(START, START + 200 * SECOND)
    alone = await windows.figures("prj_a", metric, apart, group_by="model")
    among = await windows.figures("prj_a", metric, [whole, *apart], group_by="model")
    assert alone
    assert alone == [figure for figure in among if figure.window != whole]


@pytest.mark.parametrize("group_by", [None, "model", "user"])
@pytest.mark.parametrize(
    "metric",
    [
        Metric("count"),
        Metric("requests"),
        Metric("errors"),
        Metric("error_rate"),
        Metric("slow_rate", threshold_ms=1500),
        Metric("schema_violations"),
        Metric("score_rate", score="quality", below=0.6),
    ],
)
async def test_windows_cut_at_their_edges_say_what_adding_each_up_says(
    windows: Windows, metric: Metric, group_by: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gaps, units at edges, windows twice, within each other, from the same start and to the same end."""
    around = [(since, since + length) for since in range(-10, 80, 7) for length in (3, 5, 20, 60, 300)]
    several = [Window(START + since * SECOND, START + until * SECOND) for since, until in [*around, (2000, 2001)]]
    shorter = await windows.figures("prj_a", metric, several, group_by=group_by)
    monkeypatch.setattr(cut, "exact", lambda _: False)
    longer = await windows.figures("prj_a", metric, several, group_by=group_by)
    assert len(shorter) > 20
    assert [replace(each, sd=None) for each in shorter] == [replace(each, sd=None) for each in longer]
    assert [each.sd for each in shorter] == pytest.approx([each.sd for each in longer])


async def test_a_score_belongs_to_the_group_of_its_trace(windows: Windows) -> None:
    found = await windows.figures(
        "prj_a", Metric("score", score="quality"), [FIRST, SECOND_ONE], narrow={"kind": ["llm"]}, group_by="model"
    )
    assert [(each.group, each.value) for each in found] == [("a", 0.5), ("b", 1.0)]


async def test_without_data_there_is_no_figure_and_without_prices_no_value(windows: Windows) -> None:
    assert await windows.figures("prj_a", Metric("count"), [Window(1, 2)]) == []
    assert await windows.figures("prj_a", Metric("count"), []) == []
    unknown = await one(windows, Metric("cost"), user="u")
    assert (unknown.n, unknown.value, unknown.unknown) == (0, None, 1)


@pytest.mark.parametrize(
    ("metric", "narrow", "group", "field"),
    [
        ("nonsense", {}, None, "metric.name"),
        ("count", {"1=1 OR name": ["x"]}, None, "filter"),
        ("count", {}, "input", "group_by"),
    ],
)
async def test_unknown_names_are_refused(
    windows: Windows, metric: str, narrow: dict[str, list[str]], group: str | None, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await windows.figures("prj_a", Metric(metric), [FIRST], narrow=narrow, group_by=group)
    assert refused.value.field == field


async def test_a_group_can_be_noted_in_any_ledger(tmp_path: Path) -> None:
    """PostgreSQL knows no NUL and no long keys: one such value ended a monitor's looks for ever."""
    store = await DuckStore.open(tmp_path / "odd")
    await store.append(Facts([span(1, 0, 10, attributes={"plan": "a\0b"})]))
    [found] = await Windows(store).figures("prj_a", Metric("count"), [FIRST], group_by="attribute:plan")
    assert found.group == "a\ufffdb"
    await store.append(Facts([span(trace, 0, 70, user="ü" * 5000 + str(trace)) for trace in (2, 3)]))
    long = await Windows(store).figures("prj_a", Metric("count"), [SECOND_ONE], group_by="user")
    assert sorted(each.group for each in long) == sorted(group_noted("ü" * 5000 + one) for one in "23")
    assert all(len(each.group.encode()) < 1000 for each in long), "a key of PostgreSQL's has room for it"
    await store.close()


async def test_what_came_after_a_window_was_judged_is_counted(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "late")
    windows = Windows(store)
    await store.append(FACTS)
    stamp = (await store.scan("SELECT max(stored_ns) AS at FROM spans"))[0]["at"]
    await store.append(Facts([span(7, 1, 5), span(8, 1, 59), span(9, 1, 61), span(10, 1, 7, project="prj_b")]))
    edges = [(each.since_ns, each.until_ns) for each in (FIRST, SECOND_ONE)]
    assert await windows.came_late("prj_a", [(*each, stamp) for each in edges]) == {edges[0]: 2, edges[1]: 1}
    assert (await windows.came_late("prj_a", [(*edges[0], 0)]))[edges[0]] == 7, "all of them came after the beginning"
    newest = (await store.scan("SELECT max(stored_ns) AS at FROM spans"))[0]["at"]
    assert await windows.came_late("prj_a", [(*each, newest) for each in edges]) == {}
    await store.close()
