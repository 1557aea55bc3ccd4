"""`Idempotency-Key` on every write of the REST API: the second request with a key gets the first one's answer."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay_server.api.auth import identify
from assay_server.api.problems import problem_response
from assay_server.api.services import services
from assay_server.core.errors import AssayError, TooLarge

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Their answers hold a secret, which may never be stored; and who signs in cannot be identified yet.
_SECRET = frozenset(f"/api/v1/{noun}" for noun in ("keys", "projects", "session", "sign-in-tokens"))
_LARGEST = 64 << 20
_NOT_REMEMBERED = 500  # a fault of ours may be gone the next time: only answers are kept


class Idempotent:
    """ASGI middleware around the REST API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_remembered(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._once(request)
        except AssayError as error:
            response = problem_response(error, scope.get("assay.request_id"))
        await response(scope, receive, send)

    async def _once(self, request: Request) -> Response:
        caller = await identify(request)
        body = await _body(request)
        key = f"{caller.actor}:{request.headers['idempotency-key']}"
        digest = hashlib.sha256(b"\0".join([request.method.encode(), str(request.url).encode(), body])).hexdigest()

        async def work() -> Mapping[str, Any]:
            answer = await self._call(request.scope, body)
            if answer["status"] >= _NOT_REMEMBERED:
                raise _Unsettled(answer)
            return answer

        try:
            stored = await services(request).idempotency.run(caller.project, key, digest, work)
        except _Unsettled as unsettled:
            stored = unsettled.answer
        return _response(stored)

    async def _call(self, scope: Scope, body: bytes) -> dict[str, Any]:
        """The application's answer as JSON can hold it."""
        answer: dict[str, Any] = {"status": 500, "headers": [], "body": ""}
        parts: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                answer["headers"] = [
                    [name.decode("latin-1"), value.decode("latin-1")] for name, value in message["headers"]
                ]
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        answer["body"] = base64.b64encode(b"".join(parts)).decode()
        return answer


def _is_remembered(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in _WRITES or scope["path"].rstrip("/") in _SECRET:
        return False
    return any(name == b"idempotency-key" for name, _ in scope["headers"])


class _Unsettled(Exception):
    """An answer that must not be remembered."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__()
        self.answer = answer


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > _LARGEST:
            raise TooLarge(f"The body is larger than {_LARGEST} bytes.", field="body", fix="send less at once")
        parts.append(part)
    return b"".join(parts)


def _response(stored: Mapping[str, Any]) -> Response:
    response = Response(base64.b64decode(stored["body"]), stored["status"])
    response.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in stored["headers"]]
    return response
