"""The same facts give the same figures on a panel and in a monitor, where all that started has ended, too."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import Metric, Sql, Window, Windows, metric_json
from assay_server.query.dashboards import Panels, parse_panel
from assay_server.store import DuckStore

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
START = 1_795_248_000 * SECOND


def span(trace: int, number: int, at_s: float, **fields: Any) -> Span:
    """The first of a trace is its root."""
    start = START + int(at_s * SECOND)
    fields = {"name": "step", "kind": "llm", **fields}
    parent = None if number == 0 else f"{trace * 100:016x}"
    return Span(
        "prj_a",
        f"{trace:032x}",
        f"{trace * 100 + number:016x}",
        parent,
        start_ns=start,
        end_ns=start + SECOND,
        **fields,
    )


def score(trace: int | None, at_s: float, value: float, **fields: Any) -> Score:
    at = START + int(at_s * SECOND)
    trace_id = None if trace is None else f"{trace:032x}"
    return Score("prj_a", f"scr_{trace}_{at_s}", "quality", at, "code", value, trace_id=trace_id, **fields)


USED = {"model": "m", "tokens": Tokens(100, output=10), "cost": 0.5}
FACTS = Facts(
    [
        span(1, 0, 10, kind="chain", user="ann", feature="search", tags=["beta"], session="s1"),
        span(1, 1, 11, **USED),
        span(1, 2, 12, kind="tool", status="error"),
        span(2, 0, 20, kind="chain", user="bob"),
        span(2, 1, 21, status="error", **USED),
        span(2, 2, 22, user="eve", **USED),
        # An evaluated application goes on with the trace of the run, and its own spans know nothing of it.
        span(3, 0, 30, kind="chain", run="run_1", user="ann"),
        span(3, 1, 31, status="error", **USED),
    ],
    [
        score(1, 40, 0.5),
        score(2, 41, 1.0),
        score(3, 42, 0.0),  # of an evaluated trace, by an application that does not know it
        score(None, 43, 0.25, session="s9"),
    ],
)


OVER_THE_EDGE = Facts(
    [
        span(4, 1, -2, **USED),  # its user is said where the range has begun
        span(4, 0, 5, kind="chain", user="zoe"),
        span(5, 0, -30, kind="chain", user="ann", feature="night"),
        span(5, 1, 1, status="error", **USED),
    ]
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    await opened.append(FACTS)
    yield opened
    await opened.close()


Figures = dict[str, tuple[float | None, int, int]]


async def on_a_panel(store: DuckStore, metric: Metric, narrow: dict[str, list[str]], group_by: str | None) -> Figures:
    sql = Sql(store)
    given = {"title": "T", "kind": "table", "metrics": [metric_json(metric)], "filter": narrow, "group_by": group_by}
    panel = parse_panel({name: value for name, value in given.items() if value is not None})
    found = await Panels(store, sql).read("prj_a", panel, START, START + HOUR, {})
    await sql.close()
    totals = {one["group"] or "": one["total"] for one in found["series"]}
    return {group: (total["value"], total["n"], total["unknown"]) for group, total in totals.items()}


async def in_a_monitor(store: DuckStore, metric: Metric, narrow: dict[str, list[str]], group_by: str | None) -> Figures:
    window = Window(START, START + HOUR)
    figures = await Windows(store).figures("prj_a", metric, [window], narrow=narrow, group_by=group_by)
    return {figure.group: (figure.value, figure.n, figure.unknown) for figure in figures}


METRICS = [
    *(Metric(name) for name in ("count", "requests", "errors", "error_rate", "latency", "users", "sessions")),
    *(Metric(name) for name in ("cost", "cost_per_request", "tokens", "tokens_per_request")),
    Metric("score", score="quality"),
]


GROUPED = (
    None,
    "user",
    "model",
    "endpoint",
    "error_type",
    "status",
    "tag",
    "tag:team",
    "attribute:shelf",
    "attribute:rare",
)
FILTERS: list[dict[str, list[str]]] = [
    {},
    {"user": ["ann"]},
    {"tag": ["beta"]},
    {"tag:team": ["red"]},
    {"kind": ["llm"], "endpoint": ["ask", "step"]},
    {"run": ["run_1"]},
    {"status": ["error"]},
    {"error_type": ["Timeout"]},
    {"attribute:shelf": ["a"]},
    {"attribute:rare": ["x"], "attribute:shelf": ["a", "c"]},
]


PAIRS = [(narrow, group_by) for narrow in FILTERS for group_by in GROUPED]


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.soak)])
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
async def test_a_metric_is_the_same_for_every_filter_and_group(store: DuckStore, metric: Metric, whole: bool) -> None:
    """Each for a seventh of the pairs, each of which one or two are asked for; `make soak` asks each for all."""
    some = 0
    for narrow, group_by in PAIRS if whole else PAIRS[METRICS.index(metric) % 7 :: 7]:
        shown = with_data(await on_a_panel(store, metric, narrow, group_by))
        looked = with_data(await in_a_monitor(store, metric, narrow, group_by))
        assert shown.keys() == looked.keys(), (narrow, group_by)
        for group, figure in shown.items():
            assert figure == pytest.approx(looked[group]), (narrow, group_by, group)
        some += len(shown)
    assert some > (5 if whole else 0)


async def test_what_is_judged_of_one_call_goes_to_its_model(store: DuckStore) -> None:
    calls = [
        Span("prj_a", f"{77:032x}", f"{7700 + at:016x}", None, "call", "llm", START + at, START + SECOND, model=model)
        for at, model in enumerate(("decides", "answers"))
    ]
    given = [
        Score("prj_a", f"sure_{at}", "sure", START + 2 * SECOND, "code", value, trace_id=f"{77:032x}", span_id=judged)
        for at, (value, judged) in enumerate(
            [(0.9, calls[1].span_id), (0.4, calls[0].span_id), (0.1, None), (0.2, "9" * 16)]
        )
    ]
    await store.append(Facts(calls, given))
    metric = Metric("score", score="sure")
    for ask in (on_a_panel, in_a_monitor):
        figures = await ask(store, metric, {}, "model")
        assert figures["answers"] == (0.9, 1, 0), "the others are of its trace, whose first call decides"
        assert figures["decides"] == (pytest.approx(0.7 / 3), 3, 0)
        assert (await ask(store, metric, {"model": ["decides"]}, "model"))["decides"][1] == 4


@pytest.mark.parametrize("ask", [on_a_panel, in_a_monitor])
async def test_a_number_is_in_one_group_however_it_is_written(store: DuckStore, ask: Any) -> None:
    """A client in JavaScript sends 1 for what one in Python sends as 1.0; a text `1.0` is a version."""
    sent = [1, 1.0, 0.5, "1.0", 1e20]
    calls = [
        Span(
            "prj_a", f"{70 + at:032x}", "1" * 16, None, "call", "llm", START + at, START + 2, attributes={"near": each}
        )
        for at, each in enumerate(sent)
    ]
    await store.append(Facts(calls))
    by, metric = "attribute:near", Metric("count")
    told = {group: figure[0] for group, figure in (await ask(store, metric, {}, by)).items() if group}
    assert told == {"1": 2, "0.5": 1, "1.0": 1, "1e+20": 1}
    for value, found in {"1": {"1": 2}, "1.0": {"1": 2, "1.0": 1}, "0.5": {"0.5": 1}}.items():
        shown = await ask(store, metric, {by: [value]}, by)
        assert {group: figure[0] for group, figure in shown.items() if figure[0]} == found


@pytest.mark.parametrize("ask", [on_a_panel, in_a_monitor])
async def test_what_has_several_tags_is_in_the_group_of_each(store: DuckStore, ask: Any) -> None:
    """Wherever in the trace they stand."""
    await store.append(
        Facts(
            [
                span(50, 0, 100, kind="chain", tags=["beta", "night"], user="kim"),
                span(50, 1, 101, tags=["night", "team:red"], status="error", model="m", cost=2.0, tokens=Tokens(5)),
            ],
            [score(50, 110, 0.75)],
        )
    )

    async def by_tag(metric: Metric, narrow: dict[str, list[str]]) -> dict[str, float | None]:
        return {tag: value for tag, (value, _, _) in with_data(await ask(store, metric, narrow, "tag")).items()}

    tags = {"night": 1, "team:red": 1}
    assert await by_tag(Metric("requests"), {"user": ["kim"]}) == tags | {"beta": 1}
    assert await by_tag(Metric("count"), {"user": ["kim"]}) == dict.fromkeys((*tags, "beta"), 2)
    assert await by_tag(Metric("cost"), {"user": ["kim"]}) == dict.fromkeys((*tags, "beta"), 2.0)
    assert await by_tag(Metric("cost_per_request"), {}) == {"": 1.0, "beta": 1.25, "night": 2.0, "team:red": 2.0}
    assert await by_tag(Metric("errors"), {}) == {"": 1, "beta": 2, "night": 1, "team:red": 1}
    assert await by_tag(Metric("users"), {}) == {"": 2, "beta": 2, "night": 1, "team:red": 1}
    kept = await by_tag(Metric("score", score="quality"), {"kind": ["llm"]})
    assert (kept["night"], kept["beta"]) == (0.75, pytest.approx((0.5 + 0.75) / 2))


def with_data(figures: Figures) -> Figures:
    return {group: (value, n, unknown) for group, (value, n, unknown) in figures.items() if n or unknown}


async def test_what_an_evaluated_application_does_is_no_live_traffic(store: DuckStore) -> None:
    assert await on_a_panel(store, Metric("errors"), {"kind": ["llm"]}, None) == {"": (1.0, 3, 0)}
    assert await on_a_panel(store, Metric("requests"), {}, None) == {"": (2.0, 2, 0)}
    assert await on_a_panel(store, Metric("score", score="quality"), {}, None) == {"": (1.75 / 3, 3, 0)}


async def test_a_span_belongs_to_whom_its_trace_names_before_the_range_too(store: DuckStore) -> None:
    await store.append(OVER_THE_EDGE)
    by_user = await on_a_panel(store, Metric("count"), {"kind": ["llm"]}, "user")
    assert {user: value for user, (value, _, _) in by_user.items()} == {"ann": 2, "bob": 1, "eve": 1}
    assert await on_a_panel(store, Metric("count"), {"feature": ["night"]}, None) == {"": (1.0, 1, 0)}


@pytest.mark.parametrize(
    ("narrow", "before", "after"), [({}, 2, 2), ({"user": ["ann"]}, 1, 1), ({"tag": ["beta"]}, 0, 1)]
)
async def test_a_request_is_in_one_of_two_ranges_that_meet(
    store: DuckStore, narrow: dict[str, list[str]], before: int, after: int
) -> None:
    """In that in which it began, as in the list of traces."""
    await store.append(OVER_THE_EDGE)
    sql = Sql(store)
    panel = parse_panel({"title": "T", "kind": "number", "metrics": ["requests"], "filter": narrow})
    for since, until, wanted in ((-HOUR, 0, before), (0, HOUR, after), (-HOUR, HOUR, before + after)):
        shown = await Panels(store, sql).read("prj_a", panel, START + since, START + until, {})
        assert sum(one["total"]["value"] for one in shown["series"]) == wanted
    await sql.close()


async def test_a_monitor_knows_a_trace_by_what_its_root_says(store: DuckStore) -> None:
    by_user = await in_a_monitor(store, Metric("requests"), {}, "user")
    assert {user: value for user, (value, _, _) in by_user.items()} == {"ann": 1, "bob": 1}
    failed = await in_a_monitor(store, Metric("errors"), {"user": ["ann"]}, None)
    assert failed == {"": (1.0, 3, 0)}
    judged = await in_a_monitor(store, Metric("score", score="quality"), {"kind": ["llm"]}, "user")
    assert {user: value for user, (value, _, _) in judged.items()} == {"ann": 0.5, "eve": 1.0}


@pytest.mark.parametrize("metric", ["tokens", "tokens_per_request", "tokens_per_second"])
async def test_counts_from_before_there_was_a_limit_spoil_no_figure(store: DuckStore, metric: str) -> None:
    """Some rows say 2^62 in every bucket: more than a number can be is unknown, and the others are told."""
    absurd = Tokens(2**62, 2**62, 2**62, 2**62, 2**62)
    await store.append(Facts([span(9, n, 30 + n, model="m", tokens=absurd, user="zed") for n in range(1, 4)]))
    for group_by in (None, "user"):
        shown = with_data(await on_a_panel(store, Metric(metric), {}, group_by))
        looked = with_data(await in_a_monitor(store, Metric(metric), {}, group_by))
        assert shown.keys() == looked.keys()
        for group, figure in shown.items():
            assert figure == pytest.approx(looked[group])
    if metric == "tokens":
        assert (await on_a_panel(store, Metric(metric), {}, None))[""] == (330.0, 3, 3)


async def test_a_histogram_of_such_counts_is_drawn(store: DuckStore) -> None:
    await store.append(Facts([span(9, 1, 30, model="m", tokens=Tokens(2**62, 2**62, None, 2**62), user="zed")]))
    sql = Sql(store)
    panel = parse_panel({"title": "T", "kind": "histogram", "metrics": [{"name": "tokens_per_request"}]})
    assert (await Panels(store, sql).read("prj_a", panel, START, START + HOUR, {}))["series"]
    await sql.close()
