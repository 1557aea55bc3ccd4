"""Breakdowns, days and unpriced models: every call once, whatever spans stand around it."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Span, Tokens
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.normalise.normaliser import Normaliser
from assay_server.query import CostFilter, Costs, Graphs, Sql, TraceFilter, Traces
from assay_server.query.dashboards import Panels, parse_panel
from assay_server.store import DuckStore, settled

DAY = 86_400_000_000_000
START = 1_795_219_200_000_000_000  # 2026-11-21T00:00:00Z
WINDOW = CostFilter(START, START + DAY)


def a_call(trace: int, span: int = 1, **fields: Any) -> Span:
    made = Span(
        "prj_a", f"{trace:032x}", f"{trace:08x}{span:08x}", None, "chat", "llm", START + trace, START + trace + 1000
    )
    plain = {"model": "m", "provider": "p", "tokens": Tokens(10, 1, None, 5, None), "cost": 1.0, "cost_source": "x"}
    return replace(made, **{**plain, **fields})


def a_root(trace: int, **fields: Any) -> Span:
    bare = {"kind": "chain", "tokens": None, "cost": None, "model": None, "name": "answer"}
    return a_call(trace, 9, **{**bare, **fields})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


async def groups(store: DuckStore, by: str | None, narrow: CostFilter = WINDOW, **more: Any) -> dict[Any, Any]:
    found = await Costs(store).breakdown("prj_a", narrow, by, **more)
    return {item["value"]: (item["calls"], item["cost"]["usd"], item["cost"]["unknown"]) for item in found["items"]}


async def test_roll_ups_and_other_projects_are_not_counted(store: DuckStore) -> None:
    root = a_root(1, tokens=Tokens(10, 1, None, 5), cost=1.0)
    await store.append(Facts([root, a_call(1, parent_id=root.span_id), replace(a_call(2), project="prj_b")]))
    found = await Costs(store).breakdown("prj_a", WINDOW)
    assert found["total"]["calls"] == 1
    assert found["total"]["cost"] == {"usd": 1.0, "unknown": 0}
    assert found["total"]["tokens"]["input_total"] == 11


@pytest.mark.parametrize("settle", [False, True])
async def test_costs_are_those_of_traces_that_a_line_finds(store: DuckStore, settle: bool) -> None:
    traces = range(1, 7)
    roots = [a_root(trace, input="a refund" if trace % 2 else "a parcel", user=f"u{trace % 3}") for trace in traces]
    calls = [
        a_call(trace, parent_id=root.span_id, cost=float(trace)) for trace, root in zip(traces, roots, strict=True)
    ]
    silent = a_call(7, tokens=None, cost=None, cost_source=None, input="a refund")
    await store.append(Facts([*roots, *calls, silent]))
    if settle:
        await store.settle()
    costs = Costs(store)
    for line, usd in (("refund", 1 + 3 + 5), ("cost>=4", 4 + 5 + 6), ("refund -user:u0", 1 + 5), ("nobodysaid", None)):
        narrow = await costs.searched("prj_a", replace(WINDOW, search=line))
        assert (await costs.breakdown("prj_a", narrow))["total"]["cost"]["usd"] == usd, line
        assert sum(day.usd or 0 for day in await costs.days("prj_a", narrow)) == (usd or 0)
    of_refunds = await costs.searched("prj_a", replace(WINDOW, search="refund", user="u1"))
    found = await costs.breakdown("prj_a", of_refunds, "user")
    assert [(item["value"], item["cost"]["usd"]) for item in found["items"]] == [("u1", 1.0)]
    assert (await costs.breakdown("prj_a", await costs.searched("prj_a", replace(WINDOW, search="refund"))))[
        "unmetered"
    ] == 1
    with pytest.raises(InvalidInput) as refused:
        await costs.searched("prj_a", replace(WINDOW, search="cost>dear"))
    assert refused.value.field == "search"
    with pytest.raises(KeyError):  # nobody may forget to look for it
        await costs.breakdown("prj_a", replace(WINDOW, search="refund"))


@pytest.mark.parametrize("settle", [False, True])
async def test_of_an_agent_around_an_agent_the_inner_one_counts(store: DuckStore, settle: bool) -> None:
    """Where nobody sent the calls themselves: the outer one repeats the sum of those inside."""
    rolls: Any = {"model": None, "cost": None}
    spans = [
        a_call(1, 1, kind="chain", tokens=Tokens(30, output=3), **rolls),
        a_call(1, 2, kind="agent", tokens=Tokens(10, output=1), parent_id=f"{1:08x}{1:08x}", **rolls),
        a_call(1, 3, kind="agent", tokens=Tokens(20, output=2), parent_id=f"{1:08x}{1:08x}", **rolls),
        a_call(2, 1, kind="agent", tokens=Tokens(5), parent_id="f" * 16, **rolls),  # of a caller that is not here
        a_call(3, 1),  # a model call that asks an agent, and does not repeat it
        a_call(3, 2, kind="agent", parent_id=f"{3:08x}{1:08x}"),
    ]
    await store.append(Facts(spans))
    if settle:
        await store.settle()
    found = (await Costs(store).breakdown("prj_a", WINDOW))["total"]
    assert (found["calls"], found["tokens"]["input_total"], found["tokens"]["output"]) == (4, 46, 8)
    rows = {row["trace_id"]: row["tokens"] for row in (await Traces(store).find("prj_a", TraceFilter())).items}
    assert [rows[f"{trace:032x}"]["input"] for trace in (1, 2, 3)] == [30, 5, 11]
    graph = await Graphs(store).trace("prj_a", f"{1:032x}")
    assert sorted(node["tokens"]["input_total"] or 0 for node in graph["nodes"]) == [0, 30]


@pytest.mark.parametrize("settle", [False, True])
async def test_a_call_that_only_says_what_was_cached_or_reasoned_is_one_that_nobody_could_price(
    store: DuckStore, settle: bool
) -> None:
    """It was said to be one that says no tokens, and was on no list of models without a price."""
    odd: Any = {"cost": None, "model": "odd"}
    spans = [a_call(1, tokens=Tokens(cache_read=7), **odd), a_call(2, tokens=Tokens(reasoning=5), **odd)]
    await store.append(Facts([*spans, a_call(3, tokens=Tokens(), **odd)]))
    if settle:
        await store.settle()
    found = await Costs(store).breakdown("prj_a", WINDOW)
    assert (found["total"]["cost"], found["unmetered"]) == ({"usd": None, "unknown": 2}, 1)
    assert (found["total"]["tokens"]["input_total"], found["total"]["tokens"]["output_total"]) == (7, 5)
    assert [(row["model"], row["calls"]) for row in await Costs(store).unpriced("prj_a")] == [("odd", 2)]


async def test_the_route_of_a_providers_api_is_no_endpoint(store: DuckStore) -> None:
    """Anthropic's SDK says it of its own request."""
    root = a_root(1, attributes={"http.route": "/ask"})
    route = {"http.route": "/v1/messages", "span.kind": "client"}
    calls = [a_call(1, 2, parent_id=root.span_id, attributes=route), a_call(2, attributes=route, name="alone")]
    await store.append(Facts([root, *calls, a_call(3, attributes={"http.route": "/mine"})]))
    for _ in range(2):
        assert set(await groups(store, "endpoint")) == {"/ask", "alone", "/mine"}
        await store.settle()
    panel = parse_panel({"title": "T", "kind": "table", "metrics": [{"name": "latency"}], "group_by": "endpoint"})
    sql = Sql(store)
    shown = await Panels(store, sql).read("prj_a", panel, START, START + DAY, {})
    await sql.close()
    assert {one["group"] for one in shown["series"]} == {"/ask", "alone", "/mine"}


async def test_unknown_is_counted_and_never_zero(store: DuckStore) -> None:
    await store.append(Facts([a_call(1, cost=None), a_call(2, model="n"), a_call(3, model="n", cost=None)]))
    assert await groups(store, "model") == {"n": (2, 1.0, 1), "m": (1, None, 1)}
    found = await Costs(store).unpriced("prj_a")
    assert [(row["model"], row["calls"], row["tokens"]["output"]) for row in found] == [("m", 1, 5), ("n", 1, 5)]


@pytest.mark.parametrize(
    ("by", "root", "value"),
    [
        ("user", {"user": "u1"}, "u1"),
        ("session", {"session": "s1"}, "s1"),
        ("release", {"release": "rel_1"}, "rel_1"),
        ("environment", {"environment": "live"}, "live"),
        ("tag", {"tags": ["a"]}, "a"),
        ("tag:team", {"tags": ["x", "team:red"]}, "red"),
        ("feature", {"feature": "search"}, "search"),
        ("tenant", {"tenant": "acme"}, "acme"),
        ("cost_center", {"cost_center": "4711"}, "4711"),
        ("attribute:deep.key", {"attributes": {"deep.key": 7}}, "7"),
        ("endpoint", {}, "answer"),
        ("endpoint", {"attributes": {"http.route": "/ask"}}, "/ask"),
    ],
)
async def test_what_the_root_says_goes_for_the_calls_of_its_trace(
    store: DuckStore, by: str, root: dict[str, Any], value: str
) -> None:
    parent = a_root(1).span_id
    children = [a_call(1, parent_id=parent), a_call(1, 2, parent_id=parent, cost=2.0)]
    await store.append(Facts([a_root(1, **root), *children]))
    assert await groups(store, by) == {value: (2, 3.0, 0)}


async def test_a_calls_own_word_goes_before_its_traces(store: DuckStore) -> None:
    await store.append(Facts([a_root(1, user="root"), a_call(1), a_call(1, 2, user="own", cost=2.0), a_call(2)]))
    assert await groups(store, "user") == {"own": (1, 2.0, 0), "root": (1, 1.0, 0), None: (1, 1.0, 0)}
    assert await groups(store, None, replace(WINDOW, user="root")) == {None: (1, 1.0, 0)}


@pytest.mark.parametrize("long", [4, 10_000])
async def test_of_two_tags_of_a_key_the_first_goes_by_every_way(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch, long: int
) -> None:
    """The door's rule for who is charged, in Python, is the one by which SQL groups: over calls, panels and spans."""
    monkeypatch.setattr(settled, "_LONG", long)
    rng, normaliser, told = random.Random(4), Normaliser(aliases()), Counter[str | None]()
    words = ["feature:c", "feature:a", "feature=b", "feature:", "feature=", "features:x", "y"]
    for trace in range(1, 40):
        spans = [a_root(trace, start_ns=START + trace * 100)]
        spans += [a_call(trace, n, start_ns=START + trace * 100 + n, end_ns=START + trace * 100 + 9) for n in (1, 2, 3)]
        for span in spans:
            span.tags = rng.sample(words, rng.choice((0, 0, 1, 2, 5)))
            normaliser.charge(span)
        told.update(call.feature or next((one.feature for one in spans if one.feature), None) for call in spans[1:])
        await store.append(Facts(rng.sample(spans, 4)))
    assert len(told) == 4
    for _ in range(2):
        for by in ("feature", "tag:feature"):
            assert {name: n for name, (n, _, _) in (await groups(store, by)).items()} == told
        await store.settle()


async def test_groups_by_tag_overlap_and_the_total_does_not(store: DuckStore) -> None:
    await store.append(Facts([a_call(1, tags=["a", "b", "a"]), a_call(2)]))
    found = await Costs(store).breakdown("prj_a", WINDOW, "tag")
    assert sorted((str(item["value"]), item["calls"]) for item in found["items"]) == [("None", 1), ("a", 1), ("b", 1)]
    assert (found["total"]["calls"], found["overlapping"]) == (2, True)


async def test_a_tag_of_several_lists_is_one_group(store: DuckStore) -> None:
    tagged = [(["a", "b"], 1.0), (["b"], 2.0), (["b", "b"], None), (["c", "a"], 8.0), ([], 16.0)]
    await store.append(Facts([a_call(n, tags=tags, cost=cost) for n, (tags, cost) in enumerate(tagged, 1)]))
    assert await groups(store, "tag") == {"a": (2, 9.0, 0), "b": (3, 3.0, 1), "c": (1, 8.0, 0), None: (1, 16.0, 0)}
    found = await Costs(store).breakdown("prj_a", WINDOW, "tag", bin_name="hour", limit=1)
    assert [(item["value"], [each["cost"]["usd"] for each in item["bins"]]) for item in found["items"]] == [
        (None, [16.0])
    ]


async def test_the_dearest_are_shown_and_the_others_summed(store: DuckStore) -> None:
    await store.append(Facts([a_call(n, model=f"m{n}", cost=float(n)) for n in range(1, 5)]))
    found = await Costs(store).breakdown("prj_a", WINDOW, "model", limit=2)
    assert [(item["value"], item["share"]) for item in found["items"]] == [("m4", 0.4), ("m3", 0.3)]
    assert (found["others"]["groups"], found["others"]["calls"], found["others"]["cost"]["usd"]) == (2, 2, 3.0)
    assert "bins" not in found["others"]


async def test_bins_of_all_groups_add_up_to_what_a_day_cost(store: DuckStore) -> None:
    """Also of the groups that are not shown: a chart without theirs shows less than was spent."""
    spans = [a_call(10 * day + n, model=f"m{n}" if n else None, cost=float(n + 1), start_ns=START + day * DAY)
             for day in range(2) for n in range(4)]  # fmt: skip
    await store.append(Facts(spans))
    two_days = replace(WINDOW, until_ns=START + 2 * DAY)
    for by, limit in (("model", 2), ("model", 4), (None, 50)):
        found = await Costs(store).breakdown("prj_a", two_days, by, bin_name="day", limit=limit)
        days = [0.0, 0.0]
        for group in (*found["items"], found["others"]):
            for one in group["bins"]:
                days[one["start"][:10] == "2026-11-22"] += one["cost"]["usd"]
        assert days == [10.0, 10.0]
    assert found["others"]["bins"] == []


@pytest.mark.parametrize(
    "narrow",
    [{"model": "n"}, {"provider": "q"}, {"service": "s"}, {"name": "other"}, {"prompt": "pr"}, {"channel": "c"},
     {"release": "r"}, {"session": "s"}, {"environment": "e"}, {"user": "u"}],
)  # fmt: skip
async def test_filters_narrow(store: DuckStore, narrow: dict[str, str]) -> None:
    await store.append(Facts([a_call(1), a_call(2, cost=3.0, **narrow)]))
    assert await groups(store, None, replace(WINDOW, **narrow)) == {None: (1, 3.0, 0)}


async def test_the_tag_of_a_root_filters_its_calls(store: DuckStore) -> None:
    await store.append(Facts([a_root(1, tags=["t"]), a_call(1), a_call(2)]))
    assert await groups(store, None, replace(WINDOW, tag="t")) == {None: (1, 1.0, 0)}


async def test_the_windows_edge_does_not_decide_what_is_a_roll_up(store: DuckStore) -> None:
    """The agent starts before midnight, its call after it: the call is counted, once, on the second day."""
    agent = replace(a_root(1, kind="agent", cost=1.0), start_ns=START + DAY - 10)
    call = replace(a_call(1), start_ns=START + DAY + 10)
    await store.append(Facts([agent, call]))
    assert (await Costs(store).breakdown("prj_a", WINDOW))["total"]["calls"] == 0
    assert (await Costs(store).breakdown("prj_a", CostFilter(START + DAY, START + 2 * DAY)))["total"]["calls"] == 1


async def test_bins_hold_the_course(store: DuckStore) -> None:
    hour = 3_600_000_000_000
    await store.append(Facts([a_call(1), replace(a_call(2), start_ns=START + 2 * hour), a_call(3, model=None)]))
    found = await Costs(store).breakdown("prj_a", WINDOW, "model", bin_name="hour", limit=1)
    assert [(one["start"][:13], one["calls"]) for one in found["items"][0]["bins"]] == [
        ("2026-11-21T00", 1), ("2026-11-21T02", 1),
    ]  # fmt: skip


async def test_days_without_calls_cost_nothing_and_days_without_prices_are_unknown(store: DuckStore) -> None:
    await store.append(Facts([a_call(1), replace(a_call(2, cost=None), start_ns=START + 2 * DAY)]))
    days = await Costs(store).days("prj_a", CostFilter(START - 5 * DAY, START + 4 * DAY))
    assert [(day.calls, day.usd, day.unknown) for day in days] == [(1, 1.0, 0), (0, 0.0, 0), (1, None, 1), (0, 0.0, 0)]


@pytest.mark.parametrize("by", ["colour", "tag:", "attribute:", "project"])
async def test_an_unknown_dimension_is_refused(store: DuckStore, by: str) -> None:
    with pytest.raises(InvalidInput):
        await groups(store, by)


async def test_impossible_windows_and_bins_are_refused(store: DuckStore) -> None:
    for narrow, bin_name in [(CostFilter(5, 5), None), (CostFilter(0, 400 * DAY), "hour"), (WINDOW, "year")]:
        with pytest.raises(InvalidInput):
            await groups(store, None, narrow, bin_name=bin_name)


async def test_calls_that_say_nothing_of_what_they_used_are_told_beside_the_sums(store: DuckStore) -> None:
    """A stream without usage has no tokens and no price, and the bill is not all there is."""
    silent = {"tokens": None, "cost": None}
    around = a_call(5, **silent)
    spans = [
        a_call(1, user="ann"),
        a_call(2, user="ann", **silent),
        a_call(3, **silent),
        a_call(4, status="error", **silent),  # what failed is mostly not billed
        around,
        a_call(5, 2, parent_id=around.span_id),  # the gateway's span of the same call
        a_call(6, kind="tool", **silent),
        replace(a_call(7, **silent), project="prj_b"),
        replace(a_call(8, **silent), start_ns=START + DAY),
    ]
    await store.append(Facts(spans))
    found = await Costs(store).breakdown("prj_a", WINDOW)
    assert (found["total"]["calls"], found["unmetered"]) == (2, 2)
    of_ann = await Costs(store).breakdown("prj_a", replace(WINDOW, user="ann"), "model")
    assert (of_ann["total"]["calls"], of_ann["unmetered"]) == (1, 1)
