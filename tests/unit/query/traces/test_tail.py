"""Live tail: what is asked for, of one project, and honest about what was missed."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from assay_server.core.errors import Busy
from assay_server.core.records import Facts, Score, Span
from assay_server.query import News, Tail, TailFilter, read_condition


def span(number: int = 1, project: str = "prj_a", **fields: Any) -> Span:
    return Span(project, "a" * 32, f"{number:016x}", None, fields.pop("name", "call"), "llm", 0, 2_000_000, **fields)


async def told(tail: Tail, facts: Facts, narrow: TailFilter = TailFilter()) -> list[News]:
    """What a watcher hears of the facts, before it is quiet again."""
    watching = tail.watch("prj_a", narrow, quiet_s=0.01)
    assert (await anext(watching)).kind == "quiet"
    await tail.heard(facts)
    heard = []
    async for news in watching:
        if news.kind == "quiet":
            break
        heard.append(news)
    await watching.aclose()
    return heard


async def test_spans_and_scores_are_told_as_they_come_and_never_of_others() -> None:
    score = Score("prj_a", "s", "good", 0, "human", 1.0, trace_id="a" * 32)
    facts = Facts(
        [span(input="x" * 400, cost=0.5), span(2, "prj_b")], [score, Score("prj_b", "t", "good", 0, "human", 1.0)]
    )
    heard = await told(Tail(), facts)
    assert [news.kind for news in heard] == ["span", "score"]
    shown = heard[0].data
    assert (shown["span_id"], shown["latency_ms"], shown["cost"], shown["input"]) == (f"{1:016x}", 2.0, 0.5, "x" * 300)
    assert heard[1].data["id"] == "s"


@pytest.mark.parametrize(
    ("narrow", "fits"),
    [
        (TailFilter(status="error"), [2]),
        (TailFilter(user="ada", kind="llm"), [1]),
        (TailFilter(text="REFUND"), [3]),
        (TailFilter(model="nothing"), []),
    ],
)
async def test_filters(narrow: TailFilter, fits: list[int]) -> None:
    spans = [span(1, user="ada"), span(2, status="error"), span(3, output="a Refund")]
    heard = await told(Tail(), Facts(spans, [Score("prj_a", "s", "good", 0, "human", 1.0, session="x")]), narrow)
    assert [int(news.data["span_id"], 16) for news in heard] == fits


async def test_a_slow_reader_is_told_how_much_it_missed() -> None:
    heard = await told(Tail(), Facts([span(number) for number in range(1, 701)]))
    assert (heard[0], len(heard)) == (News("missed", {"n": 200}), 501)


async def test_more_than_anybody_reads_is_counted_until_the_next_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("assay_server.query.traces.tail.time", SimpleNamespace(monotonic=lambda: now))
    tail = Tail()
    watching = tail.watch("prj_a", quiet_s=0.01)
    assert (await anext(watching)).kind == "quiet"
    heard = []
    for seconds in (0.0, 0.4, 0.5, 0.2):  # the last is in the next second
        now += seconds
        await tail.heard(Facts([span(number) for number in range(1, 201)]))
        while (news := await anext(watching)).kind != "quiet":
            heard.append(news)
    await watching.aclose()
    assert [news for news in heard if news.kind == "missed"] == [News("missed", {"n": 100})]
    assert len(heard) == 500 + 1 + 200


async def test_who_goes_makes_room_and_too_many_are_refused() -> None:
    tail = Tail()
    watching = [tail.watch("prj_a") for _ in range(50)]
    for each in watching:
        await anext(each)
    with pytest.raises(Busy):
        await anext(tail.watch("prj_a"))
    other = tail.watch("prj_b")
    assert (await anext(other)).kind == "quiet", "another project's places are its own"
    await other.aclose()
    await watching[0].aclose()
    assert (await anext(tail.watch("prj_a"))).kind == "quiet"
    for each in watching:
        await each.aclose()


async def test_all_projects_together_have_an_end() -> None:
    tail = Tail()
    watching = [tail.watch(f"prj_{number // 40}") for number in range(200)]
    for each in watching:
        await anext(each)
    with pytest.raises(Busy, match="200 of all projects"):
        await anext(tail.watch("prj_new"))
    for each in watching:
        await each.aclose()


async def test_watching_ends_with_the_server() -> None:
    tail = Tail()
    watching = tail.watch("prj_a", quiet_s=600)
    await anext(watching)
    waiting = asyncio.create_task(anext(watching))
    await asyncio.sleep(0)
    tail.close()
    assert await waiting == News("quiet", {})
    assert [news async for news in watching] == []


@pytest.mark.parametrize(
    ("narrow", "taken"),
    [
        (TailFilter(provider="openai", service="shop", tag="beta"), True),
        (TailFilter(tag="alpha"), False),
        (TailFilter(tag=("alpha", "beta"), provider=["openai", "x"], endpoint=("/chat", "/x")), True),
        (TailFilter(error_type=("timeout", "refused"), trace_id=("a" * 32, "b" * 32)), True),
        (TailFilter(provider=("anthropic", "x")), False),
        (TailFilter(exclude=(TailFilter(tag=("alpha", "beta")),)), False),
        (TailFilter(min_latency_ms=2, max_latency_ms=3), True),
        (TailFilter(min_latency_ms=2.1), False),
        (TailFilter(min_tokens=1), False),
        (TailFilter(min_cost=0.1), False),  # nobody knows what it cost
        (TailFilter(text='shoes "how long"'), True),
        (TailFilter(text='"long shoes"'), False),
        (TailFilter(attributes=(read_condition("route:eq:/chat"),)), True),
        (TailFilter(attributes=(read_condition("route:ne:/chat"),)), False),
        (TailFilter(trace_id="a" * 32), True),
        (TailFilter(channel="production"), False),
        (TailFilter(exclude=(TailFilter(channel="production"), TailFilter(min_cost=0.1))), True),
        (TailFilter(provider="openai", exclude=(TailFilter(tag="beta"),)), False),
        (TailFilter(exclude=(TailFilter(attributes=(read_condition("route:eq:/chat"),)),)), False),
        (TailFilter(prompt="answer", prompt_version="2"), True),
        (TailFilter(prompt="answer", prompt_version="3"), False),
        (TailFilter(endpoint="/chat"), True),
        (TailFilter(endpoint="call"), False),
        (TailFilter(differs=("provider:anthropic", "error_type:refused")), True),
        (TailFilter(differs=("provider:openai",)), False),
        (TailFilter(differs=("model:a",)), False),  # it says none
        (TailFilter(error_type="timeout"), True),
        (TailFilter(error_type="no type"), False),
    ],
)
def test_every_filter_of_a_span_holds_for_what_arrives(narrow: TailFilter, taken: bool) -> None:
    arriving = span(
        provider="openai", service="shop", tags=["beta"], input="How long may I", output="return shoes",
        attributes={"route": "/chat", "http.route": "/chat"}, prompt="answer", prompt_version="2", status="error",
        status_message="timeout",
    )  # fmt: skip
    assert narrow.takes_span(arriving) is taken


def test_scores_are_told_where_nothing_is_asked_of_spans() -> None:
    score = Score("prj_a", "s", "good", 0, "human", 1.0, trace_id="a" * 32, session="chat")
    assert TailFilter(session="chat").takes_score(score)
    assert not TailFilter(session="other").takes_score(score)
    assert TailFilter(session=("other", "chat")).takes_score(score)
    assert not TailFilter(session=("other", "more")).takes_score(score)
    assert not TailFilter(min_cost=0.0).takes_score(score)
    assert not TailFilter(attributes=(read_condition("route:exists:"),)).takes_score(score)
