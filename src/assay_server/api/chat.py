"""`POST /v1/chat/completions` and `GET /v1/models`, in OpenAI's dialect. Plain ASGI: this is the hot path.

Before a stream's first part every fault is an HTTP error; after it, an SSE event `data: {"error": …}` and no `[DONE]`,
so that nobody takes a broken answer for a whole one.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, cast

from starlette.types import Message, Receive, Scope, Send

from assay_server.api.auth import authorise
from assay_server.api.held import Held, Take
from assay_server.api.problems import headers_of, status_of, without_secrets
from assay_server.core.errors import AssayError, TooLarge, UnsupportedMedia, UpstreamError
from assay_server.core.ports import Principal
from assay_server.gateway import Call, Gateway, Reply

_log = logging.getLogger(__name__)

CHAT_PATHS = ("/v1/chat/completions", "/openai/v1/chat/completions")
MODELS_PATHS = ("/v1/models", "/openai/v1/models")
NOT_SPOKEN = tuple(
    f"{prefix}/v1/{what}"
    for prefix in ("", "/openai")
    for what in ("responses", "completions", "embeddings", "messages", "moderations", "images/generations")
)
"""What clients of OpenAI's and Anthropic's APIs also ask for, and the gateway does not have."""

_WATCH_AFTER_S = 0.05
LARGEST_BODY = 16 * 1024 * 1024
MOST_HELD = 256 * 1024 * 1024  # bytes of the bodies of all calls that are under way; one always has room

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

Authenticate = Callable[[Mapping[str, str]], Awaitable[Principal]]
Headers = list[tuple[bytes, bytes]]

_JSON: Headers = [(b"content-type", b"application/json")]


class ChatApp:
    """`POST` on one of `CHAT_PATHS`. Needs a role that may `ingest`: one that calls models."""

    def __init__(self, gateway: Gateway, authenticate: Authenticate) -> None:
        self._gateway = gateway
        self._authenticate = authenticate
        self._held = Held(MOST_HELD, "The calls that are under way leave no room for this one.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send)
        if scope["method"] != "POST":
            document = _document("Only POST is understood here.", 405, "method_not_allowed")
            await answer.whole(405, document, [(b"allow", b"POST"), *_JSON])
            return
        with self._held.place() as take:
            try:
                headers = _headers_of(scope)
                caller = await self._authenticate(headers)
                authorise(caller, "ingest")
                body = await _body(headers, receive, take)
            except AssayError as error:
                await answer.refuse(error)
                return
            if body is not None:
                await _unless_gone(receive, self._answer(caller, headers, body, answer))

    async def _answer(self, caller: Principal, headers: Mapping[str, str], body: bytes, answer: "_Answer") -> None:
        try:
            call = answer.call = self._gateway.parse(caller, headers, body)
            await _pass_on(await self._gateway.chat(call), answer)
        except AssayError as error:
            await answer.refuse(error)
        except Exception:  # noqa: BLE001
            # The border: a fault of ours must still reach the caller as an error of its dialect.
            _log.exception("unexpected error in a chat call")
            await answer.refuse(AssayError("Unexpected error; the server's log has it."))


class ModelsApp:
    """`GET` on one of `MODELS_PATHS`."""

    def __init__(self, gateway: Gateway, authenticate: Authenticate) -> None:
        self._gateway = gateway
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send)
        try:
            caller = await self._authenticate(_headers_of(scope))
            authorise(caller, "resolve")
            listed = await self._gateway.models(caller.project)
        except AssayError as error:
            await answer.refuse(error)
            return
        await answer.whole(200, json.dumps({"object": "list", "data": listed}).encode(), _JSON)


class NotSpoken:
    """One of `NOT_SPOKEN`: said in OpenAI's shape, since its clients show no other."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = (
            f"The gateway speaks OpenAI's chat completions; it has no {scope['path']}."
            " Fix: client.chat.completions.create(…), or call the provider itself and send its spans here"
        )
        await _Answer(send).whole(404, _document(message, 404, "not_found"), _JSON)


class _Answer:
    """What is sent, once: it knows whether the head has left, and so how an error can still be told."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False
        self.call: Call | None = None

    async def start(self, status: int, headers: Headers) -> None:
        self._started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers + self._ids()})

    async def part(self, data: bytes, *, last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def whole(self, status: int, body: bytes, headers: Headers) -> None:
        await self.start(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self.part(body, last=True)

    async def refuse(self, error: AssayError) -> None:
        """As an HTTP error while that is possible, afterwards as the stream's last event."""
        status = _status(error)
        document = _error_body(error, status)
        if self._started:
            await self.part(b"data: %b\n\n" % b" ".join(document.split(b"\n")), last=True)
        else:
            await self.whole(status, document, [*_encoded(headers_of(error)), *_JSON])

    def _ids(self) -> Headers:
        return [] if self.call is None else _encoded(self.call.answer_headers())


async def _pass_on(reply: Reply, answer: _Answer) -> None:
    """A stream's head leaves with its first batch: until then a step may still refuse it."""
    headers = _encoded(reply.headers)
    if reply.events is None:
        await answer.whole(200, reply.body or b"", headers)
        return
    async with aclosing(reply.events) as events:
        started = False
        async for batch in events:
            if not started:
                await answer.start(200, headers)
                started = True
            await answer.part(batch[0].raw if len(batch) == 1 else b"".join([event.raw for event in batch]))
    await answer.part(b"", last=True)


async def _unless_gone(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Does the work, and drops it at once when the caller hangs up: its `finally`s close what is open upstream."""
    task = cast("asyncio.Task[Any]", asyncio.current_task())
    watchers: list[asyncio.Task[None]] = []
    gone = False

    async def watch() -> None:
        nonlocal gone
        message: Message = {"type": ""}
        while message["type"] != "http.disconnect":
            message = await receive()
        gone = True
        task.cancel()

    def start() -> None:
        watchers.append(asyncio.create_task(watch()))

    # Who leaves sooner is noticed then; calls that are answered sooner are spared the second task.
    starting = asyncio.get_running_loop().call_later(_WATCH_AFTER_S, start)
    try:
        await work
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
    finally:
        starting.cancel()
        for watcher in watchers:
            watcher.cancel()


def _headers_of(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): _said(value) for name, value in scope["headers"]}


def _said(value: bytes) -> str:
    """Go, curl and aiohttp send the UTF-8 of a name such as `Zoë`, browsers and Node its Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


async def _body(headers: Mapping[str, str], receive: Receive, take: Take) -> bytes | None:
    """The request's body; None where the caller hung up before its end. `take` hears of every piece, and may raise."""
    if headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("Chat calls are read uncompressed.", field="Content-Encoding", fix="leave it out")
    _check_size(int(length) if (length := headers.get("content-length", "0")).isdigit() else 0)
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        _check_size(size)
        take(len(parts[-1]))
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _check_size(size: int) -> None:
    if size > LARGEST_BODY:
        raise TooLarge(f"The body is larger than {LARGEST_BODY} bytes.", field="body", fix="send less at once")


def _status(error: AssayError) -> int:
    """A provider's own status is passed on."""
    if isinstance(error, UpstreamError) and error.status is not None:
        return error.status
    return status_of(error)


def _error_body(error: AssayError, status: int) -> bytes:
    if isinstance(error, UpstreamError) and error.body is not None:
        return error.body
    return _document(without_secrets(str(error)), status, error.code, error.field)


def _document(message: str, status: int, code: str, field: str | None = None) -> bytes:
    """https://platform.openai.com/docs/guides/error-codes"""
    kind = _TYPES.get(status) or ("invalid_request_error" if status < 500 else "server_error")
    return json.dumps({"error": {"message": message, "type": kind, "code": code, "param": field}}).encode()


def _encoded(headers: Mapping[str, str]) -> Headers:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
