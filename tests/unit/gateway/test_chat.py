"""A chat call that goes well: what the caller sees, what the provider gets, what the span says."""

import json
from typing import Any

import pytest
from openai import APIStatusError, AsyncOpenAI

from assay_server.core.ports import CompletionRequest
from assay_server.core.records import Tokens
from tests.fakes.gateway import KEY, PROJECT, World, release
from tests.fakes.provider import DATED, Behaviour

HELLO: Any = [{"role": "user", "content": "Hello"}]
TEXT = "Hello, world."
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def client(world: World) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{world.url}/v1", api_key=KEY, max_retries=0)


async def test_the_released_client_gets_an_answer(world: World) -> None:
    async with client(world) as openai:
        answer = await openai.chat.completions.create(model=f"fake/{DATED}", messages=HELLO)
    assert answer.choices[0].message.content == TEXT
    assert answer.usage is not None
    assert answer.usage.total_tokens == 15
    span = await world.span()
    assert (span.kind, span.status, span.name) == ("llm", "ok", f"chat {DATED}")
    assert (span.project, span.provider, span.model) == (PROJECT, "fake", DATED)
    assert span.tokens == Tokens(fresh_input=11, output=4)
    assert span.cost is None
    assert json.loads(span.input or "") == HELLO
    assert json.loads(span.output or "") == [{"role": "assistant", "content": TEXT}]
    assert span.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert span.end_ns > span.start_ns
    assert span.ttft_ms is None


async def test_the_released_client_gets_a_stream(world: World) -> None:
    async with client(world) as openai:
        stream: Any = await openai.chat.completions.create(model=f"fake/{DATED}", messages=HELLO, stream=True)
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert all(chunk.usage is None for chunk in chunks), "the caller did not ask for usage"
    span = await world.span()
    assert span.tokens == Tokens(fresh_input=11, output=4), "the gateway did"
    assert span.ttft_ms is not None
    assert span.ttft_ms <= (span.end_ns - span.start_ns) / 1e6
    assert json.loads(span.output or "")[0]["content"] == TEXT


async def test_usage_is_passed_on_to_who_asks_for_it(world: World) -> None:
    async with client(world) as openai:
        stream: Any = await openai.chat.completions.create(
            model=f"fake/{DATED}", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert chunks[-1].usage.total_tokens == 15
    assert chunks[-1].choices == []


async def test_what_need_not_change_passes_as_bytes(world: World) -> None:
    messages = b'[ {"role":"user","content":"\\u00e9  \xc3\xa9"} ]'
    odd = b'{"model":"fake/m", "messages" : %b,"seed":1.50,"new_field":{"a" :1}}' % messages
    answer = await world.post(odd)
    assert answer.status_code == 200
    sent = world.provider.requests[0].raw
    assert messages in sent
    assert b'"seed":1.50' in sent
    assert b'{"a" :1}' in sent
    assert world.provider.requests[0].body["model"] == "m"


async def test_the_answer_passes_as_bytes(world: World) -> None:
    body = b'{ "choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}], "odd":1.0 }'
    world.provider.on(
        "m", Behaviour(body=body, headers=[("x-ratelimit-remaining-requests", "7"), ("x-request-id", "q")])
    )
    answer = await world.post({"model": "fake/m", "messages": HELLO})
    assert answer.content == body
    assert answer.headers["x-ratelimit-remaining-requests"] == "7"
    assert answer.headers["x-upstream-request-id"] == "q"
    assert (await world.span()).tokens is None, "unknown, not zero"


async def test_tool_calls_are_told_in_the_span_streamed_or_not(world: World) -> None:
    world.provider.on("m", Behaviour(words=(), tool_call=True))
    for stream in (False, True):
        answer = await world.post({"model": "fake/m", "messages": HELLO, "stream": stream})
        assert answer.status_code == 200
    function = {"name": "look_up", "arguments": '{"q":"rain"}'}
    call = {"id": "call_1", "type": "function", "function": function}
    for span in await world.spans():
        assert json.loads(span.output or "")[0]["tool_calls"] == [call]
        assert span.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]


async def test_the_trace_goes_on_through_the_gateway(world: World) -> None:
    answer = await world.post({"model": "fake/m", "messages": HELLO}, traceparent=PARENT, tracestate="a=b")
    span = await world.span()
    assert (span.trace_id, span.parent_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert answer.headers["x-assay-trace-id"] == span.trace_id
    assert answer.headers["x-assay-span-id"] == span.span_id
    sent = world.provider.requests[0].headers
    assert sent["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
    assert sent["tracestate"] == "a=b"


async def test_without_a_trace_each_call_is_one(world: World) -> None:
    for broken in ("", "nonsense", PARENT.replace("00-", "ff-", 1), f"00-{'0' * 32}-b7ad6b7169203331-01"):
        await world.post({"model": "fake/m", "messages": HELLO}, traceparent=broken)
    spans = await world.spans()
    assert {span.parent_id for span in spans} == {None}
    assert len({span.trace_id for span in spans}) == 4


async def test_what_the_caller_says_about_itself(world: World) -> None:
    headers = {"x-assay-user": "u", "x-assay-session": "s", "x-assay-channel": "c", "x-assay-canary": "can_1"}
    headers |= {"x-assay-arm": "candidate", "x-assay-run": "run_1", "x-assay-item": "i", "x-assay-tags": "a, b,,"}
    await world.post({"model": "fake/m", "messages": HELLO}, **headers)
    span = await world.span()
    assert (span.user, span.session, span.channel, span.canary, span.arm) == ("u", "s", "c", "can_1", "candidate")
    assert (span.run, span.item, span.tags) == ("run_1", "i", ["a", "b"])


async def test_an_arm_nobody_knows_is_no_arm(world: World) -> None:
    await world.post({"model": "fake/m", "messages": HELLO, "user": "body"}, x_assay_arm="c", x_assay_user="header")
    span = await world.span()
    assert span.arm is None
    assert span.user == "body"


async def test_keys_go_to_the_provider_and_nowhere_else(world: World) -> None:
    world.environment["FAKE_KEY"] = "sk-secret-of-the-provider"
    world.registry.add_provider("keyed", world.provider.base_url, "FAKE_KEY")
    answer = await world.post({"model": "keyed/m", "messages": HELLO})
    assert world.provider.requests[0].headers["authorization"] == "Bearer sk-secret-of-the-provider"
    span = await world.span()
    assert "sk-secret" not in repr(span) + answer.text + str(answer.headers)
    assert KEY not in str(world.provider.requests[0].headers)


async def test_a_missing_key_names_the_variable(world: World) -> None:
    world.registry.add_provider("keyed", world.provider.base_url, "FAKE_KEY")
    answer = await world.post({"model": "keyed/m", "messages": HELLO})
    assert answer.status_code == 503
    assert "FAKE_KEY" in answer.json()["error"]["message"]


async def test_files_in_messages_are_not_stored(world: World) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'QUJD' * 1000}"}}
    await world.post({"model": "fake/m", "messages": [{"role": "user", "content": [picture]}]})
    assert world.provider.requests[0].body["messages"][0]["content"] == [picture]
    span = await world.span()
    assert "data:image/png;base64,(4000 characters)" in (span.input or "")
    assert json.loads(span.input or "")


async def test_parameters_stand_in_the_span(world: World) -> None:
    await world.post({"model": "fake/m", "messages": HELLO, "temperature": 0.5, "stop": ["x"], "logit_bias": {"1": 2}})
    attributes = (await world.span()).attributes
    assert attributes["gen_ai.request.temperature"] == 0.5
    assert attributes["gen_ai.request.stop_sequences"] == '["x"]'
    assert attributes["openai.request.logit_bias"] == '{"1":2}'


async def test_models_lists_channels_and_what_providers_have(world: World) -> None:
    world.registry.channels.rows["production"] = {"release": release()}
    world.registry.add_release(release(name="support"))
    world.registry.add_provider("dead", "http://127.0.0.1:1/v1")
    world.registry.add_provider("locked", world.provider.base_url, "NOT_SET")
    async with client(world) as openai:
        names = [model.id async for model in openai.models.list()]
    assert names == ["channel:production", "release:support", f"fake/{DATED}"]


async def test_complete_goes_through_the_same_steps(world: World) -> None:
    model = world.registry.add_release(release(model="openai/gpt-4o-2024-11-20"))
    world.registry.add_provider("openai", world.provider.base_url)
    body = {"model": "gpt-4o-2024-11-20", "choices": [{"message": {"content": "42"}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000}
    world.provider.on("gpt-4o-2024-11-20", Behaviour(body=json.dumps(body | {"usage": usage}).encode()))
    variables = {"tone": "kind", "question": "why?"}
    request = CompletionRequest(PROJECT, model, [], variables=variables, traceparent=PARENT, run="run_1", item="i")
    answer = await world.gateway.complete(request)
    span = await world.span()
    assert (answer.text, answer.model, answer.trace_id, answer.span_id) == (
        "42",
        body["model"],
        span.trace_id,
        span.span_id,
    )
    assert answer.tokens == span.tokens == Tokens(fresh_input=1000, output=1000)
    assert answer.cost == pytest.approx(1000 * 2.5e-6 + 1000 * 10e-6)
    assert answer.latency_ms > 0
    assert (span.run, span.item, span.parent_id, span.release) == ("run_1", "i", "b7ad6b7169203331", "rel_a")


@pytest.mark.parametrize("key", ["x", "sk_wrong"])
async def test_without_a_key_there_is_no_call(world: World, key: str) -> None:
    answer = await world.post({"model": "fake/m", "messages": HELLO}, authorization=f"Bearer {key}")
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert world.provider.requests == []


async def test_a_key_that_may_only_read_may_not_call(world: World) -> None:
    async with AsyncOpenAI(base_url=f"{world.url}/openai/v1", api_key="sk_viewer", max_retries=0) as openai:
        with pytest.raises(APIStatusError) as refused:
            await openai.chat.completions.create(model="fake/m", messages=HELLO)
    assert refused.value.status_code == 403
    assert world.provider.requests == []


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
async def test_a_name_in_a_header_is_read_in_either_encoding(world: World, encoding: str) -> None:
    """Go, curl and aiohttp send UTF-8 as it is, browsers and Node Latin-1."""
    headers = [(b"authorization", f"Bearer {KEY}".encode()), (b"helicone-user-id", "Zoë".encode(encoding))]
    body = {"model": f"fake/{DATED}", "messages": HELLO}
    answer = await world.http.post(f"{world.url}/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200
    assert (await world.span()).user == "Zoë"
