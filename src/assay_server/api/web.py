"""The web interface: the files that were built, and `index.html` for every page that is not a file.

Nothing on these pages comes from another site, and the content security policy holds the browser to it.
"""

import mimetypes
from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

BUILT = Path(__file__).with_name("web")

# Styles may stand in attributes: the parts library sets custom properties there. Scripts may not, anywhere.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"

# Addresses of programs: what is missing there is a 404 with a problem document, never a page.
_PROGRAMS = ("api/", "v1/", "openai/", "healthz", "readyz", "assets/")


_READS = frozenset({"GET", "HEAD"})


class Web:
    """An ASGI application for whatever no route answers."""

    def __init__(self, built: Path = BUILT) -> None:
        """Knows its files from the start: no path of a request ever reaches the file system."""
        found = (path for path in built.rglob("*") if path.is_file()) if built.is_dir() else ()
        self._files = {path.relative_to(built).as_posix(): path for path in found}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise HTTPException(404)
        if scope["method"] not in _READS:
            raise HTTPException(404 if _for_programs(_path(scope)) else 405)
        response = self._respond(_path(scope), Headers(scope=scope))
        await response(scope, receive, send)

    def _respond(self, path: str, headers: Headers) -> Response:
        if _for_programs(path) and path not in self._files:
            raise HTTPException(404)
        if "index.html" not in self._files:
            return PlainTextResponse("The web interface is not built. Run `make ui`; the API works without it.\n", 503)
        name = path if path in self._files and not path.endswith(".gz") else "index.html"
        return self._file(name, "gzip" in headers.get("accept-encoding", ""))

    def _file(self, name: str, gzip: bool) -> Response:
        compressed = f"{name}.gz" if gzip and f"{name}.gz" in self._files else None
        response = FileResponse(
            self._files[compressed or name], media_type=mimetypes.guess_type(name)[0] or "application/octet-stream"
        )
        fixed = MutableHeaders(raw=response.raw_headers)
        fixed.update(_HEADERS)
        fixed["cache-control"] = _FOREVER if name.startswith("assets/") else _ASK_AGAIN
        if f"{name}.gz" in self._files:
            fixed["vary"] = "accept-encoding"
        if compressed is not None:
            fixed["content-encoding"] = "gzip"
        return response


class Pages:
    """A browser that opens an address gets its page, also where programs write to the same one: clients of LangSmith
    send runs to `/runs`, where the page of runs is."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute], web: Web) -> None:
        """`routes` may still grow."""
        self._app = app
        self._routes = routes
        self._web = web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._web if self._is_page(scope) else self._app)(scope, receive, send)

    def _is_page(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] not in _READS or _for_programs(_path(scope)):
            return False
        if "text/html" not in Headers(scope=scope).get("accept", ""):
            return False
        return all(route.matches(scope)[0] is not Match.FULL for route in self._routes)


def _path(scope: Scope) -> str:
    """The path below the mount, without its leading slash."""
    root: str = scope.get("root_path", "")
    path: str = scope["path"]
    return path.removeprefix(root).lstrip("/")


def _for_programs(path: str) -> bool:
    return path.startswith(_PROGRAMS)
