"""`loop_guard` stops the call that is one too many, before the tool runs, and says so on the trace."""

import asyncio
from collections.abc import Iterator

import pytest

import assay
from tests.fakes.rest import FakeServer


@assay.observe(kind="tool", name="search")
def search(query: str, page: int = 1) -> str:
    return f"{query} {page}"


def test_the_call_after_the_last_allowed_one_is_stopped_and_marked(connected: FakeServer) -> None:
    ran = []

    @assay.observe(kind="tool", name="look")
    def look(query: str) -> None:
        ran.append(query)

    @assay.observe(kind="agent", name="agent")
    def agent() -> None:
        with assay.loop_guard(max_calls=3):
            while True:
                look("red shoes")

    with pytest.raises(assay.LoopDetected) as stopped:
        agent()
    assert (stopped.value.value, len(ran)) == ("look", 3)
    assay.flush()
    assert connected.span("agent").attributes["circuit_breaker"] == "triggered"
    marked = [span for span in connected.spans() if span.name == "look" and "circuit_breaker" in span.attributes]
    assert len(marked) == 1
    assert len([span for span in connected.spans() if span.name == "look"]) == 4


def test_other_arguments_are_other_calls_and_spelling_is_not() -> None:
    with assay.loop_guard(max_calls=2) as guard:
        for page in range(10):
            search("shoes", page=page)
        search("Hats")
        search("hats ")
        assert not guard.triggered
        with pytest.raises(assay.LoopDetected):
            search("HATS!")
        assert guard.triggered


def test_signs_are_other_arguments_and_the_order_of_keys_is_not() -> None:
    with assay.loop_guard(max_calls=1) as guard:
        for expression in ("2+2", "2-2", "2*2", "2 + 2", "x > 3", "x < 3", "-5", "5", "./a", "../a", ".", ".."):
            guard.call("calculate", {"expression": expression})
        guard.call("mine", {"a": 1, "b": "x"})
        with pytest.raises(assay.LoopDetected):
            guard.call("mine", {"b": "X.", "a": 1})


def test_without_a_guard_nothing_is_stopped_and_guards_do_not_share_counts() -> None:
    for _ in range(10):
        search("x")
    for _ in range(2):
        with assay.loop_guard(max_calls=5):
            for _ in range(5):
                search("x")


async def test_asynchronous_tools_and_their_tasks_count_together() -> None:
    @assay.observe(kind="tool", name="fetch")
    async def fetch(url: str) -> None:
        await asyncio.sleep(0)

    with assay.loop_guard(max_calls=3):
        await asyncio.gather(*(fetch("http://a") for _ in range(3)))
        with pytest.raises(assay.LoopDetected):
            await fetch("http://a")


def test_a_tool_that_yields_is_stopped_before_it_begins() -> None:
    @assay.observe(kind="tool", name="stream")
    def stream() -> Iterator[int]:
        yield 1

    with assay.loop_guard(max_calls=1):
        assert list(stream()) == [1]
        with pytest.raises(assay.LoopDetected):
            list(stream())


def test_only_tools_count_unless_told() -> None:
    @assay.observe(name="plain")
    def plain() -> None: ...

    with assay.loop_guard(max_calls=1) as guard:
        for _ in range(5):
            plain()
        guard.call("mine", {"a": 1})
        with pytest.raises(assay.LoopDetected):
            guard.call("mine", {"a": 1})
    with pytest.raises(ValueError, match="at least 1"), assay.loop_guard(max_calls=0):
        pass
