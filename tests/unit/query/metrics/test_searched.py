"""A search as a filter: figures of a panel and of a monitor are those of the traces that the list finds for it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Score, Tokens
from assay_server.query import Metric, Sql, Traces, Window, Windows, filter_of, read_excluded, read_line
from assay_server.query.dashboards import Panels, parse_panel
from assay_server.query.dashboards.links import traces_of
from assay_server.query.metrics.searched import line_of
from assay_server.store import DuckStore
from tests.unit.query.metrics.test_panels_and_monitors import HOUR, START, in_a_monitor, on_a_panel, span

ASKED = ["Where is my parcel?", "A refund, please", "The parcel is late and I want a refund", None]


def facts() -> Facts:
    """Twenty traces of a root and two calls, which differ in all that a line can ask for."""
    spans, scores = [], []
    for trace in range(1, 21):
        root = span(trace, 0, trace, kind="chain", user=f"u{trace % 3}", input=ASKED[trace % 4])
        root.end_ns = root.start_ns + trace * 1_000_000_000
        model, cost = "a" if trace % 2 else "b", 0.01 * trace
        spans += [
            root,
            span(trace, 1, trace + 0.1, model=model, cost=cost, tokens=Tokens(10 * trace, output=5)),
            span(trace, 2, trace + 0.2, kind="tool", status="error" if trace % 5 == 0 else "ok",
                 attributes={"rows": trace, "shelf": "ab"[trace % 2]}, canary=f"cnr_{trace % 4}"),
        ]  # fmt: skip
        scores.append(judged(trace, "helpful", trace / 20, label="good" if trace > 10 else "bad"))
    spans.append(span(30, 0, 5, kind="chain", run="run_1", user="u0", cost=9.0))
    return Facts(spans, scores)


def judged(trace: int, name: str, value: float, **fields: Any) -> Score:
    at = START + (trace + 60) * 1_000_000_000
    return Score("prj_a", f"scr_{trace}_{name}", name, at, "code", value, trace_id=f"{trace:032x}", **fields)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    await opened.append(facts())
    yield opened
    await opened.close()


LINES = [
    *("latency>12s", "latency<=3s", "cost>=0.105", "cost<0.03", "tokens>100", "tokens<=25"),
    *("score.helpful<0.3", "score.helpful:good", "score.helpful!=good", "score.helpful:*", "score.nobody:*"),
    *("parcel", '"want a refund"', "refund latency>8s", "nobodysaidthis", "parc*"),
    *("attr.rows>=15", "attr.shelf:a", "attr.rows:*", "attr.nothing:*", "canary:cnr_2"),
    *("-status:error", "status:error", "user:u1,u2", "-user:u0 -model:a", "model!=a", "kind:tool name:step"),
    "score.helpful>0.2 -attr.rows>12 parcel model:a,b cost<0.2",
]


async def found(store: DuckStore, line: str) -> set[str]:
    """What the list finds, of live traffic."""
    read = read_line(line, START)
    narrow = filter_of({name: value for name, value in read.filter.items() if name != "exclude"})
    excluded = tuple(filter_of(read_excluded(text, START)) for text in read.filter.get("exclude", ()))
    page = await Traces(store).find("prj_a", replace(narrow, exclude=excluded), limit=100)
    return {trace["trace_id"] for trace in page.items if trace["trace_id"] != f"{30:032x}"}


METRICS = [
    *(Metric(name) for name in ("count", "requests", "errors", "cost", "cost_per_request", "users")),
    Metric("score", score="helpful"),
]


@pytest.mark.parametrize("line", LINES)
async def test_figures_are_those_of_the_traces_that_the_list_finds(store: DuckStore, line: str) -> None:
    """And what a line leaves out is the rest. Each line is asked of three metrics, each metric by a dozen lines."""
    traces = await found(store, line)
    live = [one for one in facts().spans if one.run is None]
    mine = [one for one in live if one.trace_id in traces]
    cost = sum(one.cost or 0 for one in mine)
    scores = [one.value or 0 for one in facts().scores if one.trace_id in traces]
    wanted: dict[str, float] = {
        "count": len(mine),
        "requests": len(traces),
        "errors": sum(one.status == "error" for one in mine),
        "cost": cost,
        "cost_per_request": cost / max(len(traces), 1),
        "score": sum(scores) / max(len(scores), 1),
        "users": len({one.user for one in mine if one.user}),
    }
    for metric in (METRICS * 2)[LINES.index(line) % 7 :][:3]:
        for ask in (on_a_panel, in_a_monitor):
            value = (await ask(store, metric, {"search": [line]}, None)).get("", (None, 0, 0))[0]
            assert (value or 0) == pytest.approx(wanted[metric.name]), (metric.name, ask.__name__)
    for ask in (on_a_panel, in_a_monitor):
        metric = (Metric("requests"), Metric("cost_per_request"), Metric("score", score="helpful"))[len(line) % 3]
        rest = (await ask(store, metric, {"-search": [line]}, None)).get("", (None, 0, 0))
        assert rest[1] == 20 - len(traces), (metric.name, ask.__name__)


async def test_of_several_lines_one_must_find_it_and_other_words_hold_for_the_span(store: DuckStore) -> None:
    both = len(await found(store, "latency>18s") | await found(store, "cost<0.03"))
    for ask in (on_a_panel, in_a_monitor):
        assert (
            (await ask(store, Metric("requests"), {"search": ["latency>18s", "cost<0.03"]}, None))[""][1] == both == 6
        )
        tools = await ask(store, Metric("count"), {"search": ["latency>18s"], "kind": ["tool"]}, None)
        assert tools[""][1] == 3
        by_model = await ask(store, Metric("cost"), {"search": ["latency>17s"]}, "model")
        assert {model: value for model, (value, _, _) in by_model.items() if value} == pytest.approx(
            {"a": 0.36, "b": 0.38}
        )


async def test_a_line_that_names_runs_counts_their_traffic(store: DuckStore) -> None:
    for ask in (on_a_panel, in_a_monitor):
        assert (await ask(store, Metric("requests"), {"search": ["run:run_1"]}, None))[""][1] == 1
        assert (await ask(store, Metric("requests"), {"search": ["-run:run_1"]}, None))[""][1] == 20


@pytest.mark.parametrize("group_by", [None, "user", "kind", "tag", "attribute:shelf"])
async def test_judgements_of_a_run_that_a_line_names_count_by_group_too(store: DuckStore, group_by: str | None) -> None:
    await store.append(Facts(scores=[judged(30, "helpful", 0.25)]))
    for ask in (on_a_panel, in_a_monitor):
        found = await ask(store, Metric("score", score="helpful"), {"search": ["run:run_1"]}, group_by)
        assert [value for value, n, _ in found.values() if n] == [0.25], ask.__name__


async def test_a_trace_that_began_before_the_window_is_found_by_what_it_said_then(store: DuckStore) -> None:
    """Its call ends in the window, and its words are older."""
    early = span(40, 0, -3000, kind="chain", input="an old question")
    await store.append(Facts([early, span(40, 1, 30, cost=1.0)]))
    for ask in (on_a_panel, in_a_monitor):
        assert (await ask(store, Metric("cost"), {"search": ["question"]}, None))[""][0] == pytest.approx(1.0)


async def test_a_trace_whose_child_was_stored_before_its_root_is_found_over_an_end(
    store: DuckStore,
) -> None:
    """Its row in the store begins with that child, behind the end."""
    await store.append(Facts([span(42, 1, 3605, attributes={"over": 1}, input="an odd question")]))
    await store.append(Facts([span(42, 0, 3590, kind="chain", user="kim")]))
    for ask in (on_a_panel, in_a_monitor):
        for line in ("user:kim", "attr.over:1", "odd"):
            assert (await ask(store, Metric("requests"), {"search": [line]}, None)).get("", (0,))[0] == 1, line
            assert (await ask(store, Metric("requests"), {"-search": [line]}, None))[""][0] == 20, line


async def test_a_monitor_finds_a_trace_that_began_hours_before_its_window(store: DuckStore) -> None:
    """Long calls end then; a panel has them where they started."""
    early = span(44, 0, -10 * 3600, kind="chain", input="an old question", user="kim")
    await store.append(Facts([early, span(44, 1, 30, cost=1.0)]))
    for line in ("question", "user:kim"):
        assert (await in_a_monitor(store, Metric("cost"), {"search": [line]}, None))[""][0] == pytest.approx(1.0)


@pytest.mark.parametrize("group_by", ["model", "status", "user", "tag"])
async def test_a_request_counts_in_the_range_in_which_it_began_in_any_group(store: DuckStore, group_by: str) -> None:
    """It has a call in this one, too."""
    await store.append(Facts([span(47, 0, -10, kind="chain", user="kim"), span(47, 1, 30, model="a")]))
    for narrow in ({"search": ["user:kim,u1"]}, {"-search": ["user:u0"]}):
        by_group = await on_a_panel(store, Metric("requests"), narrow, group_by)
        [whole] = (await on_a_panel(store, Metric("requests"), narrow, None)).values()
        assert sum(n for _, n, _ in by_group.values()) == whole[1], narrow


async def test_traces_that_were_stored_one_after_the_other_are_found_alike(store: DuckStore) -> None:
    """No span is passed over because a newer trace was stored later."""
    await store.append(Facts([span(43, 0, 100, kind="chain", user="kim", status="ok")]))
    for ask in (on_a_panel, in_a_monitor):
        for line, traces in (("user:u1", 7), ("-user:u1", 14), ("status:error", 4), ("status:ok", 17), ("user:kim", 1)):
            assert (await ask(store, Metric("requests"), {"search": [line]}, None))[""][0] == traces, line


async def test_a_judgement_counts_however_old_its_trace_is(store: DuckStore) -> None:
    old = span(41, 0, -40 * 86_400, kind="chain", input="an old question")
    await store.append(Facts([old], [judged(41, "helpful", 0.5)]))
    for ask in (on_a_panel, in_a_monitor):
        assert (await ask(store, Metric("score", score="helpful"), {"search": ["question"]}, None))[""][:2] == (0.5, 1)


async def test_a_report_of_judgements_finds_them_however_old_their_trace_is(store: DuckStore) -> None:
    old = span(45, 0, -40 * 86_400, kind="chain", input="an old question")
    await store.append(Facts([old], [replace(judged(45, "grounded", 0.1), source="judge")]))
    report = {"name": "corrected_rate", "score": "grounded", "below": 0.5}
    panel = parse_panel({"title": "T", "report": report, "filter": {"search": "question"}})
    sql = Sql(store)
    shown = await Panels(store, sql).read("prj_a", panel, START, START + HOUR, {})
    await sql.close()
    assert shown["uncorrected"]["n"] == 1


async def test_the_time_before_is_searched_as_far_back(store: DuckStore) -> None:
    await store.append(Facts([span(46, 0, -9 * 3600, kind="chain", user="kim", input="a question of yesterday")]))
    sql = Sql(store)
    for line in ("user:kim", "yesterday"):
        panel = parse_panel({"title": "T", "kind": "number", "metrics": ["requests"], "filter": {"search": line}})
        shown = await Panels(store, sql).read("prj_a", panel, START, START + 10 * HOUR, {}, compare=True)
        assert (shown["series"][0]["total"]["n"], shown["series"][0]["before"]["n"]) == (0, 1), line
    await sql.close()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("since:2d", "no times"),
        ("latency>3s until:1h", "no times"),
        ("latency>soon", "cannot be read"),
        ("   ", "what is looked for"),
        ('"..."', "no words"),
        ("-refund", "Words cannot be excluded"),
        ("statu:error", "looks like a condition"),
        ("score.helpful>good", "number"),
        ("attr.rows>many", "key:op:value"),
        ("-attr.rows>many", "key:op:value"),
        (f"score.helpful>{'9' * 400}", "name:op:value"),
        ("cost>1 status:failed", "no such status"),
        ("-status:failed", "no such status"),
        ("user:\ud800", "No text that is stored"),
        ("user:a\0b", "No text that is stored"),
        ("x" * 2001, "takes a text"),
        (["user:a", "-attr.x:1 " * 100], "These searches have 101 parts"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_place(line: str | list[str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        parse_panel({"title": "T", "kind": "number", "metrics": ["count"], "filter": {"search": line}}, "panels[2]")
    assert refused.value.field == "panels[2].filter.search"
    assert refused.value.fix
    assert json.dumps(refused.value.value, ensure_ascii=False).encode()


async def test_words_that_too_many_have_are_refused(store: DuckStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure of a part of them would look like one of all."""
    monkeypatch.setattr("assay_server.query.metrics.searched.MOST_WITH_WORDS", 3)
    with pytest.raises(InvalidInput, match="More than 3 traces"):
        await Windows(store).figures(
            "prj_a", Metric("count"), [Window(START, START + HOUR)], narrow={"search": ["parcel"]}
        )


async def test_a_link_has_the_line_in_the_pages_own(store: DuckStore) -> None:
    sql = Sql(store)
    given = {"title": "T", "kind": "number", "metrics": ["cost"], "filter": {"search": "cost<0.1 parcel"}}
    shown = await Panels(store, sql).read("prj_a", parse_panel(given), START, START + HOUR, {"user": ["u1"]})
    await sql.close()
    assert shown["series"][0]["traces"] == {"user": "u1", "q": "cost<0.1 parcel"}


@pytest.mark.parametrize(
    ("narrow", "words"),
    [
        ([{"search": ["cost<1", "cost>2"]}], None),  # one of two: no list says that
        ([{"search": ["cost<1"]}, {"search": ["parcel"]}], {"q": "cost<1 parcel"}),
        ([{"search": ["cost<1"]}, {"search": ["cost<1"]}], {"q": "cost<1"}),
        ([{"search": ["cost<2"]}, {"search": ["cost<1"]}], None),
        ([{"search": ["user:a"], "user": ["b"]}], None),
        ([{"search": ["user:a"], "kind": ["llm"]}], {"q": "user:a", "kind": "llm"}),
        ([{"search": ["model:a"], "kind": ["llm"]}], None),  # another span may be of that model
        ([{"search": ["attr.x:1"]}, {"search": ["attr.y:1"]}], None),
        ([{"search": ["score.x<1"]}, {"search": ["score.y<1"]}], {"q": "score.x<1 score.y<1"}),
        ([{"-search": ["status:error", "latency>3s"]}], {"exclude": ["status:error", "latency>3s"]}),
        ([{"-search": ["status:error latency>3s"]}], None),
        ([{"-search": ["parcel"]}], None),
        ([{"tag": ["a", "b"]}, {"tag": ["b", "c"]}], None),  # one may have a and c
        ([{"-search": ["-user:a"]}], None),
        ([{"-search": [" user:a  "]}], {"exclude": ["user:a"]}),
        ([{"-search": ["a" * 32]}], {"exclude": ["trace:" + "a" * 32]}),  # words cannot be excluded, says the page
        ([{"-search": ['user:"a']}], None),  # the quote would take in what stands behind it
        ([{"search": ['user:"a'], "kind": ["llm"]}], None),
        ([{"search": ['user:"a, ""b"""']}], {"q": 'user:"a, ""b"""'}),
    ],
)
def test_a_link_shows_no_more_and_no_less(narrow: list[dict[str, list[str]]], words: dict[str, Any] | None) -> None:
    assert traces_of(narrow, Metric("requests"), None, None) == words


@pytest.mark.parametrize(
    ("metric", "narrow", "group", "words"),
    [
        ("count", {}, "error", {"status": "error"}),
        ("count", {}, "ok", None),  # a trace is ok where nothing in it failed
        ("requests", {}, "error", None),  # its first span did, not any
        ("cost", {}, "error", None),  # another span may have
        ("requests", {"status": ["error"]}, None, {"status": "error"}),
        ("requests", {"status": ["ok"]}, None, None),
        ("cost", {"status": ["error"]}, None, None),
        ("cost_per_request", {"status": ["error"]}, None, None),
        ("cost", {"search": ["status:error"]}, None, {"q": "status:error"}),
    ],
)
def test_a_link_has_a_status_where_it_is_that_of_the_trace(
    metric: str, narrow: dict[str, list[str]], group: str | None, words: dict[str, Any] | None
) -> None:
    assert traces_of([narrow], Metric(metric), group and "status", group) == words


def test_lines_are_read_once() -> None:
    assert line_of("cost<1") is line_of("cost<1")
