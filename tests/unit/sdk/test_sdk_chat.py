"""What a model call was asked and answered, in the shapes people hand over and get back."""

import json
from typing import Any

import pytest

import assay
from tests.fakes.rest import FakeServer, SentSpan

MESSAGES = [{"role": "user", "content": "How long is the warranty?"}]
TOOLS = [{"type": "function", "function": {"name": "search"}}]
OPENAI = {
    "id": "chatcmpl-1",
    "model": "gpt-4o-2024-11-20",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Two years."}}],
    "usage": {
        "prompt_tokens": 120,
        "completion_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 100},
        "completion_tokens_details": {"reasoning_tokens": 4},
    },
}
ANTHROPIC = {
    "id": "msg_1",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "Two years."}],
    "usage": {"input_tokens": 20, "output_tokens": 9, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 0},
}


class Answer:
    """As pydantic makes the clients' answers."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self.__dict__ |= told

    def model_dump(self) -> dict[str, Any]:
        return self._told


def sent(server: FakeServer) -> SentSpan:
    assert assay.flush(10)
    return server.spans()[-1]


@pytest.mark.parametrize("whole", [Answer, dict], ids=["object", "dictionary"])
def test_an_answer_of_openai_tells_its_model_and_tokens(connected: FakeServer, whole: Any) -> None:
    @assay.observe(kind="llm")
    def ask(messages: list[Any], model: str = "gpt-4o", **parameters: Any) -> Any:
        return whole(OPENAI)

    ask(MESSAGES, "gpt-4o", temperature=0.5, tools=TOOLS, metadata={"a": 1})
    told = sent(connected).attributes
    assert json.loads(told["assay.input"]) == MESSAGES
    assert json.loads(told["assay.output"]) == [{"role": "assistant", "content": "Two years."}]
    assert (told["gen_ai.request.model"], told["gen_ai.response.model"]) == ("gpt-4o", "gpt-4o-2024-11-20")
    counted = {name.removeprefix("gen_ai.usage."): told[name] for name in told if name.startswith("gen_ai.usage.")}
    assert counted == {
        "input_tokens": 120,
        "output_tokens": 9,
        "cache_read.input_tokens": 100,
        "reasoning.output_tokens": 4,
    }
    assert (told["gen_ai.request.temperature"], json.loads(told["gen_ai.tool.definitions"])) == (0.5, TOOLS)
    assert json.loads(told["assay.arguments"]) == {"metadata": {"a": 1}}


def test_a_request_may_be_one_dictionary(connected: FakeServer) -> None:
    @assay.observe(kind="llm")
    def create(request: dict[str, Any]) -> Any:
        return OPENAI

    create({"model": "gpt-4o", "messages": MESSAGES, "temperature": 0.5, "tools": TOOLS})
    told = sent(connected).attributes
    assert json.loads(told["assay.input"]) == MESSAGES
    assert (told["gen_ai.request.temperature"], json.loads(told["gen_ai.tool.definitions"])) == (0.5, TOOLS)
    assert "assay.arguments" not in told


async def test_what_anthropic_counts_apart_is_part_of_the_input(connected: FakeServer) -> None:
    @assay.observe(kind="llm")
    async def ask(messages: list[Any]) -> Any:
        return Answer(ANTHROPIC)

    await ask(MESSAGES)
    told = sent(connected).attributes
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.cache_read.input_tokens"]) == (120, 100)
    assert json.loads(told["assay.output"]) == [{"role": "assistant", "content": ANTHROPIC["content"]}]


@pytest.mark.parametrize("odd", [None, "text", {"choices": []}, {"choices": [None]}, {"content": "x"}, [], Answer({})])
def test_anything_else_is_shown_as_it_is(connected: FakeServer, odd: Any) -> None:
    @assay.observe(kind="llm")
    def ask(question: Any) -> Any:
        return odd

    assert ask({"messages": [1]}) is odd
    told = sent(connected).attributes
    assert json.loads(told["assay.input"]) == {"question": {"messages": [1]}}
    assert not any(name.startswith("gen_ai.") for name in told)


def test_a_span_says_its_usage(connected: FakeServer) -> None:
    with assay.span("ask", kind="llm") as span:
        span.usage(model="gpt-4o", input_tokens=10, output_tokens=2, cached_tokens=4)
    told = sent(connected).attributes
    assert (told["gen_ai.response.model"], told["gen_ai.usage.input_tokens"]) == ("gpt-4o", 10)
    assert told["gen_ai.usage.cache_read.input_tokens"] == 4


def chunk(delta: dict[str, Any], **more: Any) -> Answer:
    return Answer({"id": "chatcmpl-1", "model": "gpt-4o-2024-11-20", "choices": [{"index": 0, "delta": delta}], **more})


CHUNKS = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Two "}),
    chunk({"content": "years."}),
    chunk({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "search", "arguments": ""}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"q": '}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}),
    Answer({"id": "chatcmpl-1", "model": "gpt-4o-2024-11-20", "choices": [], "usage": OPENAI["usage"]}),
]
EVENTS = [
    {"type": "message_start", "message": {"id": "msg_1", "model": "claude-x", "usage": {"input_tokens": 20}}},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Two "}},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "years."}},
    {"type": "message_delta", "usage": {"output_tokens": 9}},
]


async def test_a_streamed_answer_is_put_together(connected: FakeServer) -> None:
    @assay.observe(kind="llm")
    async def stream(messages: list[Any], pieces: list[Any]) -> Any:
        for piece in pieces:
            yield piece

    assert [one async for one in stream(MESSAGES, CHUNKS)] == CHUNKS
    told = sent(connected).attributes
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": 1}'}}
    assert json.loads(told["assay.output"]) == [{"role": "assistant", "content": "Two years.", "tool_calls": [call]}]
    assert (told["gen_ai.response.model"], told["gen_ai.usage.input_tokens"]) == ("gpt-4o-2024-11-20", 120)
    assert [one async for one in stream(MESSAGES, EVENTS)] == EVENTS
    told = sent(connected).attributes
    assert json.loads(told["assay.output"])[0]["content"] == [{"type": "text", "text": "Two years."}]
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (20, 9)
