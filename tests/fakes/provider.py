"""A provider that speaks OpenAI's protocol over real sockets, and misbehaves on request.

What it does is chosen by the model's name: `provider.on("slow", Behaviour(...))`. It keeps every request, and which
connections were closed on it while it was still answering.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

USAGE = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
WORDS = ("Hel", "lo", ", wor", "ld.")
DATED = "fake-1-2026-01-01"


@dataclass(slots=True, frozen=True)
class Behaviour:
    """How one model answers. The default is an impeccable one."""

    words: Sequence[str] = WORDS
    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = None  # instead of any answer of its own
    content_type: str | None = None
    usage: Any = field(default_factory=lambda: dict(USAGE))
    tool_call: bool = False
    finish: bool = True  # whether the last piece says why it ended
    done: bool = True  # whether a stream ends with [DONE]
    first_after_s: float = 0.0  # before the first part of a stream, or the body
    between_s: float = 0.0
    break_at: int | None = None  # after so many of a stream's pieces, or bytes of a body
    break_how: Literal["close", "reset", "stall", "garbage", "error_event"] = "close"
    before_head: Literal["close", "reset", "stall"] | None = None
    chunk_bytes: int | None = None  # the stream arrives in slices of this size
    pieces: Sequence[dict[str, Any]] | None = None  # the deltas, instead of `words`
    logprobs: Sequence[float] = ()  # one for each piece of a stream


@dataclass(slots=True)
class Seen:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes


class FakeProvider:
    """`async with FakeProvider() as provider:` serves on `provider.base_url`."""

    def __init__(self) -> None:
        self._behaviours: dict[str, Behaviour] = {}
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()
        self.requests: list[Seen] = []
        self.connections = 0
        self.aborted = 0
        self.abort_seen = asyncio.Event()
        self.waiting = asyncio.Event()  # set when a request has arrived

    def on(self, model: str, behaviour: Behaviour) -> None:
        self._behaviours[model] = behaviour

    @property
    def base_url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self.connections += 1
        try:
            while (seen := await _request(reader)) is not None:
                self.requests.append(seen)
                self.waiting.set()
                if not await self._answer_or_abort(seen, reader, writer):
                    return
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._handlers.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer_or_abort(self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers until done or hung up on; whether the connection lives on."""
        answer = asyncio.create_task(self._answer(seen, writer))
        hung_up = asyncio.create_task(_end_of(reader))
        try:
            await asyncio.wait({answer, hung_up}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return await answer
            self.aborted += 1
            self.abort_seen.set()
            return False
        finally:
            for task in (answer, hung_up):
                task.cancel()
            await asyncio.gather(answer, hung_up, return_exceptions=True)

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        behaviour = self._behaviours.get(seen.body.get("model", ""), Behaviour())
        if behaviour.before_head is not None:
            return await _broken(writer, behaviour.before_head)
        if seen.path.endswith("/models"):
            listed = {
                "object": "list",
                "data": [{"id": name, "object": "model"} for name in (DATED, *self._behaviours)],
            }
            return await _whole(writer, Behaviour(), json.dumps(listed).encode())
        if behaviour.body is not None:
            return await _whole(writer, behaviour, behaviour.body)
        if seen.body.get("stream"):
            options = seen.body.get("stream_options") or {}
            return await _stream(writer, behaviour, usage=options.get("include_usage", False))
        return await _whole(writer, behaviour, json.dumps(_completion(behaviour)).encode())


async def _end_of(reader: asyncio.StreamReader) -> None:
    """Returns when the other side has hung up. Looks instead of reading: a byte read here would miss later."""
    while not reader.at_eof() and reader.exception() is None:
        await asyncio.sleep(0.005)


async def _request(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(first.split(" ")[1], headers, json.loads(raw) if raw else {}, raw)


async def _whole(writer: asyncio.StreamWriter, behaviour: Behaviour, body: bytes) -> bool:
    await asyncio.sleep(behaviour.first_after_s)
    kind = behaviour.content_type or "application/json"
    lines = [f"HTTP/1.1 {behaviour.status} Whatever", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in behaviour.headers]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    if behaviour.break_at is not None:
        writer.write(body[: behaviour.break_at])
        await writer.drain()
        return await _broken(writer, behaviour.break_how)
    writer.write(body)
    await writer.drain()
    return True


async def _stream(writer: asyncio.StreamWriter, behaviour: Behaviour, *, usage: bool) -> bool:
    kind = behaviour.content_type or "text/event-stream"
    lines = [f"HTTP/1.1 {behaviour.status} Whatever", f"Content-Type: {kind}", "Transfer-Encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in behaviour.headers]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    await writer.drain()
    await asyncio.sleep(behaviour.first_after_s)
    for position, event in enumerate(_events(behaviour, usage=usage)):
        if position == behaviour.break_at:
            return await _broken(writer, behaviour.break_how)
        for part in _slices(event, behaviour.chunk_bytes):
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()
        await asyncio.sleep(behaviour.between_s)
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


async def _broken(writer: asyncio.StreamWriter, how: str) -> bool:
    """Goes wrong; the connection is of no more use."""
    if how == "stall":
        await asyncio.Event().wait()
    if how == "garbage":
        event = b'data: {"choices": [{"delta": {"content": \xff\xfe\n\n'
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        writer.write(b"0\r\n\r\n")
    if how == "error_event":
        event = b'data: {"error": {"message": "overloaded", "type": "server_error", "code": 529}}\n\n'
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        writer.write(b"0\r\n\r\n")
    if how == "reset":
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    return False


def _events(behaviour: Behaviour, *, usage: bool) -> list[bytes]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += behaviour.pieces if behaviour.pieces is not None else [{"content": word} for word in behaviour.words]
    if behaviour.tool_call:
        deltas += _tool_deltas()
    chunks = [_chunk([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
    for chunk, logprob in zip(chunks, behaviour.logprobs, strict=False):
        chunk["choices"][0]["logprobs"] = {"content": [{"token": "t", "logprob": logprob, "top_logprobs": []}]}
    if behaviour.finish:
        reason = "tool_calls" if behaviour.tool_call else "stop"
        chunks.append(_chunk([{"index": 0, "delta": {}, "finish_reason": reason}]))
    if usage and behaviour.usage is not None:
        chunks.append({**_chunk([]), "usage": behaviour.usage})
    events = [b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n" for chunk in chunks]
    return [*events, b"data: [DONE]\n\n"] if behaviour.done else events


def _tool_deltas() -> list[dict[str, Any]]:
    opening = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": ""}}
    pieces = [{"index": 0, "function": {"arguments": piece}} for piece in ('{"q":', '"rain"}')]
    return [{"tool_calls": [part]} for part in (opening, *pieces)]


def _chunk(choices: list[dict[str, Any]]) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": DATED}
    return {**head, "choices": choices}


def _completion(behaviour: Behaviour) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(behaviour.words)}
    if behaviour.tool_call:
        function = {"name": "look_up", "arguments": '{"q":"rain"}'}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if behaviour.tool_call else "stop"}
    completion = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": DATED, "choices": [choice]}
    return completion if behaviour.usage is None else {**completion, "usage": behaviour.usage}


def _slices(data: bytes, size: int | None) -> list[bytes]:
    return [data] if size is None else [data[start : start + size] for start in range(0, len(data), size)]
