"""Pages out of windows of the newest traces: the same as looking at all of them, whatever the windows are."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Span
from assay_server.query import Metric, TraceFilter, Traces, Window, Windows
from assay_server.query.filters.attributes import read_condition
from assay_server.query.traces import find as trace_find
from assay_server.query.traces import known as trace_known
from assay_server.store import DuckStore
from tests.fixtures.filled_store import made

TRACES = 40


def span(trace: int, number: int = 0, **fields: Any) -> Span:
    start = trace * 1_000 + number
    return Span(
        "prj_a", f"{trace:032x}", f"{trace * 100 + number:016x}", None, "call", "llm", start, start + 10, **fields
    )


async def fill(store: DuckStore) -> None:
    """Every third trace is of ann; late spans of old traces arrive last."""
    for n in range(1, TRACES + 1):
        said = {"case": f"case-{n % 7}", "order": f"A {n}", "place": n}
        tags = ["old"] if n <= 20 else []  # long not said, while the words came with every trace
        ours = span(n, user="ann" if n % 3 == 0 else "bob", input=f"refund w{n}", attributes=said, tags=tags)
        await store.append(Facts([ours]))
    await store.append(Facts([span(n, 5, user="ann", input="refund late") for n in (1, 2)]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("found"), fill)


@pytest.fixture
async def store(folder: Path, tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(shutil.copytree(folder, tmp_path, dirs_exist_ok=True))
    yield opened
    await opened.close()


ANN = [n for n in range(TRACES, 0, -1) if n % 3 == 0 or n in (1, 2)]
CASE = [n for n in range(TRACES, 0, -1) if n % 7 == 3]
QUESTIONS = [
    (TraceFilter(), list(range(TRACES, 0, -1))),
    (TraceFilter(user="ann"), ANN),
    (TraceFilter(user="ann", since_ns=9_000, until_ns=30_000), [n for n in ANN if 9 <= n < 30]),
    (TraceFilter(text="refund"), list(range(TRACES, 0, -1))),
    (TraceFilter(text="refund", user="ann"), ANN),
    (TraceFilter(text="late", user="bob"), [2, 1]),
    (TraceFilter(text="w7", trace_id=f"{7:032x}"), [7]),
    (TraceFilter(text="refund", until_ns=4_000), [3, 2, 1]),
    (TraceFilter(text="refund", tag="old"), list(range(20, 0, -1))),
    (TraceFilter(text="w7", tag="old"), [7]),
    (TraceFilter(text="late", tag="old"), [2, 1]),
    (TraceFilter(text="refund", tag="old", since_ns=3_000, until_ns=18_000), list(range(17, 2, -1))),
    (TraceFilter(user="carol"), []),
    (TraceFilter(text="carol", user="ann"), []),
    (TraceFilter(attributes=("case:eq:case-3",)), CASE),
    (TraceFilter(attributes=("case:eq:case-3",), user="ann"), [n for n in CASE if n in ANN]),
    (TraceFilter(attributes=("case:eq:case-3",), since_ns=9_000, until_ns=32_000), [n for n in CASE if 9 <= n < 32]),
    (TraceFilter(attributes=("case:eq:case-3", "order:eq:A 10")), [10]),
    (TraceFilter(attributes=("order:eq:A 10", "case:ne:case-3")), []),
    (TraceFilter(attributes=("case:eq:case-3",), text="w10"), [10]),
    (TraceFilter(attributes=("order:eq:A",)), []),  # a word of it is not all of it
    (TraceFilter(attributes=("order:eq:a 10",)), []),  # nor is it in other letters
    (TraceFilter(attributes=("note:eq:case-3",)), []),  # another attribute says so
    (TraceFilter(attributes=("case:eq:nobody",)), []),
    (TraceFilter(attributes=("place:eq:12",)), [12]),  # a number is no text
]


async def pages(traces: Traces, narrow: TraceFilter, limit: int) -> list[int]:
    seen: list[int] = []
    after = None
    while True:
        page = await traces.find("prj_a", narrow, limit=limit, after=after)
        seen += [int(row["trace_id"], 16) for row in page.items]
        after = page.following
        if after is None:
            return seen


@pytest.mark.parametrize(
    ("windows", "chunk", "few", "named"),
    [((2, 4, None), 3, 2, 1), ((50, 60, None), 500, 100, 300), ((5, 50, None), 7, 20, 5), ((50, None), 5, 6, 1)],
)
async def test_pages_hold_every_trace_once_and_the_first_says_how_many(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch, windows: tuple[Any, ...], chunk: int, few: int, named: int
) -> None:
    monkeypatch.setattr(trace_find, "_WINDOWS", windows)
    monkeypatch.setattr(trace_find, "_CHUNK", chunk)
    monkeypatch.setattr(trace_find, "_FEW", few)
    monkeypatch.setattr(trace_known, "_NAMED", named)
    traces = Traces(store)
    for narrow, expected in QUESTIONS:
        assert await pages(traces, narrow, 3) == expected, narrow
        first = await traces.find("prj_a", narrow, limit=3)
        assert first.total == len(expected) if first.exact else first.total <= len(expected), narrow


@pytest.mark.parametrize("windows", [(5, 20, None), (100, None)], ids=["a part", "more than there is"])
async def test_what_comes_after_a_window_was_made_is_found(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch, windows: tuple[int | None, ...]
) -> None:
    monkeypatch.setattr(trace_find, "_WINDOWS", windows)
    traces, mine = Traces(store), TraceFilter(model="m")
    assert await pages(traces, mine, 3) == []
    for n, number in ((TRACES + 1, 0), (9, 7), (TRACES + 2, 0)):  # one of them a late span of an old trace
        await store.append(Facts([span(n, number, model="m")]))
    assert await pages(traces, mine, 3) == [TRACES + 2, TRACES + 1, 9]
    old = Span("prj_a", "f" * 32, "f" * 16, None, "call", "llm", 1, 2, model="m")  # and the oldest trace of all
    await store.append(Facts([old]))
    assert await pages(traces, mine, 3) == [TRACES + 2, TRACES + 1, 9, int("f" * 32, 16)]


async def test_counting_stops_and_says_so(store: DuckStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_find, "MOST_COUNTED", 5)
    monkeypatch.setattr(trace_find, "MOST_COUNTED_WITH_WORDS", 6)
    monkeypatch.setattr(trace_find, "_WINDOWS", (30, 35, None))
    traces = Traces(store)
    by_user = await traces.find("prj_a", TraceFilter(user="ann"), limit=2)
    rare = await traces.find("prj_a", TraceFilter(user="ann", until_ns=3_000), limit=2)
    words = await traces.find("prj_a", TraceFilter(text="refund"), limit=2)
    assert (by_user.total, by_user.exact) == (5, False)
    assert (rare.total, rare.exact) == (2, True)
    assert (words.total, words.exact) == (6, False)


@pytest.mark.parametrize("after", [[], [1], ["1", "a"], [1, 2], [True, "a"], [1 << 70, "a"]])
async def test_a_place_that_another_list_made_is_refused(store: DuckStore, after: list[Any]) -> None:
    with pytest.raises(InvalidInput):
        await Traces(store).find("prj_a", after=after)


@pytest.mark.parametrize("settled", [False, True])
async def test_a_trace_is_in_the_range_in_which_it_began_whichever_span_came_first(
    store: DuckStore, settled: bool
) -> None:
    """Children end before their root, and so they come before it."""
    root = span(200, user="eve")
    child = Span("prj_a", root.trace_id, "c" * 16, root.span_id, "tool", "tool", 200_900, 200_950, user="eve")
    await store.append(Facts([child]))
    await store.append(Facts([root]))
    if settled:
        await store.settle()
    traces = Traces(store)
    for user in (None, "eve"):
        early, late = [TraceFilter(100_000, 200_500, user=user), TraceFilter(200_500, 300_000, user=user)]
        assert await pages(traces, early, 3) == [200]
        assert await pages(traces, late, 3) == []
        found = [await traces.find("prj_a", narrow, limit=3) for narrow in (early, late)]
        assert [(page.total, page.exact) for page in found] == [(1, True), (0, True)]
    assert await pages(traces, TraceFilter(200_900, 300_000), 3) == []  # its last span begins at the edge
    assert await pages(traces, TraceFilter(200_000, 200_001), 3) == [200]


@pytest.mark.parametrize("group_by", ["user", "session", "name", "attribute:path"])
async def test_a_long_group_of_a_monitor_leads_to_its_traces(tmp_path: Path, group_by: str) -> None:
    """Decisions note only its beginning."""
    store = await DuckStore.open(tmp_path)
    long = "where all of them begin " * 15
    told = {n: f"{n} {long * 5} {n}" for n in (1, 2)}
    spans = [span(n, user=one, session=one, attributes={"path": one}) for n, one in told.items()]
    for one, value in zip(spans, told.values(), strict=True):
        one.name = value
    await store.append(Facts([*spans, span(3, user=long, session=long, attributes={"path": long})]))
    figures = await Windows(store).figures("prj_a", Metric("count"), [Window(0, 10**6)], group_by=group_by)
    [group] = [figure.group for figure in figures if figure.group.startswith("2 ")]
    assert len(group) < 420
    field, _, key = group_by.partition(":")
    narrow = TraceFilter(attributes=(f"{key}:eq:{group}",)) if key else TraceFilter(**{field: group})
    found = await Traces(store).find("prj_a", narrow)
    assert [row["trace_id"] for row in found.items] == [f"{2:032x}"]
    if key:
        assert read_condition(f"{key}:eq:{group}").holds({"path": told[2]})
        assert not read_condition(f"{key}:eq:{group}").holds({"path": told[1]})
    await store.close()
