"""What `@observe`, `span`, `context` and threads leave behind, as it arrives at a server."""

import asyncio
import functools
import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import assay
from tests.fakes.rest import FakeServer


def test_a_function_becomes_a_span_with_its_arguments_and_result(connected: FakeServer) -> None:
    @assay.observe(kind="tool")
    def add(a: int, b: int = 2) -> int:
        return a + b

    assert add(1) == 3
    assay.flush()
    span = connected.span("test_a_function_becomes_a_span_with_its_arguments_and_result.add")
    assert span.attributes["assay.kind"] == "tool"
    assert json.loads(span.attributes["assay.input"]) == {"a": 1}
    assert span.attributes["assay.output"] == "3"


def test_a_method_leaves_self_out_and_static_and_class_methods_work(connected: FakeServer) -> None:
    class Shop:
        @assay.observe(name="instance")
        def ask(self, question: str) -> str:
            return question.upper()

        @assay.observe(name="static")
        @staticmethod
        def still(question: str) -> str:
            return question

        @assay.observe(name="class")
        @classmethod
        def make(cls, question: str) -> str:
            return cls.__name__ + question

    assert Shop().ask("why") == "WHY"
    assert Shop.still("x") == "x"
    assert Shop.make("y") == "Shopy"
    assay.flush()
    for name, value in (("instance", "why"), ("static", "x"), ("class", "y")):
        assert json.loads(connected.span(name).attributes["assay.input"]) == {"question": value}


async def test_coroutines_nest_across_tasks(connected: FakeServer) -> None:
    @assay.observe(name="inner")
    async def inner(n: int) -> int:
        await asyncio.sleep(0)
        return n

    @assay.observe(name="outer")
    async def outer() -> list[int]:
        return await asyncio.gather(inner(1), inner(2))

    assert await outer() == [1, 2]
    assay.flush()
    spans = connected.spans()
    root = next(span for span in spans if span.name == "outer")
    children = [span for span in spans if span.name == "inner"]
    assert len(children) == 2
    assert {span.parent_id for span in children} == {root.span_id}
    assert root.parent_id is None


def test_a_generator_is_current_only_while_it_runs(connected: FakeServer) -> None:
    @assay.observe(name="stream")
    def stream() -> Iterator[str]:
        with assay.span("inside"):
            yield "Hel"
        yield "lo"

    with assay.span("consumer") as consumer:
        for _ in stream():
            assert assay.current_span().span_id == consumer.span_id
    assay.flush()
    assert connected.span("stream").attributes["assay.output"] == "Hello"
    assert connected.span("inside").parent_id == connected.span("stream").span_id
    assert connected.span("stream").parent_id == consumer.span_id


def test_a_generator_keeps_send_throw_and_return(connected: FakeServer) -> None:
    @assay.observe(name="talk")
    def talk() -> Any:
        heard = yield "ready"
        try:
            yield f"heard {heard}"
        except ValueError:
            yield "caught"
        return "result"

    def outer() -> Any:
        return (yield from talk())

    generator = outer()
    assert next(generator) == "ready"
    assert generator.send("hi") == "heard hi"
    assert generator.throw(ValueError()) == "caught"
    with pytest.raises(StopIteration) as stopped:
        next(generator)
    assert stopped.value.value == "result"
    assay.flush()
    assert connected.span("talk").status == 0


def test_an_abandoned_generator_ends_its_span_and_runs_its_cleanup(connected: FakeServer) -> None:
    cleaned = []

    @assay.observe(name="stream")
    def stream() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            cleaned.append(True)

    iterator = stream()
    assert next(iterator) == 1
    iterator.close()  # type: ignore[attr-defined]
    assert cleaned == [True]
    assay.flush()
    span = connected.span("stream")
    assert json.loads(span.attributes["assay.output"]) == [1]
    assert span.status != 2


async def test_an_asynchronous_generator_collects_what_it_yielded(connected: FakeServer) -> None:
    @assay.observe(name="tokens")
    async def tokens() -> AsyncIterator[str]:
        for token in ("a", "b"):
            await asyncio.sleep(0)
            yield token

    assert [token async for token in tokens()] == ["a", "b"]
    assay.flush()
    assert connected.span("tokens").attributes["assay.output"] == "ab"


@pytest.mark.parametrize("kind", ["function", "coroutine", "generator", "asyncgen"])
async def test_an_exception_is_recorded_and_goes_on(connected: FakeServer, kind: str) -> None:
    @assay.observe(name="function")
    def function() -> None:
        raise KeyError("lost")

    @assay.observe(name="coroutine")
    async def coroutine() -> None:
        raise KeyError("lost")

    @assay.observe(name="generator")
    def generator() -> Iterator[int]:
        yield 1
        raise KeyError("lost")

    @assay.observe(name="asyncgen")
    async def asyncgen() -> AsyncIterator[int]:
        yield 1
        raise KeyError("lost")

    async def drain() -> None:
        async for _ in asyncgen():
            pass

    async def call() -> None:
        if kind == "function":
            function()
        elif kind == "coroutine":
            await coroutine()
        elif kind == "generator":
            list(generator())
        else:
            await drain()

    with pytest.raises(KeyError):
        await call()
    assay.flush()
    span = connected.span(kind)
    assert span.status == 2
    assert span.events == ["exception"]


async def test_a_call_that_timed_out_is_no_good_one(connected: FakeServer) -> None:
    @assay.observe(name="slow")
    async def slow() -> None:
        await asyncio.sleep(10)

    @assay.observe(name="stream")
    async def stream() -> AsyncIterator[str]:
        yield "one"
        await asyncio.sleep(10)

    async def read() -> list[str]:
        return [each async for each in stream()]

    for call in (slow, read):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call(), 0.05)
    assert assay.flush(10)
    assert [
        (connected.span(name).status, connected.span(name).attributes["error.type"]) for name in ("slow", "stream")
    ] == [(2, "CancelledError")] * 2


def test_capture_can_be_switched_off(connected: FakeServer) -> None:
    @assay.observe(name="secret", capture=False)
    def secret(password: str) -> str:
        return password

    secret("hunter2")
    assay.flush()
    assert "hunter2" not in str(connected.span("secret").attributes)


def test_a_thread_joins_the_trace(connected: FakeServer) -> None:
    def work(name: str) -> None:
        with assay.span(name):
            pass

    with assay.context(user="ada"), assay.span("root") as root:
        thread = threading.Thread(target=assay.in_thread(work), args=("thread",))
        thread.start()
        thread.join()
        with assay.executor(2) as pool:
            list(pool.map(work, ["pool"]))
    assay.flush()
    for name in ("thread", "pool"):
        assert connected.span(name).parent_id == root.span_id
        assert connected.span(name).attributes["user.id"] == "ada"


@pytest.mark.parametrize("kind", ["synchronous", "asynchronous"])
async def test_a_stream_that_is_read_later_belongs_to_where_it_was_made(connected: FakeServer, kind: str) -> None:
    @assay.observe(name="answer", kind="llm")
    def words() -> Iterator[str]:
        with assay.span("inner"):
            yield "a"
        yield "b"

    @assay.observe(name="answer", kind="llm")
    async def later() -> AsyncIterator[str]:
        with assay.span("inner"):
            await asyncio.sleep(0)
            yield "a"
        yield "b"

    def made() -> Any:
        with assay.context(user="ada", session="s1"), assay.span("request"):
            return assay.carry(words() if kind == "synchronous" else later())

    stream, other, broken = made(), made(), made()
    if kind == "synchronous":
        assert await asyncio.to_thread(list, stream) == ["a", "b"]
        assert next(other) == "a"
        other.close()
    else:
        assert [each async for each in stream] == ["a", "b"]
        assert await anext(other) == "a"
        await other.aclose()
        task = asyncio.ensure_future(anext(broken))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with assay.span("outside"):
        pass
    assert assay.flush(10)
    spans = connected.spans()
    by_id = {span.span_id: span for span in spans}
    answers = [span for span in spans if span.name == "answer"]
    assert len(answers) == (2 if kind == "synchronous" else 3)
    for answer in answers:
        assert by_id[str(answer.parent_id)].name == "request"
        assert (answer.attributes["user.id"], answer.attributes["session.id"]) == ("ada", "s1")
    assert all(by_id[str(span.parent_id)].name == "answer" for span in spans if span.name == "inner")
    outside = connected.span("outside")
    assert (outside.parent_id, "user.id" in outside.attributes) == (None, False)


def test_context_marks_every_span_inside_and_none_outside(connected: FakeServer) -> None:
    with assay.context(user="ada", tags=["beta"]), assay.context(session="s1", tags=["eu", "beta"]), assay.span("in"):
        pass
    with assay.span("out"):
        pass
    assay.flush()
    inside = connected.span("in").attributes
    assert (inside["user.id"], inside["session.id"], inside["assay.tags"]) == ("ada", "s1", ["beta", "eu"])
    assert not {"user.id", "session.id", "assay.tags"} & set(connected.span("out").attributes)


def test_headers_carry_trace_and_context_to_the_other_side_and_back_in(connected: FakeServer) -> None:
    with assay.context(user="Zoë 50%", session="s", tags=["a,b", "c"], run="run_1", item="i1"), assay.span("a") as sent:
        headers = assay.headers()
    assert headers["traceparent"].split("-")[1:3] == [sent.trace_id, sent.span_id]
    assert all(value.isascii() for value in headers.values())
    with assay.context(headers={name.title(): value for name, value in headers.items()}), assay.span("b"):
        assert assay.headers()["x-assay-tags"] == headers["x-assay-tags"]
    assay.flush()
    other = connected.span("b")
    assert (other.trace_id, other.parent_id) == (sent.trace_id, sent.span_id)
    found = {key: other.attributes[key] for key in ("user.id", "assay.tags", "assay.run", "assay.item")}
    assert found == {"user.id": "Zoë 50%", "assay.tags": ["a,b", "c"], "assay.run": "run_1", "assay.item": "i1"}


def test_documents_have_one_shape(connected: FakeServer) -> None:
    with assay.span("retrieve", kind="retriever") as span:
        span.input("q").documents(["plain", {"id": "d1", "text": "t", "score": 0.5, "page": 3}]).set("top_k", 2)
    assay.flush()
    documents = json.loads(connected.span("retrieve").attributes["retrieval.documents"])
    assert documents[0] == {"id": None, "content": "plain", "score": None, "metadata": {}}
    assert documents[1] == {"id": "d1", "content": "t", "score": 0.5, "metadata": {"page": 3}}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (type("Shop", (), {}), "this is the class Shop"),
        (property(len), "this is a property"),
        (functools.cached_property(len), "this is a property"),
        ("a name", "this is 'a name'"),
    ],
)
def test_what_is_no_function_is_refused_where_it_is_decorated(what: Any, said: str) -> None:
    with pytest.raises(assay.InvalidInput, match=said) as caught:
        assay.observe(what)
    assert caught.value.fix


def test_objects_and_partials_are_observed_as_what_they_call(connected: FakeServer) -> None:
    class Agent:
        async def __call__(self, question: str) -> str:
            await asyncio.sleep(0)
            return question.upper()

    class Stream:
        def __call__(self) -> Iterator[str]:
            yield from "ab"

    def add(a: int, b: int) -> int:
        return a + b

    assert asyncio.run(assay.observe(Agent())("why")) == "WHY"
    assert asyncio.run(assay.observe(functools.partial(Agent(), "why"))()) == "WHY"
    assert list(assay.observe(Stream())()) == ["a", "b"]
    assert assay.observe(functools.partial(add, 1))(2) == 3
    assay.flush()
    told = [(span.name.rpartition(".")[2], span.attributes["assay.output"]) for span in connected.spans()]
    assert told == [("Agent", "WHY"), ("Agent", "WHY"), ("Stream", "ab"), ("add", "3")]


def test_a_generator_that_is_open_when_the_loop_ends_is_closed_in_peace(connected: FakeServer) -> None:
    cleaned, kept, troubles = [], [], []

    @assay.observe(name="open")
    async def stream() -> AsyncIterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    async def first() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, trouble: troubles.append(trouble))
        kept.append(stream())
        await anext(kept[0])

    for _ in range(5):  # in which order they are closed is left to chance
        asyncio.run(first())
        kept.clear()
    assay.flush()
    assert (troubles, len(cleaned)) == ([], 5)
    assert [span.attributes["assay.output"] for span in connected.spans()] == ["a"] * 5
