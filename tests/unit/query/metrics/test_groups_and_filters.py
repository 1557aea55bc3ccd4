"""What spans are grouped and narrowed by, on panels and in monitors, beside the same worked out in plain Python."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from assay_server.core.records import Facts, Span, Tokens
from assay_server.query import Metric, Sql, Window, Windows
from assay_server.query.dashboards import Panels, parse_panel
from assay_server.query.metrics.asked import Asked, Range, knowing
from assay_server.store import DuckStore
from tests.fixtures.filled_store import filled, in_its_loop

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
START = 1_795_248_000 * SECOND
FEW, MANY = "attribute:order.rare", "attribute:shelf"

Says = Callable[[Span], str | None]


def a_trace(trace: int, rng: random.Random) -> list[Span]:
    """Of one team and one route, as far as its spans say any; attributes differ within it."""
    team, route = rng.choice(("team:red", "team=blue")), rng.choice(("/one", "/two"))
    return [a_span(trace, number, team, route, rng) for number in range(4)]


def a_span(trace: int, number: int, team: str, route: str, rng: random.Random) -> Span:
    """The first of a trace is its root; the others are calls, and start in the order of their numbers."""
    attributes = {"shelf": rng.choice("abc")} if rng.random() < 0.6 else {}
    attributes |= {"order.rare": rng.choice("xy")} if rng.random() < 0.1 else {}
    attributes |= {"http.route": route} if number == 0 and rng.random() < 0.7 else {}
    start = START + (trace * 10 + number) * SECOND
    failed = rng.random() < 0.3
    return Span(
        "prj_a",
        f"{trace:032x}",
        f"{trace * 100 + number:016x}",
        None if number == 0 else f"{trace * 100:016x}",
        rng.choice(("ask", "plan")),
        "tool" if number == 0 else "llm",
        start,
        start + SECOND,
        status="error" if failed else "ok",
        status_message=rng.choice(("timeout", "refused")) if failed else None,
        tags=rng.sample([team, "beta"], rng.randrange(3)),
        model=rng.choice((None, "m1", "m2")) if number else None,
        tokens=Tokens(10, output=1) if number else None,
        cost=float(rng.randrange(1, 9)) if number else None,
        attributes=attributes,
    )


SPANS = [span for rng in [random.Random(5)] for trace in range(40) for span in a_trace(trace, rng)]


def attribute(key: str) -> Says:
    return lambda span: span.attributes.get(key)


def team(span: Span) -> str | None:
    return next((tag[5:] for tag in span.tags if tag.startswith(("team:", "team="))), None)


def endpoint(span: Span) -> str | None:
    return span.attributes.get("http.route") or (span.name if span.parent_id is None else None)


NEAREST: dict[str, Says] = {
    FEW: attribute("order.rare"),
    MANY: attribute("shelf"),
    "attribute:nobody": attribute("nobody"),
    "tag:team": team,
    "endpoint": endpoint,
}
"""What the nearest says: a span itself, else the first of its trace."""


def of_trace(span: Span) -> list[Span]:
    return [other for other in SPANS if other.trace_id == span.trace_id]


def group(span: Span, name: str) -> str:
    if name == "error_type":
        return span.status_message or ""
    said = NEAREST[name]
    return said(span) or next((found for other in of_trace(span) if (found := said(other))), "")


def is_kept(span: Span, name: str, values: list[str], metric: str) -> bool:
    """Of what a span does not say, any of its trace's spans may say one of the values."""
    if name.startswith("-") and metric == "requests":  # a trace is left out wherever one of its spans says it
        return not any(says(other, name[1:], values) for other in of_trace(span))
    if name.startswith("-"):
        return not is_kept(span, name[1:], values, metric)
    if name in NEAREST and NEAREST[name](span) is None:
        return any(says(other, name, values) for other in of_trace(span))
    if name == "tag":
        return any(says(other, name, values) for other in of_trace(span))
    return says(span, name, values)


def says(span: Span, name: str, values: list[str]) -> bool:
    if name == "tag":
        return not set(values).isdisjoint(span.tags)
    if name == "model":
        return span.model in values
    if name == "status":
        return span.status in values
    if name == "error_type":
        return span.status == "error" and span.status_message in values
    return NEAREST[name](span) in values


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DuckStore]:
    opened = await filled(tmp_path_factory.mktemp("groups"), Facts(list(SPANS)))
    yield opened
    await opened.close()


METRICS = ("count", "cost", "requests")
FILTERS: list[dict[str, list[str]]] = [
    {},
    {"status": ["error"]},
    {"error_type": ["timeout"]},
    {"endpoint": ["/one", "ask"]},
    {"tag:team": ["red"]},
    {MANY: ["a"]},
    {FEW: ["x"]},
    {FEW: ["x", "y"], MANY: ["b", "c"]},
    {"attribute:nobody": ["x"]},
    {"-status": ["error"]},
    {"-model": ["m1"]},
    {"-model": ["m1", "m2"], "status": ["ok"]},
    {"-error_type": ["timeout"]},
    {"-endpoint": ["/one", "ask"]},
    {"-tag:team": ["red"]},
    {"-tag": ["beta"]},
    {f"-{MANY}": ["a"]},
    {f"-{FEW}": ["x"], MANY: ["b", "c"]},
    {"-attribute:nobody": ["x"], "-endpoint": ["/two"]},
    {"endpoint": ["/one"], "-endpoint": ["/one"]},
]


NAMES = [*NEAREST, "error_type"]


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("narrow", FILTERS, ids=lambda narrow: "+".join(narrow) or "all")
@in_its_loop
async def test_what_is_grouped_and_narrowed(
    store: DuckStore, narrow: dict[str, list[str]], name: str, whole: bool
) -> None:
    """By one metric, in turn, so that each meets every filter and every group; `make soak` takes all of them."""
    turn = (FILTERS.index(narrow) + NAMES.index(name)) % 3
    for metric in METRICS if whole else METRICS[turn : turn + 1]:
        wanted = expected(metric, narrow, name)
        panel = parse_panel(
            {"title": "T", "kind": "table", "metrics": [metric], "filter": narrow, "group_by": name, "top": 20}
        )
        sql = Sql(store)
        found = await Panels(store, sql).read("prj_a", panel, START, START + HOUR, {})
        await sql.close()
        shown = {one["group"] or "": one["total"]["value"] for one in found["series"] if one["total"]["n"]}
        assert shown == wanted, metric
        window = Window(START, START + HOUR)
        looked = await Windows(store).figures("prj_a", Metric(metric), [window], narrow=narrow, group_by=name)
        assert {figure.group: figure.value for figure in looked if figure.n} == wanted, metric


def expected(metric: str, narrow: dict[str, list[str]], name: str) -> dict[str, int]:
    wanted: Counter[str] = Counter()
    groups_of_traces: dict[str, str] = {}  # what the first span says that says any
    for span in SPANS:
        if (metric == "cost" and span.cost is None) or (name == "error_type" and span.status != "error"):
            continue
        if all(is_kept(span, field, values, metric) for field, values in narrow.items()):
            wanted[group(span, name)] += 1 if metric == "count" else int(span.cost or 0)
            groups_of_traces[span.trace_id] = groups_of_traces.get(span.trace_id) or group(span, name)
    if metric == "requests":
        wanted = Counter(groups_of_traces.values())
    return dict(wanted)


def test_what_leaves_a_run_out_does_not_ask_for_the_others() -> None:
    whole = Range(START, START + HOUR)
    assert Asked("prj_a", whole, [{"-run": ["r"]}]).only_live
    assert not Asked("prj_a", whole, [{"run": ["r"]}]).only_live


@in_its_loop
async def test_only_what_few_say_is_read_by_itself(store: DuckStore) -> None:
    asked = await knowing(store, Asked("prj_a", Range(START, START + HOUR), [{FEW: ["x"]}], MANY))
    assert (asked.key_sets.keys(), asked.few.keys()) == ({FEW, MANY}, {FEW})


@in_its_loop
async def test_versions_of_one_prompt_are_told_apart(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "versions")
    spans = [
        Span("prj_a", f"{n + 1:032x}", f"{n + 1:016x}", None, "chat", "llm", START + n, START + n + SECOND,
             status="error" if n % 4 == 3 else "ok", prompt="greet", prompt_version=("1", "2")[n % 2])
        for n in range(8)
    ]  # fmt: skip
    await store.append(Facts(spans))
    windows, window = Windows(store), Window(START, START + HOUR)
    about = {"metric": Metric("error_rate"), "windows": [window], "narrow": {"prompt": ["greet"]}}
    by_version = await windows.figures("prj_a", **about, group_by="prompt_version")  # type: ignore[arg-type]
    assert {figure.group: (figure.value, figure.n) for figure in by_version} == {"1": (0.0, 4), "2": (0.5, 4)}
    sql = Sql(store)
    panel = {"title": "T", "kind": "number", "metrics": ["count"], "filter": {"prompt_version": ["2"]}}
    shown = await Panels(store, sql).read("prj_a", parse_panel(panel), START, START + HOUR, {})
    assert (shown["series"][0]["total"]["n"], shown["series"][0]["traces"]) == (4, {"prompt_version": "2"})
    await sql.close()
    await store.close()
