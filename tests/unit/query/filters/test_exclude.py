"""What is excluded: every trace that the same condition finds, and no other."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import TraceFilter, Traces
from assay_server.store import DuckStore

SECOND = 1_000_000_000


def span(trace: int, number: int, **fields: Any) -> Span:
    start = trace * SECOND
    own = {"kind": "llm", "name": "call", "start_ns": start, "end_ns": start + 1000} | fields
    return Span(
        project="prj_a", trace_id=f"{trace:032x}", span_id=f"{trace * 100 + number:016x}", parent_id=None, **own
    )


def score(trace: int | None, value: float, number: int) -> Score:
    of = {"session": "s"} if trace is None else {"trace_id": f"{trace:032x}"}
    return Score("prj_a", f"scr_{number}", "helpful", SECOND, "code", value, **of)


FACTS = Facts(
    [
        span(1, 1, model="a", provider="p", service="shop", status="error", user="u", session="s",
             attributes={"error.type": "Timeout"}),
        span(1, 2, model="b", status="ok", attributes={"http.route": "/health", "n": 3}, name="check"),
        span(2, 1, model="b", kind="tool", status="ok", tags=["beta"], environment="prod", cost=0.5, release="rel_1"),
        span(3, 1, attributes={"http.route": "/chat"}, end_ns=3 * SECOND + 5 * SECOND, channel="production",
             arm="baseline", tokens=Tokens(3, output=2)),
        span(4, 1, prompt="greet", prompt_version="2", feature="f", tenant="t", cost_center="c", run="run_1",
             canary="can"),
    ],
    [
        *(score(1, 0.2, 1), score(2, 0.9, 2), score(None, 0.1, 3)),
        Score("prj_a", "scr_4", "helpful", SECOND, "human", label="so so", reason="Good.", trace_id=f"{2:032x}"),
    ],
)  # fmt: skip

CONDITIONS: list[dict[str, Any]] = [
    *({"status": "error"}, {"status": "ok"}, {"status": "unset"}, {"model": "b"}, {"provider": "p"}, {"kind": "tool"}),
    *({"name": "check"}, {"user": "u"}, {"session": "s"}, {"service": "shop"}, {"environment": "prod"}),
    *({"release": "rel_1"}, {"channel": "production"}, {"canary": "can"}, {"arm": "baseline"}, {"run": "run_1"}),
    *({"tag": "beta"}, {"feature": "f"}, {"tenant": "t"}, {"cost_center": "c"}, {"prompt": "greet"}),
    *({"prompt_version": "2"}, {"error_type": "Timeout"}, {"trace_id": f"{2:032x}"}, {"min_latency_ms": 2000.0}),
    *(
        {"max_latency_ms": 2000.0},
        {"min_cost": 0.1},
        {"min_tokens": 1},
        {"scores": ("helpful:lt:0.5",)},
        {"scores": ("helpful:ne:2",)},
        {"scores": ("helpful:exists:",)},
        {"scores": ("helpful:contains:good",)},
        {"scores": ("helpful:ne:good",)},
    ),
    *({"attributes": ("http.route:eq:/health",)}, {"attributes": ("http.route:exists:",)}),
    *({"attributes": ("n:ge:3",)}, {"attributes": ("http.route:contains:a",)}),
    *({"endpoint": "/health"}, {"endpoint": "call"}, {"differs": ("model:a",)}, {"differs": ("name:call",)}),
]


@pytest.fixture
async def traces(tmp_path: Path) -> AsyncIterator[Traces]:
    opened = await DuckStore.open(tmp_path / "facts")
    await opened.append(FACTS)
    yield Traces(opened)
    await opened.close()


async def found(traces: Traces, narrow: TraceFilter) -> set[int]:
    return {int(row["trace_id"], 16) for row in (await traces.find("prj_a", narrow)).items}


async def test_what_any_condition_finds_is_what_its_exclusion_leaves_out(traces: Traces) -> None:
    for condition in CONDITIONS:
        kept = TraceFilter(**condition)
        with_it, without = await found(traces, kept), await found(traces, TraceFilter(exclude=(kept,)))
        assert with_it, condition
        assert without == {1, 2, 3, 4} - with_it, condition
        assert await found(traces, replace(kept, exclude=(kept,))) == set(), condition


OF_ANY = [  # two that find other traces, and one that finds none
    ("status", ("error", "ok", "unset")),
    *(("model", ("a", "b", "no")), ("name", ("check", "call")), ("kind", ("tool", "llm")), ("tag", ("beta", "no"))),
    *(("endpoint", ("/health", "/chat", "call")), ("session", ("s", "no")), ("channel", ("production", "no"))),
    *(("user", ("u", "no")), ("prompt", ("greet", "no")), ("error_type", ("Timeout", "no"))),
    ("trace_id", (f"{1:032x}", f"{3:032x}", f"{9:032x}")),
]


async def test_of_several_values_one_must_hold(traces: Traces) -> None:
    for name, values in OF_ANY:
        for several in (values, values[:2], values[1:]):
            each = [await found(traces, TraceFilter(**{name: value})) for value in several]
            either = TraceFilter(**{name: several})
            assert await found(traces, either) == set().union(*each), (name, several)
            assert await found(traces, TraceFilter(exclude=(either,))) == {1, 2, 3, 4}.difference(*each), (
                name,
                several,
            )


async def test_what_one_span_says_holds_for_one_span_whichever_of_several_it_is(traces: Traces) -> None:
    assert await found(traces, TraceFilter(model=("a", "b"), kind="tool")) == {2}
    assert await found(traces, TraceFilter(model=("a", "b"), name=("check", "no"))) == {1}
    assert await found(traces, TraceFilter(model=("a", "no"), name=("check", "no"))) == set()
    assert await found(traces, TraceFilter(text="call", trace_id=(f"{2:032x}", f"{4:032x}"))) == {2, 4}


async def test_each_of_several_is_left_out_by_itself_beside_what_must_hold(traces: Traces) -> None:
    exclude = (TraceFilter(model="a"), TraceFilter(user="nobody"))
    assert await found(traces, TraceFilter(model="b", exclude=exclude)) == {2}
    both = TraceFilter(model="a", attributes=("n:ge:3",))  # of one and the same span: there is none
    assert await found(traces, TraceFilter(exclude=(both,))) == {1, 2, 3, 4}


async def test_an_endpoint_is_the_route_that_was_asked_for_else_the_name_of_a_root(traces: Traces) -> None:
    assert await found(traces, TraceFilter(endpoint="/chat")) == {3}
    assert await found(traces, TraceFilter(endpoint="call")) == {1, 2, 4}
    assert await found(traces, TraceFilter(endpoint="check")) == set()


async def test_another_value_is_said_by_the_span_that_all_else_holds_for(traces: Traces) -> None:
    assert await found(traces, TraceFilter(differs=("model:a",))) == {1, 2}
    assert await found(traces, TraceFilter(differs=("model:a",), name="check")) == {1}
    assert await found(traces, TraceFilter(differs=("model:b",))) == {1}  # what says none says no other
    with pytest.raises(InvalidInput, match="which span"):
        await found(traces, TraceFilter(differs=("user:a",)))


async def test_words_are_looked_for_among_what_is_left(traces: Traces) -> None:
    assert await found(traces, TraceFilter(text="call", exclude=(TraceFilter(status="error"),))) == {2, 3, 4}
