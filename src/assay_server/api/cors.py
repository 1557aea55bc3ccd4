"""Feedback from web pages of any site: `POST /api/v1/scores`, and nothing else, answers browsers across origins.

Cookies never ride along (`*` forbids it), so what lets a page write is the key it shows: one of the role `score`, which
can write scores and read nothing.
"""

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH = "/api/v1/scores"

_ANY_SITE = (b"access-control-allow-origin", b"*")
_PREFLIGHT = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "authorization, content-type, idempotency-key, x-api-key",
    "access-control-max-age": "86400",
}


class FeedbackCors:
    """ASGI middleware in front of the REST API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or "origin" not in Headers(scope=scope):
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send)
        elif scope["method"] == "POST":
            await self._app(scope, receive, _for_any_site(send))
        else:
            await self._app(scope, receive, send)


def _for_any_site(send: Send) -> Send:
    async def with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), _ANY_SITE]}
        await send(message)

    return with_header
