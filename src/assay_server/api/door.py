"""The first thing a request meets: an id, and the way to the plain ASGI paths or to the REST API.

The chat and OTLP paths are the hot ones; they stand beside FastAPI, not inside it (see docs/decisions.md).
"""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay_server.api.problems import problem_response
from assay_server.core.errors import Unavailable
from assay_server.core.ids import new_id

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]


class Door:
    """Gives every request an id and hands it to the application its path belongs to."""

    def __init__(self, rest: ASGIApp, plain: Mapping[str, ASGIApp]) -> None:
        self._rest = rest
        self._plain = dict(plain)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        request_id = new_id("req")
        scope["assay.request_id"] = request_id
        extra = [(b"x-request-id", request_id.encode()), *SECURITY_HEADERS]
        began = False

        async def send_with_id(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        application = self._plain.get(scope["path"], self._rest)
        try:
            await application(scope, receive, send_with_id)
        except asyncio.CancelledError:  # the server stops, and what was still under way may take no longer
            if not began:
                stopping = Unavailable("The server is stopping.", retry_after_s=5, fix="send it again")
                await problem_response(stopping, request_id)(scope, receive, send_with_id)
