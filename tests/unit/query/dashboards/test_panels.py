"""Panels against numbers worked out by hand: bins, groups, intervals, what is unknown, and where a link leads."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import Sql
from assay_server.query.dashboards import Panels, parse_panel
from assay_server.stats import mean
from tests.fixtures.filled_store import filled, in_its_loop

pytestmark = in_its_loop

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
START = 1_795_248_000 * SECOND  # a full hour, UTC


def span(trace: int, number: int, at_s: float, took_ms: float = 1000, **fields: Any) -> Span:
    start = START + int(at_s * SECOND)
    parent = fields.pop("parent", None)
    return Span(
        project=fields.pop("project", "prj_a"),
        trace_id=f"{trace:032x}",
        span_id=f"{trace * 100 + number:016x}",
        parent_id=None if parent is None else f"{trace * 100 + parent:016x}",
        name=fields.pop("name", "call"),
        kind=fields.pop("kind", "llm"),
        start_ns=start,
        end_ns=start + int(took_ms * 1e6),
        **fields,
    )


def score(trace: int, at_s: float, name: str, value: float | None, **fields: Any) -> Score:
    source = fields.pop("source", "code")
    at = START + int(at_s * SECOND)
    return Score("prj_a", f"scr_{trace}_{name}_{at_s}", name, at, source, value, trace_id=f"{trace:032x}", **fields)


FACTS = Facts(
    [
        span(1, 0, 9, 1100, kind="agent", name="answer", user="ann", cost=0.5, tokens=Tokens(100, output=100)),
        span(1, 1, 10, 1000, parent=0, model="a", cost=0.5, tokens=Tokens(90, output=10), ttft_ms=200),
        span(2, 1, 20, 3000, model="a", status="error", user="bob", tokens=Tokens(50, output=50),
             attributes={"error.type": "Timeout"}),
        span(3, 1, 1900, 2000, model="b", user="ann", cost=0.25, tokens=Tokens(20, cache_read=10, output=20)),
        span(4, 1, 3599, 5000, model="b", status="error", status_message="quota 17 of 9 used"),
        span(5, 1, 3600, 1000, model="a", cost=8.0),  # begins where the range ends
        span(6, 1, -1, 1000, model="a", cost=16.0),  # begins before the range
        span(7, 1, 30, 9000, model="a", run="run_1", status="error", cost=9.0),  # an evaluation
        span(8, 1, 30, 9000, model="a", project="prj_b", cost=9.0),
    ],
    [
        score(1, 12, "quality", 0.5),
        score(2, 22, "quality", 1.0),
        score(3, 1950, "quality", None, error="the judge broke down"),
        score(3, 1960, "quality", 0.25, source="human"),
        score(1, 12, "schema_valid", 0.0),
        score(1, 13, "comment", None, reason="much too slow"),
        score(2, 23, "comment", None, label="rude"),
    ],
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def panels(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Panels]:
    store = await filled(tmp_path_factory.mktemp("panels"), FACTS)
    sql = Sql(store)
    yield Panels(store, sql)
    await sql.close()
    await store.close()


async def shown(panels: Panels, *, narrow: Any = None, compare: bool = False, **panel: Any) -> dict[str, Any]:
    given = {"title": "T", **panel}
    narrow = {name: (value,) if isinstance(value, str) else value for name, value in (narrow or {}).items()}
    return await panels.read("prj_a", parse_panel(given), START, START + HOUR, narrow, compare=compare)


async def number(panels: Panels, metric: Any, **more: Any) -> dict[str, Any]:
    [series] = (await shown(panels, kind="number", metrics=[metric], **more))["series"]
    total: dict[str, Any] = series["total"]
    return total


async def test_what_is_never_negative_has_no_interval_below_zero(panels: Panels) -> None:
    lower, upper = (await number(panels, "cost_per_request"))["ci"]
    assert lower == 0
    assert upper > 0.375


@pytest.mark.parametrize(
    ("metric", "narrow", "value", "n", "unknown"),
    [
        ("count", {}, 5, 5, 0),
        ("count", {"kind": "llm"}, 4, 4, 0),
        ("count", {"status": "error"}, 2, 2, 0),
        ("count", {"user": "ann"}, 3, 3, 0),  # the call below ann's root is hers
        ("count", {"run": "run_1"}, 1, 1, 0),
        ("requests", {}, 4, 4, 0),
        ("errors", {}, 2, 5, 0),
        ("error_rate", {"kind": "llm"}, 0.5, 4, 0),
        ({"name": "latency", "quantile": 0.5}, {"kind": "llm"}, 2500, 4, 0),
        ({"name": "ttft", "quantile": 0.5}, {"kind": "llm"}, 200, 1, 3),
        ({"name": "tokens_per_second", "quantile": 0.5}, {}, 10, 3, 0),
        ("users", {}, 2, 3, 0),
        ("users", {"model": "a"}, 2, 2, 0),  # ann is named by the root of the call alone
        ("users", {"kind": "llm"}, 2, 3, 0),
        ("users", {"-name": "call"}, 1, 1, 0),
        ("cost", {}, 0.75, 2, 1),  # the agent repeats its call, one call has no price
        ("cost_per_request", {}, 0.375, 2, 1),
        ("tokens", {}, 100 + 100 + 50, 3, 0),
        ({"name": "tokens", "bucket": "cache_read"}, {}, 10, 1, 2),
        ({"name": "score", "score": "quality"}, {}, 1.75 / 3, 3, 1),
        ({"name": "score", "score": "quality", "source": "human"}, {}, 0.25, 1, 0),
        ({"name": "score", "score": "quality"}, {"model": "a"}, 0.75, 2, 0),
        ({"name": "judgements", "score": "quality"}, {}, 3, 3, 1),
        ({"name": "judgements", "score": "quality", "source": "code"}, {"model": "a"}, 2, 2, 0),
        ({"name": "judgements", "score": "comment"}, {}, 2, 2, 0),  # words alone were counted as unknown
        ({"name": "score", "score": "quality"}, {"-model": "a"}, 0.25, 1, 1),
        ({"name": "score", "score": "quality"}, {"-user": "bob", "kind": "agent"}, 0.5, 1, 0),
        ("count", {"-model": "a"}, 3, 3, 0),  # one names none
        ("count", {"-user": "ann"}, 2, 2, 0),
        ("count", {"-run": "run_1"}, 5, 5, 0),
        ("requests", {"-model": "a"}, 2, 2, 0),  # the agent's trace calls it
        ("requests", {"-model": "a", "status": "error"}, 1, 1, 0),
        ("error_rate", {"-status": "ok"}, 0.4, 5, 0),
        ("cost", {"-model": "a"}, 0.25, 1, 0),
        ("cost_per_request", {"-kind": "agent"}, 0.25, 1, 1),
        ("schema_violations", {}, 1.0, 1, 0),
    ],
)
async def test_each_metric(
    panels: Panels, metric: Any, narrow: dict[str, str], value: float, n: int, unknown: int
) -> None:
    found = await number(panels, metric, filter=narrow)
    assert (found["n"], found["unknown"]) == (n, unknown)
    assert found["value"] == pytest.approx(value)


async def test_what_the_reader_sets_narrows_further(panels: Panels) -> None:
    assert (await number(panels, "count", filter={"kind": "llm"}, narrow={"model": "b"}))["value"] == 2
    empty = await shown(panels, kind="number", metrics=["count"], filter={"model": "a"}, narrow={"model": "b"})
    assert [one["total"]["n"] for one in empty["series"]] == [0]


async def test_rates_and_means_have_the_interval_of_the_statistics_room(panels: Panels) -> None:
    found = await number(panels, "error_rate", filter={"kind": "llm"})
    assert found["ci"] == pytest.approx(mean([0.0, 1.0, 0.0, 1.0], limits=(0.0, 1.0)).ci)
    found = await number(panels, {"name": "score", "score": "quality"})
    assert found["ci"] == pytest.approx(mean([0.5, 1.0, 0.25], limits=(0.0, 1.0)).ci)
    assert (await number(panels, "cost"))["ci"] is None


async def test_bins_are_whole_and_an_empty_one_is_zero_or_unknown(panels: Panels) -> None:
    found = await shown(panels, kind="line", metrics=["count", "users"], filter={"kind": "llm"})
    assert (found["bin_s"], len(found["starts"])) == (30, 120)
    assert found["starts"][0].startswith("2026-11-21T08:00:00")
    calls = found["series"][0]
    assert [(at, value) for at, value in enumerate(calls["values"]) if value] == [(0, 2), (63, 1), (119, 1)]
    assert sum(calls["n"]) == calls["total"]["n"] == 4
    slow = await shown(panels, kind="line", metrics=[{"name": "latency", "quantile": 0.5}])
    assert slow["series"][0]["values"][1] is None


async def test_quantiles_of_one_panel_are_those_of_panels_of_their_own(panels: Panels) -> None:
    """Those of one and the same are read together, among others that are not."""
    asked: list[Any] = [
        {"name": "latency", "quantile": 0.99},
        {"name": "ttft", "quantile": 0.5},
        {"name": "latency", "quantile": 0.5},
        "count",
        {"name": "latency", "quantile": 0.99},
        {"name": "ttft", "quantile": 0.5},
    ]
    together = await shown(panels, kind="table", metrics=asked, group_by="model")
    for at, metric in enumerate(asked):
        alone = await shown(panels, kind="table", metrics=[metric], group_by="model")
        expected = {each["group"]: each["total"] for each in alone["series"]}
        assert len(expected) == 3
        assert {each["group"]: each["total"] for each in together["series"] if each["metric"] == at} == expected


async def test_groups_are_ordered_by_size_and_the_rest_is_one(panels: Panels) -> None:
    found = await shown(panels, kind="table", metrics=["count", "cost"], group_by="model", top=1)
    counts = [one for one in found["series"] if one["metric"] == 0]
    assert [(one["group"], one["others"], one["total"]["value"]) for one in counts] == [("a", 0, 2), (None, 2, 3)]
    assert found["groups"] == 3
    every = await shown(panels, kind="table", metrics=["count"], group_by="model")
    assert [(one["group"], one["total"]["value"]) for one in every["series"]] == [("a", 2), ("b", 2), (None, 1)]


async def test_errors_by_type_say_the_type_or_the_kind_of_message(panels: Panels) -> None:
    found = await shown(panels, kind="table", metrics=["errors"], group_by="error_type")
    assert {one["group"]: one["total"]["value"] for one in found["series"]} == {"Timeout": 1, "quota # of # used": 1}


async def test_users_that_only_the_root_names_are_groups(panels: Panels) -> None:
    found = await shown(panels, kind="table", metrics=["cost"], group_by="user")
    assert {one["group"]: one["total"]["value"] for one in found["series"]} == {"ann": 0.75, "bob": None}


async def test_the_period_before_lines_up_with_now(panels: Panels) -> None:
    found = await shown(panels, kind="line", metrics=["cost"], compare=True)
    [series] = found["series"]
    assert series["before"] == {"value": 16.0, "n": 1, "unknown": 0, "ci": None}
    assert series["before_values"][-1] == 16.0
    assert sum(value for value in series["before_values"] if value) == 16.0


@pytest.mark.parametrize(
    ("panel", "words"),
    [
        ({"metrics": ["count"], "filter": {"kind": "llm"}}, {"kind": "llm"}),
        ({"metrics": ["errors"], "filter": {"kind": "llm"}}, {"kind": "llm", "status": "error"}),
        ({"metrics": ["count"], "filter": {"model": ["a", "b"]}}, {"model": ["a", "b"]}),
        ({"metrics": ["errors"], "filter": {"status": ["error", "ok"]}}, {"status": "error"}),
        (
            {"metrics": ["count"], "filter": {"kind": ["llm", "embedding"], "-model": "x"}},
            {"differs": ["model:x"], "kind": ["llm", "embedding"]},
        ),
        ({"metrics": ["count"], "filter": {"kind": ["llm", "tool"], "-model": "x"}}, None),  # tools have no model
        ({"metrics": ["count"], "filter": {"attribute:k": ["a", "b"]}}, None),
        ({"metrics": ["count"], "group_by": "prompt"}, None),
        (
            {"metrics": ["count"], "group_by": "attribute:error.type", "filter": {"status": "error"}, "top": 1},
            {"status": "error", "attribute": ["error.type:eq:Timeout"]},
        ),
        ({"metrics": ["schema_violations"]}, {"score": ["schema_valid:lt:1"]}),
        (
            {"metrics": [{"name": "score_rate", "score": "schema_valid", "below": 0.5}]},
            {"score": ["schema_valid:lt:0.5"]},
        ),
        ({"metrics": [{"name": "score_rate", "score": "schema_valid", "above": 2}]}, {"score": ["schema_valid:gt:2"]}),
        ({"metrics": ["requests"], "filter": {"-model": ["a", "b c"]}}, {"exclude": ["model:a", 'model:"b c"']}),
        ({"metrics": ["requests"], "filter": {"-status": "error"}}, {"exclude": ["status:error"]}),
        ({"metrics": ["requests"], "filter": {"-status": "ok"}}, None),  # a trace is ok where nothing failed
        ({"metrics": ["cost"], "filter": {"-model": "x"}}, {"differs": ["model:x"]}),
        ({"metrics": ["count"], "filter": {"-model": "x"}}, None),  # spans without a model count, too
        ({"metrics": ["count"], "filter": {"-model": "x", "kind": "llm"}}, {"differs": ["model:x"], "kind": "llm"}),
        ({"metrics": ["count"], "filter": {"-endpoint": "/health"}}, {"exclude": ["endpoint:/health"]}),
        ({"metrics": ["count"], "filter": {"-attribute:k": "v"}}, {"exclude": ["attr.k:v"]}),
        ({"metrics": ["count"], "filter": {"-error_type": "Timeout"}}, None),
        ({"metrics": ["count"], "filter": {"-tag:team": "red"}}, None),
        ({"metrics": ["cost"], "filter": {"endpoint": "/chat"}}, {"endpoint": "/chat"}),
    ],
)
async def test_a_link_never_shows_more_than_the_point(
    panels: Panels, panel: dict[str, Any], words: dict[str, Any] | None
) -> None:
    found = await shown(panels, kind="number", **panel)
    assert found["series"][0]["traces"] == words


async def test_a_groups_link_names_the_group(panels: Panels) -> None:
    found = await shown(panels, kind="table", metrics=["count"], group_by="model", filter={"kind": "llm"}, top=1)
    assert [one["traces"] for one in found["series"]] == [{"kind": "llm", "model": "a"}, None]


async def test_a_histogram_counts_every_value_once(panels: Panels) -> None:
    found = await shown(panels, kind="histogram", metrics=[{"name": "latency"}], filter={"kind": "llm"})
    [series] = found["series"]
    assert found["edges"] == [1000, 2000, 5000]
    assert (series["counts"], series["n"], series["p50"]) == ([1, 3], 4, 2500)
    scores = await shown(panels, kind="histogram", metrics=[{"name": "score", "score": "quality"}])
    [series] = scores["series"]
    assert len(scores["edges"]) == 21
    assert [(at, n) for at, n in enumerate(series["counts"]) if n] == [(5, 1), (10, 1), (19, 1)]
    assert (series["n"], series["unknown"]) == (3, 1)


async def test_sql_names_the_range_and_sees_its_own_project(panels: Panels) -> None:
    written = (
        "SELECT time_bucket({bin}, start) AS t, count(*) AS n FROM spans"
        " WHERE start >= {since} AND start < {until} GROUP BY ALL ORDER BY t"
    )
    found = await shown(panels, kind="line", sql=written)
    assert [row[1] for row in found["rows"]] == [3, 1, 1, 1]
    assert found["columns"][0]["name"] == "t"


async def test_sql_names_the_variables_that_a_reader_sets(panels: Panels) -> None:
    written = (
        "SELECT count(*) AS n, '{user}' AS text, $$it's {user}$$ AS more -- {user}\n FROM spans"
        " WHERE ({user} IS NULL OR user = {user}) AND start >= {since} AND start < {until} AND run IS NULL"
    )
    found = await shown(panels, kind="number", sql=written)
    assert found["rows"] == [[5, "{user}", "it's {user}"]]
    assert found["unused"] == []
    for user, n in {"ann": 2, "bob": 1, "o'neil": 0, "{user} \\' OR true --": 0, "a\nb": 0}.items():
        found = await shown(panels, kind="number", sql=written, narrow={"user": user})
        assert found["rows"][0][0] == n, user


async def test_a_panel_says_what_it_does_not_follow(panels: Panels) -> None:
    sql = "SELECT count(*) FROM spans WHERE user = {user}"
    found = await shown(panels, kind="number", sql=sql, narrow={"user": "ada", "model": "m", "-tag": "x"})
    assert found["unused"] == ["model", "-tag"]
    spread = await shown(panels, kind="histogram", metrics=["latency"], narrow={"user": "ada"}, compare=True)
    assert spread["unused"] == ["compare"]
    series = await shown(panels, kind="line", metrics=["count"], narrow={"user": "ada"}, compare=True)
    assert series["unused"] == []


async def test_a_panel_of_sql_takes_one_value_for_a_variable(panels: Panels) -> None:
    with pytest.raises(InvalidInput) as refused:
        await shown(panels, kind="number", sql="SELECT {user}", narrow={"user": ["ada", "ben"]})
    assert (refused.value.field, refused.value.value) == ("filter.user", ["ada", "ben"])


async def test_a_range_that_ends_before_it_begins_is_refused(panels: Panels) -> None:
    panel = parse_panel({"title": "T", "metrics": ["count"]})
    with pytest.raises(InvalidInput):
        await panels.read("prj_a", panel, START, START, {})


@pytest.mark.parametrize("kind", ["number", "line", "table"])
async def test_nothing_in_a_range_is_told_with_its_n(panels: Panels, kind: str) -> None:
    metrics = ["count", "requests", "cost", "error_rate", "latency", {"name": "score", "score": "quality"}]
    for metric, value in zip(metrics, [0.0, 0.0, 0.0, None, None, None], strict=True):
        found = await shown(panels, kind=kind, metrics=[metric], narrow={"user": "nobody"}, compare=True)
        [series] = found["series"]
        nothing = {"value": value, "n": 0, "unknown": 0, "ci": None}
        assert (series["total"], series["before"], series["group"], series["others"]) == (nothing, nothing, None, 0)
        assert set(series["n"]) <= {0}
        assert set(series["values"]) <= {value}
        assert len(series["values"]) == len(found["starts"])
    grouped = await shown(panels, kind=kind, metrics=["count"], narrow={"user": "nobody"}, group_by="model")
    assert (grouped["series"], grouped["groups"]) == ([], 0)


async def test_nothing_before_is_not_nobody_asked(panels: Panels) -> None:
    """Bob's first call is of this hour: none before, which cost nothing and had no latency that anybody knows."""
    found = await shown(panels, kind="table", metrics=["count", "latency"], narrow={"user": "bob"}, compare=True)
    count, latency = [one["before"] for one in found["series"]]
    assert count == {"value": 0.0, "n": 0, "unknown": 0, "ci": None}
    assert latency == {"value": None, "n": 0, "unknown": 0, "ci": None}
    assert all(one["before"] is None for one in (await shown(panels, kind="table", metrics=["count"]))["series"])
