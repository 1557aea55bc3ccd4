"""Two traces side by side: which span answers to which, and what differs."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import NotFound
from assay_server.core.records import Facts, Span, Tokens
from assay_server.query import TracePairs, Traces
from assay_server.query.traces.pairs import paired
from assay_server.store import DuckStore

MS = 1_000_000


def span(trace: str, number: int, name: str, begin: int, end: int, parent: int | None = 0, **fields: Any) -> Span:
    above = None if parent is None else f"s{parent}"
    made = Span("prj_a", trace, f"s{number}", above, name, fields.pop("kind", "tool"), begin * MS, end * MS)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def an_agent(trace: str, took: int, *more: Span, **answer: Any) -> list[Span]:
    counted = {
        "kind": "llm",
        "model": "m-1",
        "tokens": Tokens(100, None, None, 10),
        "cost": 0.25,
        "input": "q",
        **answer,
    }
    return [
        span(trace, 0, "agent", 0, took, None, kind="agent"),
        span(trace, 9, "think", took - 20, took, **counted),
        *more,
    ]


@pytest.fixture
async def pairs(tmp_path: Path) -> AsyncIterator[TracePairs]:
    store = await DuckStore.open(tmp_path / "facts")
    first = an_agent(
        "a", 100, span("a", 1, "search", 0, 10), span("a", 2, "search", 10, 30), span("a", 3, "load", 31, 33)
    )
    second = an_agent(
        "b", 300, span("b", 1, "search", 5, 10), span("b", 4, "rank", 11, 12), input="Q", model="m-2", cost=0.5
    )
    await store.append(Facts([*first, *second, *an_agent("same", 100, span("same", 1, "search", 0, 10))]))
    yield TracePairs(store, Traces(store))
    await store.close()


async def test_spans_are_matched_by_what_they_are_and_how_many_came_before(pairs: TracePairs) -> None:
    found = await pairs.compare("prj_a", "a", "b")
    told = [(row["depth"], row["name"], *((row[side] or {}).get("span_id") for side in "ab")) for row in found["rows"]]
    assert told == [
        (0, "agent", "s0", "s0"),
        (1, "search", "s1", "s1"),
        (1, "search", "s2", None),
        (1, "load", "s3", None),
        (1, "rank", None, "s4"),
        (1, "think", "s9", "s9"),
    ]
    assert (found["matched"], found["only_a"], found["only_b"]) == (3, 2, 1)


async def test_what_differs_is_named_and_said(pairs: TracePairs) -> None:
    found = await pairs.compare("prj_a", "a", "b")
    think = found["rows"][-1]
    assert think["changed"] == ["model", "input"]
    assert (think["a"]["input_same"], think["a"]["output_same"], think["b"]["start_ms"]) == (False, True, 280.0)
    assert (found["a"]["trace_id"], found["b"]["latency_ms"]) == ("a", 300.0)
    assert found["sentence"] == (
        "The second took 200 ms longer and cost $0.25 more. 2 spans only in the first and 1 span only in the second."
        " What differs: the model of 1 span and the input of 1 span."
    )


async def test_the_same_again_says_so(pairs: TracePairs) -> None:
    found = await pairs.compare("prj_a", "same", "same")
    assert found["sentence"] == "Both took about the same time and tokens. Every matched span says the same."


async def test_both_have_to_be_traces_of_the_project(pairs: TracePairs) -> None:
    for project, a, b in (("prj_a", "a", "none"), ("prj_a", "none", "a"), ("prj_b", "a", "b")):
        with pytest.raises(NotFound):
            await pairs.compare(project, a, b)


def a_row(span_id: str, parent: str | None) -> dict[str, Any]:
    names = ("model", "prompt", "prompt_version", "release", "cost", "input", "output")
    counts = ("fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning")
    about = {"span_id": span_id, "parent_id": parent, "kind": "span", "name": span_id, "status": "ok"}
    return {**about, "start_ns": 0, "end_ns": 1, **dict.fromkeys(names), **dict.fromkeys(counts)}


def sides(a: list[str | None], b: list[str | None]) -> list[tuple[str | None, str | None]]:
    rows = [
        [
            a_row(side, None),
            *(a_row(f"{side}{n}", side) | {"name": "search", "input": q} for n, q in enumerate(all_, 1)),
        ]
        for side, all_ in (("a", a), ("b", b))
    ]
    shown = paired(*rows)[1:]
    return [(row["a"] and row["a"]["span_id"], row["b"] and row["b"]["span_id"]) for row in shown]


def test_one_more_of_a_kind_does_not_move_all_others() -> None:
    both = sides(["x", "y", "z", "p", "q"], ["x", "z", "P", "q"])
    assert both == [("a1", "b1"), ("a2", None), ("a3", "b2"), ("a4", "b3"), ("a5", "b4")]
    assert sides([None] * 3, [None] * 2) == [("a1", "b1"), ("a2", "b2"), ("a3", None)]
    assert sides(["x", "y"], ["y", "x"]) == [("a1", "b1"), ("a2", "b2")]  # as many: in their order
    assert sides([], ["x"]) == [(None, "b1")]
    many = [str(n) for n in range(3000)]
    far = sides(many, [*many[:10], *many[11:]])
    assert ("a11", None) in far
    assert ("a3000", "b2999") in far


def test_many_of_a_kind_that_have_nothing_in_common_are_matched_in_their_order() -> None:
    found = sides([f"a{n}" for n in range(2000)], [f"b{n}" for n in range(1999)])
    assert found[1998:] == [("a1999", "b1999"), ("a2000", None)]


def test_circles_deep_chains_and_nothing_at_all() -> None:
    assert paired([], []) == []
    circle = [a_row("x", "y"), a_row("y", "x"), a_row("z", "gone")]
    assert [(row["name"], row["depth"]) for row in paired(circle, circle)] == [("x", 0), ("y", 1), ("z", 0)]
    deep = [a_row(f"s{n}", f"s{n - 1}") for n in range(5000)]
    assert paired(deep, deep)[-1]["depth"] == 4999
