"""The extractive answerer over the OpenAI protocol: a deterministic stand-in for a skilled model, and says so.

    python -m examples.support.extractive --port 0

prints its address as one line of JSON. `POST /v1/chat/completions` (streaming and not) and `GET /v1/models`. With
`response_format: json_schema` the answer is an object of that schema: text fields hold the quote, lists the documents
cited. Tokens are counted as words and punctuation marks, which is what it works on.
"""

import argparse
import asyncio
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from examples.support.embeddings import MiniLm, VectorCache
from examples.support.extract import Embed, Quote, answer
from examples.support.serving import serve

MODEL = "extractive-2026-11-01"
_TOKEN = re.compile(r"\w+|[^\w\s]")
_STREAM_PIECE = re.compile(r"\s*\S+")


def application(embed: Embed) -> Starlette:
    """The ASGI application; `embed` is the only knowledge it has of language."""

    async def chat(request: Request) -> Response:
        try:
            body = await request.json()
            messages = _messages(body)
        except ValueError as error:
            return _error(400, str(error))
        if body.get("model") != MODEL:
            return _error(404, f"The model {body.get('model')!r} does not exist; this server has {MODEL}.")
        quote = await asyncio.to_thread(answer, messages, embed)
        text = _shaped(quote, body.get("response_format"))
        reply = _Reply(text, _usage(messages, text))
        if body.get("stream"):
            wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            return StreamingResponse(reply.events(wants_usage=wants_usage), media_type="text/event-stream")
        return JSONResponse(reply.whole())

    async def models(_request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "examples"}]})

    return Starlette(
        routes=[Route("/v1/chat/completions", chat, methods=["POST"]), Route("/v1/models", models, methods=["GET"])]
    )


class _Reply:
    """One answer in the two shapes of the protocol."""

    def __init__(self, text: str, usage: dict[str, int]) -> None:
        self._text = text
        self._usage = usage
        self._head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": MODEL}

    def whole(self) -> dict[str, Any]:
        choice = {"index": 0, "message": {"role": "assistant", "content": self._text}, "finish_reason": "stop"}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage}

    def events(self, *, wants_usage: bool) -> Iterator[str]:
        yield self._event({"role": "assistant", "content": ""})
        for piece in _STREAM_PIECE.findall(self._text):
            yield self._event({"content": piece})
        yield self._event({}, finish="stop")
        if wants_usage:
            yield _line({**self._head, "object": "chat.completion.chunk", "choices": [], "usage": self._usage})
        yield "data: [DONE]\n\n"

    def _event(self, delta: Mapping[str, str], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _line({**self._head, "object": "chat.completion.chunk", "choices": [choice]})


def _messages(body: Any) -> Sequence[Mapping[str, Any]]:
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise ValueError("messages: a list of {role, content} is required")
    return messages


def _shaped(quote: Quote, response_format: Any) -> str:
    """Plain text, or the JSON object that the request's schema asks for."""
    cited = [quote.document] if quote.document else []
    schema = ((response_format or {}).get("json_schema") or {}).get("schema")
    if not schema:
        return f"{quote.text} [{quote.document}]" if cited else quote.text
    kinds = {name: part.get("type") for name, part in schema.get("properties", {}).items()}
    values = {"string": quote.text, "array": cited}
    return json.dumps({name: values[kind] for name, kind in kinds.items() if kind in values}, ensure_ascii=False)


def _usage(messages: Sequence[Mapping[str, Any]], text: str) -> dict[str, int]:
    asked = sum(len(_TOKEN.findall(json.dumps(m.get("content"), ensure_ascii=False))) for m in messages)
    said = len(_TOKEN.findall(text))
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _line(value: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _error(status: int, message: str) -> JSONResponse:
    fault = {"message": message, "type": "invalid_request_error", "code": None, "param": None}
    return JSONResponse({"error": fault}, status)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="The extractive answerer of the example, over the OpenAI protocol.")
    parser.add_argument("--port", type=int, default=0, help="0: any free port (the default)")
    parser.add_argument("--cache", type=Path, help="file that keeps the vectors of texts seen before")
    arguments = parser.parse_args()
    vectors = VectorCache(MiniLm(), arguments.cache)
    serve(application(vectors.embed_one), arguments.port, at_end=vectors.save)


if __name__ == "__main__":
    main()
