"""Who is asking, and may they? `Depends(principal("read"))` gives the caller or raises."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request

from assay_server.api.services import services
from assay_server.core.errors import Forbidden, Unauthenticated
from assay_server.core.ports import Principal

Permission = Literal["read", "write", "admin", "ingest", "resolve", "score"]

SESSION_COOKIE = "assay_session"

PERMISSIONS: dict[str, frozenset[str]] = {
    "admin": frozenset({"read", "write", "admin", "ingest", "resolve", "score"}),
    "editor": frozenset({"read", "write", "ingest", "resolve", "score"}),
    "viewer": frozenset({"read", "resolve"}),
    "ingest": frozenset({"ingest", "resolve", "score"}),
    "score": frozenset({"score"}),
}
"""`ingest` writes facts and calls models, `resolve` asks what is live on a channel and fetches its prompts."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def principal(permission: Permission) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency: the caller, if their role holds `permission`. Raises Unauthenticated or Forbidden."""

    async def dependency(request: Request) -> Principal:
        caller = await identify(request)
        authorise(caller, permission)
        return caller

    return dependency


async def identify(connection: HTTPConnection) -> Principal:
    """The caller by key (any of the header forms) or by the browser's session cookie."""
    return await identify_by(services(connection).accounts, connection)


async def identify_by(accounts: Any, connection: HTTPConnection) -> Principal:
    """The same, before the request belongs to an application."""
    headers = connection.headers
    if "authorization" in headers or "x-api-key" in headers:
        by_key: Principal = await accounts.authenticate(headers)
        return by_key
    cookie = connection.cookies.get(SESSION_COOKIE)
    if cookie is None:
        raise Unauthenticated(fix="send 'Authorization: Bearer sk_…', or sign in with the link that 'assay up' printed")
    _refuse_cross_site(connection)
    by_session: Principal = await accounts.session_principal(cookie)
    return by_session


def authorise(caller: Principal, permission: Permission) -> None:
    """Raises Forbidden unless the caller's role holds the permission."""
    if permission not in PERMISSIONS.get(caller.role, frozenset()):
        able = sorted(role for role, held in PERMISSIONS.items() if permission in held)
        raise Forbidden(
            f"The role '{caller.role}' may not do this: it needs '{permission}'.",
            field="role",
            value=caller.role,
            fix=f"use a key with one of the roles {', '.join(able)}",
        )


def _refuse_cross_site(connection: HTTPConnection) -> None:
    """A cookie rides along by itself, so a write with one must come from our own pages."""
    if connection.scope.get("method", "GET") in _SAFE_METHODS:
        return
    origin = connection.headers.get("origin")
    if origin is None or urlsplit(origin).netloc != connection.headers.get("host"):
        raise Forbidden("A write with a session cookie must come from this site.", field="Origin", value=origin)
