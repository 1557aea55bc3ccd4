"""What a list tells of whole traces, and which traces are called by a name."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assay_server.core.records import Facts, Score
from assay_server.query import SpanFilter, TraceFilter, Traces
from assay_server.store import DuckStore
from tests.conformance.store import a_span

P = "prj_a"
FIRST, SECOND, THIRD = ("1" * 32, "2" * 32, "3" * 32)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    store = await DuckStore.open(tmp_path / "facts")
    yield store
    await store.close()


async def test_heads_have_the_root_and_the_ids_of_all_else(store: DuckStore) -> None:
    sent = {"client.id": "mine", "about.team": "x"}
    spans = [
        a_span(trace_id=FIRST, span_id="a" * 16, name="root", start_ns=10, attributes={"k": "v"}),
        a_span(trace_id=FIRST, span_id="b" * 16, parent_id="a" * 16, start_ns=20, attributes=sent),
        a_span(trace_id=SECOND, span_id="a" * 16, parent_id="f" * 16, name="orphan", start_ns=30),
    ]
    scores = [
        Score(project=P, id="s1", name="ok", time_ns=1, value=1.0, trace_id=FIRST, source="code"),
        Score(
            project=P, id="s2", name="ok", time_ns=2, value=0.0, trace_id=FIRST, source="code", metadata={"id": "my"}
        ),
        Score(project=P, id="s3", name="ok", time_ns=3, error="broken", trace_id=FIRST, source="code"),
    ]
    await store.append(Facts(spans=spans, scores=scores))
    heads = await Traces(store).heads(P, [FIRST, SECOND, THIRD], "client.id", "about.")
    assert heads.keys() == {FIRST, SECOND}
    first, second = heads[FIRST], heads[SECOND]
    assert (first.root["name"], first.root["attributes"], first.spans) == ("root", {"k": "v"}, ["a" * 16, "b" * 16])
    assert (first.said, second.said) == ({"about.team": "x"}, {})
    assert (first.sent_as, first.scores, first.row["spans"]) == ({"b" * 16: "mine"}, ["s1", "my"], 2)
    assert (second.root["name"], second.spans, second.sent_as) == ("orphan", ["a" * 16], {})
    assert await Traces(store).heads("prj_b", [FIRST], "client.id", "about.") == {}


async def test_a_trace_is_called_what_its_root_is(store: DuckStore) -> None:
    """The first without a parent, and where there is none the first of all."""
    await store.append(
        Facts(
            spans=[
                a_span(trace_id=FIRST, span_id="a" * 16, name="answer", start_ns=10, tags=["x", "y"]),
                a_span(trace_id=FIRST, span_id="b" * 16, parent_id="a" * 16, name="chat", start_ns=5),
                a_span(trace_id=SECOND, span_id="c" * 16, parent_id="f" * 16, name="chat", start_ns=20, tags=["x"]),
                a_span(trace_id=SECOND, span_id="d" * 16, parent_id="f" * 16, name="answer", start_ns=30),
            ]
        )
    )
    traces = Traces(store)

    async def found(narrow: TraceFilter) -> list[str]:
        return [row["trace_id"] for row in (await traces.find(P, narrow)).items]

    assert await found(TraceFilter(called="chat")) == [SECOND]
    assert await found(TraceFilter(called="answer")) == [FIRST]
    assert await found(TraceFilter(exclude=(TraceFilter(called="answer"),))) == [SECOND]
    assert await found(TraceFilter(tags=("x", "y"))) == [FIRST]
    assert await found(TraceFilter(tag="x")) == [SECOND, FIRST]
    assert (await traces.ids(P, TraceFilter(), limit=1)).items == [SECOND]


async def test_spans_are_narrowed_by_what_they_say_and_do_not_say(store: DuckStore) -> None:
    await store.append(
        Facts(
            spans=[
                a_span(trace_id=FIRST, span_id="a" * 16, name="trace", start_ns=1, attributes={"is.trace": "yes"}),
                a_span(trace_id=FIRST, span_id="b" * 16, parent_id="a" * 16, name="top", start_ns=2),
                a_span(
                    trace_id=FIRST,
                    span_id="c" * 16,
                    parent_id="b" * 16,
                    name="event",
                    start_ns=3,
                    attributes={"t": "e"},
                ),
                a_span(trace_id=SECOND, span_id="d" * 16, name="other", start_ns=4, attributes={"t": "s"}),
            ]
        )
    )
    traces = Traces(store)

    async def found(narrow: SpanFilter = SpanFilter(), **more: int) -> list[str]:
        return [span["name"] for span in (await traces.spans(P, narrow, **more)).items]

    assert await found(SpanFilter(lacking="is.trace")) == ["other", "event", "top"]
    assert await found(SpanFilter(lacking="is.trace", outermost=True)) == ["other", "top"]
    assert await found(SpanFilter(outermost=True)) == ["other", "trace"]
    assert await found(SpanFilter(lacking="nobody.says.it", outermost=True)) == ["other", "trace"]
    assert await found(SpanFilter(attributes=("t:eq:e",))) == ["event"]
    assert await found(SpanFilter(unlike=("t:eq:e",))) == ["other", "top", "trace"]
    assert await found(SpanFilter(parent_id="b" * 16)) == ["event"]
    assert await found(limit=2, skip=1) == ["event", "top"]


async def test_spans_by_attributes_are_looked_for_among_the_newest_first(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is full as soon as that, a count then at least so many; what few say is found among all."""
    told = ["e" if number % 2 else "s" for number in range(12)]
    spans = [
        a_span(
            span_id=f"{number:016x}",
            name=str(number),
            start_ns=number,
            attributes={"t": each, "n": {"first": number == 0}},
        )
        for number, each in enumerate(told)
    ]
    await store.append(Facts(spans=spans))
    monkeypatch.setattr("assay_server.query.traces.span_find._WINDOWS", (4, 8, None))
    traces = Traces(store)
    for limit, names, total, exact in (
        (1, ["11"], 2, False),
        (3, ["11", "9", "7"], 4, False),
        (6, ["11", "9", "7", "5", "3", "1"], 6, True),
    ):
        page = await traces.spans(P, SpanFilter(attributes=("t:eq:e",)), limit=limit)
        assert ([span["name"] for span in page.items], page.total, page.exact) == (names, total, exact)
    after, seen = None, []
    while True:
        page = await traces.spans(P, SpanFilter(unlike=("t:eq:e",)), limit=2, after=after)
        seen += [span["name"] for span in page.items]
        after = page.following
        if after is None:
            break
    assert seen == ["10", "8", "6", "4", "2", "0"]
    page = await traces.spans(P, SpanFilter(unlike=("t:eq:e",)), limit=2, skip=4)
    assert ([span["name"] for span in page.items], page.total, page.exact) == (["2", "0"], 6, True)
