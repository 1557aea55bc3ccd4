"""Traces in another order: page by page the same as sorting all rows, what has no value last."""

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import ORDERS_OF_TRACES, Order, Rank, TraceFilter, Traces
from assay_server.query.traces import order as trace_order
from assay_server.store import DuckStore
from tests.fixtures.filled_store import made

TRACES = 30


def call(n: int, number: int = 0, **fields: Any) -> Span:
    start = n * 1_000 + number
    given: dict[str, Any] = {"end_ns": start + 1 + (n * 7) % 11, "model": f"m{n % 2}"} | fields
    ids = f"{n:032x}", f"{n * 100 + number:016x}"
    return Span("prj_a", *ids, None, "call", "llm", start, **given)


def score(n: int, value: float | None, name: str = "helpful", number: int = 0) -> Score:
    return Score("prj_a", f"s{n}-{name}-{number}", name, n * 1_000, "human", value, trace_id=f"{n:032x}")


async def fill(store: DuckStore) -> None:
    """Every fifth trace has neither tokens nor cost; every third is judged, every ninth twice, trace 12 in vain."""
    for n in range(1, TRACES + 1):
        known = {} if n % 5 == 0 else {"tokens": Tokens(fresh_input=(n * 13) % 17, output=n % 3), "cost": (n * 5) % 7}
        judged = [score(n, (n % 4) / 4)] if n % 3 == 0 and n != 12 else []
        judged += [score(n, 1.0, number=1)] if n % 9 == 0 else [score(n, None)] if n == 12 else []
        await store.append(Facts([call(n, input=f"refund w{n}", **known)], [*judged, score(n, n, "other:one")]))
    await store.append(Facts([call(n, 900, end_ns=n * 1_000 + 950) for n in (2, 4)]))  # they grow
    await store.append(Facts([Span("prj_b", f"{1:032x}", f"{1:016x}", None, "call", "llm", 1, 10**9)]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("ordered"), fill)


@pytest.fixture
async def traces(folder: Path, tmp_path: Path) -> AsyncIterator[Traces]:
    store = await DuckStore.open(shutil.copytree(folder, tmp_path, dirs_exist_ok=True))
    yield Traces(store)
    await store.close()


async def pages(traces: Traces, narrow: TraceFilter, order: str, limit: int = 4) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    after: Rank | None = None
    while True:
        page = await traces.ranked("prj_a", narrow, Order.read(order, ORDERS_OF_TRACES), limit=limit, after=after)
        seen += page.items
        if page.following is None:
            return seen
        after = Rank(*page.following)


def tokens(row: dict[str, Any]) -> float | None:
    known = [n for n in row["tokens"].values() if n is not None]
    return sum(known) if known else None


def mean(name: str) -> Callable[[dict[str, Any]], float | None]:
    return lambda row: row["scores"].get(name, {"mean": None})["mean"]


VALUES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "start": lambda row: row["start"],
    "latency": lambda row: row["latency_ms"],
    "cost": lambda row: row["cost"]["usd"],
    "tokens": tokens,
    "score.helpful": mean("helpful"),
    "score.other:one": mean("other:one"),
    "score.nobody": mean("nobody"),
}


@pytest.mark.parametrize(
    "narrow",
    [
        TraceFilter(),
        TraceFilter(model="m1"),
        TraceFilter(since_ns=4_000, until_ns=21_500),
        TraceFilter(text="refund"),
        TraceFilter(text="refund", model="m1", scores=("other:one:gt:3",)),
        TraceFilter(min_tokens=1),
    ],
)
async def test_pages_are_all_rows_sorted(traces: Traces, narrow: TraceFilter) -> None:
    rows = (await traces.find("prj_a", narrow, limit=500)).items  # newest first, which stays so among equals
    assert len(rows) > 4
    for by, value in VALUES.items():
        known, unknown = [row for row in rows if value(row) is not None], [row for row in rows if value(row) is None]
        for way in ("asc", "desc"):
            # A sort that is reversed keeps equals as they were.
            expected = sorted(known, key=value, reverse=way == "desc") + unknown
            assert await pages(traces, narrow, f"{by}:{way}") == expected, (by, way)


async def test_all_are_counted_once(traces: Traces) -> None:
    first = await traces.ranked("prj_a", TraceFilter(model="m0"), Order.read("cost:desc", ORDERS_OF_TRACES), limit=3)

    assert (len(first.items), first.total, first.exact, first.among) == (3, 15, True, None)


async def test_words_are_ranked_among_the_newest_that_have_them(
    traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_order, "MOST_RANKED", 10)
    page = await traces.ranked(
        "prj_a", TraceFilter(text="refund", model="m0"), Order.read("start:asc", ORDERS_OF_TRACES), limit=50
    )

    assert [int(row["trace_id"], 16) for row in page.items] == [22, 24, 26, 28, 30]
    assert (page.total, page.exact, page.among) == (5, False, 10)


async def test_words_that_nobody_said_find_nothing(traces: Traces) -> None:
    page = await traces.ranked("prj_a", TraceFilter(text="carol"), Order.read("start:asc", ORDERS_OF_TRACES))

    assert (page.items, page.total, page.exact) == ([], 0, True)


@pytest.mark.parametrize("text", ["", "latency", "latency:", "latency:down", "-latency", "score.:desc", "user:asc"])
def test_another_order_is_told(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Order.read(text, ORDERS_OF_TRACES)

    assert refused.value.field == "sort"
    assert "as start:desc; the fields are start, latency, cost, tokens, score.NAME" in str(refused.value.fix)


def test_an_order_is_written_as_it_is_read() -> None:
    for by in VALUES:
        for way in ("asc", "desc"):
            assert str(Order.read(f"{by}:{way}", ORDERS_OF_TRACES)) == f"{by}:{way}"
