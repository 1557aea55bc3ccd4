"""What bodies of REST requests may take up: FastAPI reads them whole, and before it asks who sends them.

So each has a ceiling; past a first piece the caller has to be known; and of all that are longer than that piece only so
much is in memory at once. Short ones always come in, however much somebody else sends.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay_server.api.held import Held
from assay_server.api.problems import problem_response
from assay_server.core.errors import TooLarge

Known = Callable[[HTTPConnection], Awaitable[Any]]
"""Raises Unauthenticated (or Forbidden) for a caller nobody knows."""

LARGEST = 64 << 20  # bytes
_FIRST = 64 << 10  # bytes that are read of anybody


class Bounded:
    """ASGI middleware. What says that it is too large is not read; what does not say so is cut off there."""

    def __init__(self, app: ASGIApp, known: Known, largest: int = LARGEST, first: int = _FIRST) -> None:
        self._app = app
        self._known = known
        self._largest = largest
        self._first = first
        self._held = Held(largest, "Other large bodies are being read.")
        """Bodies that are longer than `first`, until they are answered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced(scope) > self._largest:
            await problem_response(self._refusal(), scope.get("assay.request_id"))(scope, receive, send)
            return
        size = taken = 0

        async def counted() -> Message:
            nonlocal size, taken
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._largest:
                raise self._refusal()
            if size > self._first:
                if not taken and not _has_ticket(scope):
                    await self._known(HTTPConnection(scope))
                more, taken = size - taken, size
                take(more)
            return message

        with self._held.place() as take:
            await self._app(scope, counted, send)

    def _refusal(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._largest} bytes.", field="body", fix="send less at once")


def _announced(scope: Scope) -> int:
    """What Content-Length says; 0 where there is none."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(said) if said.isdigit() else 0


def _has_ticket(scope: Scope) -> bool:
    """Media come to an address that carries its own permission, which is looked at before they are read."""
    path: str = scope["path"]
    return path.startswith("/api/public/media/") and path.endswith("/content")
