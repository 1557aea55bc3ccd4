"""The answerer over HTTP: OpenAI's protocol, whole and streamed."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from examples.support.extract import CITE, SAY_SO
from examples.support.extractive import MODEL, application
from tests.fakes.embedding import words
from tests.fakes.passages import ANSWERABLE, CONTEXT, UNANSWERABLE

MESSAGES = [
    {"role": "system", "content": f"{CITE}, and {SAY_SO}"},
    {"role": "user", "content": CONTEXT + ANSWERABLE},
]
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "documents": {"type": "array", "items": {"type": "string"}}},
}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=application(words))
    async with httpx.AsyncClient(transport=transport, base_url="http://answerer") as client:
        yield client


async def _chat(http: httpx.AsyncClient, **more: object) -> httpx.Response:
    return await http.post("/v1/chat/completions", json={"model": MODEL, "messages": MESSAGES, **more})


async def test_a_whole_answer(http: httpx.AsyncClient) -> None:
    body = (await _chat(http)).json()

    assert body["object"] == "chat.completion"
    assert body["model"] == MODEL
    assert body["choices"][0]["message"]["content"] == "You can return an item within 45 days. [returns]"
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens"] == 12  # 8 words and a full stop, then [ returns ]


async def test_a_stream_says_the_same(http: httpx.AsyncClient) -> None:
    response = await _chat(http, stream=True, stream_options={"include_usage": True})
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    chunks = [json.loads(line) for line in lines[:-1]]

    assert lines[-1] == "[DONE]"
    text = "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])
    assert text == "You can return an item within 45 days. [returns]"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 12
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]][-1] == "stop"


async def test_without_being_asked_a_stream_has_no_usage(http: httpx.AsyncClient) -> None:
    assert '"usage"' not in (await _chat(http, stream=True)).text


async def test_a_schema_shapes_the_answer(http: httpx.AsyncClient) -> None:
    shape = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    content = (await _chat(http, response_format=shape)).json()["choices"][0]["message"]["content"]

    assert json.loads(content) == {"answer": "You can return an item within 45 days.", "documents": ["returns"]}


async def test_a_shaped_refusal_cites_nothing(http: httpx.AsyncClient) -> None:
    shape = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    messages = [MESSAGES[0], {"role": "user", "content": CONTEXT + UNANSWERABLE}]
    content = (await _chat(http, messages=messages, response_format=shape)).json()["choices"][0]["message"]["content"]

    assert json.loads(content)["documents"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"model": "extractive-2026-11-01"}', 400),
        (b'{"model": "extractive-2026-11-01", "messages": ["hello"]}', 400),
        (b'{"model": "gpt-4o", "messages": []}', 404),
    ],
)
async def test_broken_requests_get_an_error_in_openais_shape(http: httpx.AsyncClient, body: bytes, status: int) -> None:
    response = await http.post("/v1/chat/completions", content=body)

    assert response.status_code == status
    assert response.json()["error"]["message"]


async def test_the_model_is_listed_under_a_dated_name(http: httpx.AsyncClient) -> None:
    assert [model["id"] for model in (await http.get("/v1/models")).json()["data"]] == ["extractive-2026-11-01"]
