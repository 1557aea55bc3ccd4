"""A ceiling on the body of every REST request: FastAPI reads it whole, and before it asks who sends it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay_server.api.problems import problem_response
from assay_server.core.errors import TooLarge

LARGEST = 64 << 20  # bytes


class Bounded:
    """ASGI middleware. What says that it is too large is not read; what does not say so is cut off there."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST) -> None:
        self._app = app
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced(scope) > self._largest:
            await problem_response(self._refusal(), scope.get("assay.request_id"))(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._largest:
                raise self._refusal()
            return message

        await self._app(scope, counted, send)

    def _refusal(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._largest} bytes.", field="body", fix="send less at once")


def _announced(scope: Scope) -> int:
    """What Content-Length says; 0 where there is none."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(said) if said.isdigit() else 0
