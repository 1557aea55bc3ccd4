"""What a search narrows beside the fields of a row: attributes, words and phrases, bounds."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Span, Tokens
from assay_server.query import TraceFilter, Traces, read_condition
from assay_server.store import DuckStore

SECOND = 1_000_000_000


def span(trace: int, number: int, **fields: Any) -> Span:
    kind = fields.pop("kind", "span")
    start = trace * SECOND
    return Span(
        "prj_a", f"{trace:032x}", f"{trace * 100 + number:016x}", None, "call", kind, start, start + 1, **fields
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


@pytest.fixture
def traces(store: DuckStore) -> Traces:
    return Traces(store)


LONG = "and so on, until it is longer than what counts as a short text together with others of its span, and longer"

ATTRIBUTES: dict[str, Any] = {
    "http.route": "/chat",
    "n": 12,
    "ratio": 0.5,
    "deep": {"a": 1},
    "yes": True,
    "who": "Ann Lee",
    "reasons": ["stop", "it's over"],
}


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ("http.route:eq:/chat", True),
        ("http.route:eq:/chat2", False),
        ("http.route:ne:/other", True),
        ("absent:ne:/other", False),
        ("n:gt:11.5", True),
        ("n:lt:12", False),
        ("ratio:le:0.5", True),
        ("who:gt:3", False),
        ("who:contains:ann", True),
        ("yes:eq:true", True),
        ("deep:exists:", True),
        ("absent:exists:", False),
        ('deep:eq:{ "a": 1 }', True),
        ('deep:ne:{"a":2}', True),
        ("deep:contains:a", False),
        ("deep:ge:1", False),
        ('reasons:eq:["stop", "it\'s over"]', True),
        ("reasons:eq:stop", False),
        ("reasons:contains:STOP", True),
        ("reasons:contains:it's", True),
        ("reasons:contains:,", False),
    ],
)
async def test_attributes_are_compared_alike_where_they_are_stored_and_while_they_arrive(
    store: DuckStore, traces: Traces, condition: str, held: bool
) -> None:
    arriving = span(1, 1, attributes=ATTRIBUTES)
    await store.append(Facts([arriving, span(2, 1)]))
    found = await traces.find("prj_a", TraceFilter(attributes=(condition,)))
    assert [row["trace_id"] for row in found.items] == ([f"{1:032x}"] if held else [])
    assert read_condition(condition).holds(arriving.attributes) == held


@pytest.mark.parametrize("condition", ["", "a", "a:eq", ":eq:1", "a:gt:b", "a:exists:b", "a:like:b"])
def test_an_attribute_condition_that_cannot_be_read_is_refused(condition: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_condition(condition)
    assert refused.value.field == "attribute"


async def test_words_and_phrases_stand_in_one_text(store: DuckStore, traces: Traces) -> None:
    await store.append(
        Facts(
            [
                span(1, 1, input="The late delivery of my refund", output="Sorry."),
                span(2, 1, input=f"A refund {LONG}", output=f"Delivery came late. {LONG}"),
                span(3, 1, input="100% off_season"),
            ]
        )
    )

    async def found(text: str) -> list[str]:
        return [row["trace_id"][-1] for row in (await traces.find("prj_a", TraceFilter(text=text))).items]

    assert await found("refund LATE") == ["1"]
    assert await found('"late delivery"') == ["1"]
    assert await found("late") == ["2", "1"]
    assert await found("% off_season") == ["3"]
    assert await found("% f_s") == []
    assert await found('"') == ["3", "2", "1"]


async def test_a_service_a_trace_and_a_highest_cost_narrow(store: DuckStore, traces: Traces) -> None:
    await store.append(
        Facts([span(1, 1, kind="llm", service="shop", cost=0.5), span(2, 1, kind="llm", service="desk", cost=0.1)])
    )

    async def found(**narrow: Any) -> list[str]:
        return [row["trace_id"][-1] for row in (await traces.find("prj_a", TraceFilter(**narrow))).items]

    assert await found(service="shop") == ["1"]
    assert await found(trace_id=f"{2:032x}") == ["2"]
    assert await found(max_cost=0.2) == ["2"]
    assert await found(min_cost=0.2, max_cost=0.6) == ["1"]


async def test_tokens_narrow_by_what_went_in_and_out_of_a_trace(store: DuckStore, traces: Traces) -> None:
    told = [
        (1, 1, Tokens(600, cache_read=300, output=50)),
        (1, 2, Tokens(100, output=20, reasoning=30)),
        (2, 1, Tokens(output=40)),
        (3, 1, Tokens()),
    ]
    await store.append(Facts([span(trace, at, kind="llm", tokens=tokens) for trace, at, tokens in told]))

    async def found(**narrow: Any) -> list[str]:
        return sorted(row["trace_id"][-1] for row in (await traces.find("prj_a", TraceFilter(**narrow))).items)

    assert await found(min_tokens=1100) == ["1"]
    assert await found(min_tokens=1101) == []
    assert await found(max_tokens=1000) == ["2"], "of the third nobody knows"
    assert await found(min_tokens=40, max_tokens=1100) == ["1", "2"]
    assert await found(exclude=(TraceFilter(min_tokens=41),)) == ["2", "3"]


async def test_an_attribute_that_repeats_the_answer_is_still_one(store: DuckStore, traces: Traces) -> None:
    """Short ones are labels that people filter by; a long text is stored once, and the span has the attribute still."""
    answer, question = "positive", LONG * 3
    said = {"label": answer, "input.value": question}
    await store.append(Facts([span(1, 1, input=question, output=answer, attributes=said), span(2, 1)]))

    async def met(condition: str) -> list[int]:
        found = await traces.find("prj_a", TraceFilter(attributes=(condition,)))
        return [int(row["trace_id"], 16) for row in found.items]

    for condition in ("label:eq:positive", "label:contains:posi", "label:exists:", "input.value:exists:"):
        assert await met(condition) == [1], condition
    for condition in ("label:ne:positive", "value:exists:", 'put.value":exists:'):
        assert await met(condition) == [], condition
    stored = await store.scan("SELECT attributes::JSON::VARCHAR AS kept, moved FROM spans WHERE moved IS NOT NULL")
    assert [(row["kept"], row["moved"]) for row in stored] == [('{"label":"positive"}', '{"input.value":"input"}')]


async def test_a_number_beyond_all_reals_hides_nothing_beside_it(store: DuckStore, traces: Traces) -> None:
    sent = {"huge": 10**400, "within": [1, -(10**400)], "http.route": "/chat"}
    await store.append(Facts([span(1, 1, attributes=sent)]))
    shown = await traces.get("prj_a", f"{1:032x}")
    assert shown["spans"][0]["attributes"] == {"huge": None, "within": [1, None], "http.route": "/chat"}
