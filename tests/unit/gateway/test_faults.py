"""The fault matrix: a provider misbehaves; the caller sees a well-formed answer or error, and the span tells."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from openai import APIError, AsyncOpenAI, RateLimitError

from assay_server.core.records import Tokens
from tests.fakes.gateway import KEY, World
from tests.fakes.provider import Behaviour

HELLO: Any = [{"role": "user", "content": "Hello"}]
OVERLOADED = b'{"error": {"message": "slow down", "type": "rate", "code": "rate_limit_exceeded"}}'


def call(*, stream: bool) -> dict[str, Any]:
    return {"model": "fake/m", "messages": HELLO, "stream": stream}


def error_of(answer: httpx.Response) -> Mapping[str, Any]:
    """The error of a well-formed failure."""
    assert answer.headers["content-type"] == "application/json"
    error: Mapping[str, Any] = answer.json()["error"]
    assert error["message"]
    return error


def events_of(answer: httpx.Response) -> list[Any]:
    """The payloads of a well-formed stream."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("\n\n")
    payloads = [block.removeprefix("data: ") for block in answer.text.split("\n\n")[:-1]]
    return [payload if payload == "[DONE]" else json.loads(payload) for payload in payloads]


both = pytest.mark.parametrize("stream", [False, True])


@both
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 529])
async def test_an_error_passes_with_its_status_and_body(world: World, status: int, stream: bool) -> None:
    world.provider.on("m", Behaviour(status=status, body=OVERLOADED, headers=[("Retry-After", "7")]))
    answer = await world.post(call(stream=stream))
    assert answer.status_code == status
    assert answer.content == OVERLOADED
    assert answer.headers["retry-after"] == "7"
    span = await world.span()
    assert answer.headers["x-assay-span-id"] == span.span_id
    assert span.status == "error"
    assert span.attributes["http.response.status_code"] == status
    assert span.tokens is None


@both
async def test_an_error_without_retry_after_gets_none(world: World, stream: bool) -> None:
    world.provider.on("m", Behaviour(status=429, body=b"<html>busy</html>", content_type="text/html"))
    answer = await world.post(call(stream=stream))
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers
    assert "busy" in error_of(answer)["message"]


async def test_the_released_client_understands_the_errors(world: World) -> None:
    world.provider.on("m", Behaviour(status=429, body=OVERLOADED))
    world.provider.on("cut", Behaviour(break_at=3))
    async with AsyncOpenAI(base_url=f"{world.url}/v1", api_key=KEY, max_retries=0) as openai:
        with pytest.raises(RateLimitError, match="slow down"):
            await openai.chat.completions.create(model="fake/m", messages=HELLO)
        stream: Any = await openai.chat.completions.create(model="fake/cut", messages=HELLO, stream=True)
        said: list[str] = []

        async def listen() -> None:
            async for chunk in stream:
                said.append(chunk.choices[0].delta.content)  # noqa: PERF401 (what came before the error counts)

        with pytest.raises(APIError, match="broke off"):
            await listen()
    assert "".join(said) == "Hello"


@both
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_connection_lost_before_the_head(world: World, how: Any, stream: bool) -> None:
    world.provider.on("m", Behaviour(before_head=how))
    answer = await world.post(call(stream=stream))
    assert answer.status_code == 502
    assert error_of(answer)["code"] == "upstream_error"
    assert (await world.span()).status == "error"


@both
async def test_nobody_there(world: World, stream: bool) -> None:
    world.registry.add_provider("dead", "http://127.0.0.1:1/v1")
    answer = await world.post(call(stream=stream) | {"model": "dead/m"})
    assert answer.status_code == 502
    assert "127.0.0.1:1" in error_of(answer)["message"]
    assert (await world.span()).provider == "dead"


@both
async def test_a_provider_that_never_answers(hasty: World, stream: bool) -> None:
    hasty.provider.on("m", Behaviour(before_head="stall"))
    answer = await hasty.post(call(stream=stream))
    assert answer.status_code == 504
    assert error_of(answer)["type"] == "server_error"
    await asyncio.wait_for(hasty.provider.abort_seen.wait(), 5)


@both
async def test_a_stall_before_the_first_part(hasty: World, stream: bool) -> None:
    hasty.provider.on("m", Behaviour(first_after_s=60))
    answer = await hasty.post(call(stream=stream))
    assert answer.status_code == 504
    await asyncio.wait_for(hasty.provider.abort_seen.wait(), 5)


async def test_a_stall_between_parts_is_an_error_event(restless: World) -> None:
    restless.provider.on("m", Behaviour(break_at=3, break_how="stall"))
    answer = await restless.post(call(stream=True))
    assert answer.status_code == 200
    events = events_of(answer)
    assert "sent nothing" in events[-1]["error"]["message"]
    assert "[DONE]" not in events
    await asyncio.wait_for(restless.provider.abort_seen.wait(), 5)
    span = await restless.span()
    assert span.status == "error"
    assert json.loads(span.output or "")[0]["content"] == "Hello"
    assert span.tokens is None, "nobody counted"


async def test_a_slow_stream_is_not_cut(restless: World) -> None:
    words = [f"{number} " for number in range(10)]
    restless.provider.on("m", Behaviour(words=words, between_s=0.12))
    events = events_of(await restless.post(call(stream=True)))
    assert events[-1] == "[DONE]", "longer than any one deadline, but never silent for so long"
    assert (await restless.span()).status == "ok"


@pytest.mark.parametrize("how", ["close", "reset", "garbage", "error_event"])
async def test_a_stream_that_breaks_before_its_first_part_is_an_http_error(world: World, how: Any) -> None:
    world.provider.on("m", Behaviour(break_at=1, break_how=how))
    answer = await world.post(call(stream=True))
    assert answer.status_code == (529 if how == "error_event" else 502)
    assert error_of(answer)
    assert (await world.span()).status == "error"


@pytest.mark.parametrize("how", ["close", "reset", "garbage", "error_event"])
async def test_a_stream_that_breaks_later_ends_in_an_error_event(world: World, how: Any) -> None:
    world.provider.on("m", Behaviour(break_at=3, break_how=how, between_s=0.01))
    answer = await world.post(call(stream=True))
    assert answer.status_code == 200
    events = events_of(answer)
    assert events[-1]["error"]["message"]
    assert "[DONE]" not in events
    said = "".join(event["choices"][0]["delta"].get("content", "") for event in events[:-1])
    assert said == "Hello", "what came before the fault is not lost"
    assert (await world.span()).status == "error"


async def test_a_stream_that_just_ends_is_not_taken_for_whole(world: World) -> None:
    world.provider.on("m", Behaviour(finish=False, done=False))
    events = events_of(await world.post(call(stream=True)))
    assert "middle of the answer" in events[-1]["error"]["message"]


async def test_a_finished_stream_without_done_gets_one(world: World) -> None:
    world.provider.on("m", Behaviour(done=False))
    assert events_of(await world.post(call(stream=True)))[-1] == "[DONE]"
    assert (await world.span()).status == "ok"


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_events_may_arrive_in_any_slices(world: World, size: int) -> None:
    world.provider.on("m", Behaviour(words=("Grüße ", "🙂", "\n\n", "data: x"), chunk_bytes=size))
    events = events_of(await world.post(call(stream=True)))
    said = "".join(event["choices"][0]["delta"].get("content", "") for event in events[:-1])
    assert said == "Grüße 🙂\n\ndata: x"


@both
@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[1]", b'{"choices": 3}', b"{}", b'{"choices":[{"message":{"content":"\xff"}}]}']
)
async def test_a_body_that_is_no_completion(world: World, body: bytes, stream: bool) -> None:
    world.provider.on("m", Behaviour(body=body))
    answer = await world.post(call(stream=stream))
    assert answer.status_code == 502
    assert error_of(answer)


@both
async def test_an_error_inside_a_200(world: World, stream: bool) -> None:
    world.provider.on("m", Behaviour(body=b'{"error": {"message": "no credit", "code": 402}}'))
    answer = await world.post(call(stream=stream))
    assert answer.status_code == (502 if stream else 402)
    assert error_of(answer)["message"] == "no credit"


async def test_a_body_that_breaks_off(world: World) -> None:
    world.provider.on("m", Behaviour(break_at=20))
    answer = await world.post(call(stream=False))
    assert answer.status_code == 502
    assert error_of(answer)


async def test_a_redirect_is_not_followed(world: World) -> None:
    world.provider.on("m", Behaviour(status=307, body=b"", headers=[("Location", f"{world.provider.base_url}/models")]))
    answer = await world.post(call(stream=False))
    assert answer.status_code == 502
    assert len(world.provider.requests) == 1


@pytest.mark.parametrize(
    "usage",
    [
        None,
        "many",
        {"prompt_tokens": -1, "completion_tokens": "x"},
        {"prompt_tokens": 2.5},
        {"prompt_tokens": True},
        [],
    ],
)
@both
async def test_wrong_usage_is_unknown(world: World, usage: Any, stream: bool) -> None:
    world.provider.on("m", Behaviour(usage=usage))
    answer = await world.post(call(stream=stream))
    assert answer.status_code == 200
    span = await world.span()
    assert span.status == "ok"
    assert span.tokens is None


async def test_cached_and_reasoning_tokens_are_counted_once(world: World) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens_details": {"reasoning_tokens": 30}}
    world.provider.on(
        "m", Behaviour(usage={"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150} | details)
    )
    await world.post(call(stream=False))
    assert (await world.span()).tokens == Tokens(fresh_input=40, cache_read=60, output=20, reasoning=30)


@both
async def test_a_caller_that_goes_away_is_noticed(world: World, stream: bool) -> None:
    world.provider.on(
        "m", Behaviour(break_at=3 if stream else 20, break_how="stall", first_after_s=0 if stream else 60)
    )
    task = asyncio.create_task(world.post(call(stream=stream)))
    await asyncio.wait_for(world.provider.waiting.wait(), 5)
    task.cancel()
    await asyncio.wait_for(world.provider.abort_seen.wait(), 5)
    while not world.sink.spans:
        await asyncio.sleep(0.005)
    span = await world.span()
    assert span.status == "error"
    assert (span.status_message or "").startswith("client_disconnected")
    assert span.attributes["error.type"] == "client_disconnected"


async def test_a_caller_that_leaves_in_the_middle_of_a_stream(world: World) -> None:
    world.provider.on("m", Behaviour(break_at=3, break_how="stall"))
    headers = {"authorization": f"Bearer {KEY}"}
    url = f"{world.url}/v1/chat/completions"
    async with world.http.stream("POST", url, json=call(stream=True), headers=headers) as answer:
        async for line in answer.aiter_lines():
            if "lo" in line:
                break
    await asyncio.wait_for(world.provider.abort_seen.wait(), 5)
    while not world.sink.spans:
        await asyncio.sleep(0.005)
    span = await world.span()
    assert (span.status_message or "").startswith("client_disconnected")
    assert json.loads(span.output or "")[0]["content"] == "Hello"
    assert span.ttft_ms is not None


@both
async def test_connections_are_used_again(world: World, stream: bool) -> None:
    for _ in range(5):
        assert (await world.post(call(stream=stream))).status_code == 200
    assert world.provider.connections == 1
    assert world.provider.aborted == 0


async def test_a_connection_whose_last_bytes_come_late_is_used_again(world: World) -> None:
    world.provider.on("m", Behaviour(between_s=0.01))
    for _ in range(3):
        assert (await world.post(call(stream=True))).status_code == 200
        await asyncio.sleep(0.05)  # the answer does not wait for them
    assert world.provider.connections == 1


async def test_what_came_in_one_piece_with_a_fault_is_not_lost(world: World) -> None:
    piece = b'data: {"choices": [{"index": 0, "delta": {"content": "Hello"}}]}\n\n'
    world.provider.on("m", Behaviour(body=piece + b"data: {broken\n\n", content_type="text/event-stream"))
    events = events_of(await world.post(call(stream=True)))
    assert events[0]["choices"][0]["delta"]["content"] == "Hello"
    assert "no chat completion" in events[1]["error"]["message"]
    assert len(events) == 2


async def test_a_broken_connection_is_not_used_again(world: World) -> None:
    world.provider.on("cut", Behaviour(break_at=3))
    await world.post(call(stream=True) | {"model": "fake/cut"})
    assert (await world.post(call(stream=True))).status_code == 200
    assert world.provider.connections == 2


async def test_nothing_leaks_over_many_faulty_calls(world: World) -> None:
    hows: list[Any] = ["close", "reset", "garbage", "error_event"]
    for position, how in enumerate(hows):
        world.provider.on(f"b{position}", Behaviour(break_at=position + 1, break_how=how))
    models = ["m", "b0", "b1", "b2", "b3"]
    bodies = [call(stream=position % 2 == 0) | {"model": f"fake/{models[position % 5]}"} for position in range(60)]
    answers = await asyncio.gather(*map(world.post, bodies))
    for answer in answers:
        streamed = answer.headers["content-type"].startswith("text/event-stream")
        assert events_of(answer) if streamed else answer.json()
    spans = await world.spans()
    assert len({span.span_id for span in spans}) == len(spans) == 60
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]
    assert not [name for name in names if "watch" in name or "run_asgi" in name]


async def test_who_leaves_with_the_last_event_has_had_the_whole_answer(world: World) -> None:
    """OpenAI's clients hang up at `[DONE]`; the provider's connection may end later than that."""
    world.provider.on("m", Behaviour(between_s=0.15))
    async with AsyncOpenAI(base_url=f"{world.url}/v1", api_key=KEY, max_retries=0) as openai:
        stream: Any = await openai.chat.completions.create(model="fake/m", messages=HELLO, stream=True)
        said = [chunk async for chunk in stream]
    assert said[-1].choices[0].finish_reason == "stop"
    await asyncio.sleep(0.1)  # the caller's going arrives
    span = await world.span()
    assert (span.status, span.status_message) == ("ok", None)
