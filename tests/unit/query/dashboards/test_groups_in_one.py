"""Groups that are found in the statement that reads their figures are those that are found before it."""

import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query.dashboards import series
from assay_server.query.dashboards.series import found_with_series, groups_of, in_one, series_of
from assay_server.query.metrics.asked import Asked, Range
from assay_server.query.metrics.measures import Metric
from assay_server.store import DuckStore
from tests.fixtures.filled_store import filled, in_its_loop

pytestmark = in_its_loop

HOUR = 3_600 * 10**9
START = 1_795_248_000 * 10**9
TRACES = 400


def facts() -> Facts:
    """Some models are unknown, some calls have no price, some judgements no value."""
    rng, spans, scores = random.Random(7), [], []
    for number in range(TRACES):
        start = START + rng.randrange(4 * HOUR)
        for at in range(rng.randrange(1, 4)):
            cost, model = rng.choice([None, rng.random()]), rng.choice(["a", "a", "b", "b", "c", "d", "it's", None])
            spans.append(
                Span(
                    "prj_a", f"{number:032x}", f"{number * 9 + at:016x}", None, "a", "llm", start + at, start + HOUR,
                    model=model, cost=cost, tokens=Tokens(rng.randrange(9)), service=rng.choice(["x", "y", "z"]),
                    status=rng.choice(["ok", "error"]), user=rng.choice(["ann", "bob", "eve", None]),
                )
            )  # fmt: skip
        value = rng.choice([None, rng.random()])
        scores.append(Score("prj_a", f"scr_{number}", "good", start, "code", value, trace_id=f"{number:032x}"))
    return Facts(spans, scores)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DuckStore]:
    opened = await filled(tmp_path_factory.mktemp("groups"), facts())
    yield opened
    await opened.close()


@pytest.mark.parametrize("many", [TRACES // 4, 200_000], ids=["random groups", "single traces"])
@pytest.mark.parametrize("binned", [True, False])
@pytest.mark.parametrize("top", [2, 20])
@pytest.mark.parametrize(
    "metrics",
    [
        [Metric("requests")],
        [Metric("cost_per_request"), Metric("tokens_per_request")],
        [Metric("score", score="good")],
        [Metric("score", score="of nothing")],
    ],
    ids=lambda metrics: metrics[0].score or metrics[0].name,
)
async def test_both_ways_agree(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch, metrics: list[Metric], top: int, binned: bool, many: int
) -> None:
    monkeypatch.setattr(series, "_MANY", many)
    for field in ("model", "service"):
        await assert_both_ways_agree(store, field, metrics, top, binned=binned)


@pytest.mark.parametrize("field", ["user", "endpoint", "tag:team"])
@pytest.mark.parametrize(
    "metrics",
    [
        [Metric("count"), Metric("errors")],
        [Metric("error_rate")],
        [Metric("latency", quantile=0.95)],
        [Metric("users")],
        [Metric("cost"), Metric("tokens")],
    ],
    ids=lambda metrics: metrics[0].name,
)
async def test_both_ways_agree_where_the_trace_speaks_for_its_spans(
    store: DuckStore, metrics: list[Metric], field: str
) -> None:
    await assert_both_ways_agree(store, field, metrics, 2, binned=True)


async def test_spans_by_what_they_say_themselves_are_read_twice() -> None:
    asked = Asked("prj_a", Range(START, START + HOUR), [], "model")
    assert not in_one(asked, [Metric("latency", quantile=0.5)])


async def assert_both_ways_agree(
    store: DuckStore, field: str, metrics: list[Metric], top: int, *, binned: bool
) -> None:
    asked = Asked("prj_a", Range(START, START + 4 * HOUR), [], field)
    assert in_one(asked, metrics)
    groups, found = await found_with_series(store, asked, metrics, top, binned=binned)
    expected = await groups_of(store, asked, metrics[0], top)
    assert groups == expected
    one_after_the_other = await series_of(store, asked, metrics, expected, binned=binned)
    for now, then in zip(found, one_after_the_other, strict=True):
        assert now.keys() == then.keys()
        for place, each in now.items():
            assert each.bins.keys() == then[place].bins.keys()
            assert_alike(each.total, then[place].total)
            for at, figure in each.bins.items():
                assert_alike(figure, then[place].bins[at])


def assert_alike(found: series.Figure, expected: series.Figure) -> None:
    assert (found.n, found.unknown) == (expected.n, expected.unknown)
    assert found.value == pytest.approx(expected.value)
    assert found.ci == pytest.approx(expected.ci)
