"""Statements on projects, keys, sessions and sign-in tokens; each runs inside somebody's transaction."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, and_, func, or_, select, update

from assay_server.core.clock import rfc3339
from assay_server.core.errors import NotFound
from assay_server.core.ports import Principal
from assay_server.governance.sessions import SESSION_NS
from assay_server.ledger import tables

_keys = tables.accounts.keys
_projects = tables.accounts.projects
_sessions = tables.accounts.sessions
_tokens = tables.accounts.sign_in_tokens

_SLACK_NS = 24 * 3600 * 1_000_000_000


def key_by_digest(connection: Connection, digest: str) -> Row[Any] | None:
    """The key with this secret, revoked or not."""
    return connection.execute(select(_keys).where(_keys.c.secret_hash == digest)).one_or_none()


def key_by_id(connection: Connection, project: str, key: str) -> Row[Any]:
    """Raises NotFound."""
    row = connection.execute(select(_keys).where(_keys.c.project == project, _keys.c.id == key)).one_or_none()
    if row is None:
        raise NotFound("There is no such key.", field="key", value=key, fix="'assay key list' shows them")
    return row


def keys(connection: Connection, project: str, used_ns: Callable[[str], int]) -> list[dict[str, Any]]:
    """All keys of a project, newest first. `used_ns` knows uses that are not written yet."""
    query = select(_keys).where(_keys.c.project == project).order_by(_keys.c.created_ns.desc(), _keys.c.id.desc())
    return [key_json(row, used_ns(row.id)) for row in connection.execute(query)]


def key_names(connection: Connection, project: str) -> list[dict[str, Any]]:
    """The id and the name of each key of a project, newest first: of revoked ones too, which history names."""
    query = select(_keys.c.id, _keys.c.name).where(_keys.c.project == project)
    rows = connection.execute(query.order_by(_keys.c.created_ns.desc(), _keys.c.id.desc()))
    return [{"id": row.id, "name": row.name} for row in rows]


def admin_keys(connection: Connection, project: str) -> int:
    """How many admin keys work."""
    working = (_keys.c.project == project, _keys.c.role == "admin", _keys.c.revoked_ns.is_(None))
    return int(connection.execute(select(func.count()).select_from(_keys).where(*working)).scalar_one())


def revoke(connection: Connection, key: str, actor: str, now_ns: int) -> None:
    connection.execute(update(_keys).where(_keys.c.id == key).values(revoked_ns=now_ns, revoked_by=actor))


def principal_by_key(connection: Connection, digest: str) -> Principal | None:
    """Who a secret belongs to; None for a stranger's or a revoked one."""
    row = key_by_digest(connection, digest)
    if row is None or row.revoked_ns is not None:
        return None
    return Principal(row.project, f"key:{row.id}", row.role)


def principal_by_session(connection: Connection, digest: str, now_ns: int) -> Principal | None:
    """Who a session belongs to, unless it ended, expired, or the key it was opened with was revoked."""
    alive = and_(_sessions.c.ended_ns.is_(None), *_in_time(_sessions.c.expires_ns, now_ns, SESSION_NS))
    trusted = or_(_sessions.c.key.is_(None), _keys.c.revoked_ns.is_(None))
    query = select(_sessions).outerjoin(_keys, _keys.c.id == _sessions.c.key)
    row = connection.execute(query.where(_sessions.c.secret_hash == digest, alive, trusted)).one_or_none()
    return None if row is None else Principal(row.project, row.actor, row.role)


def redeem(connection: Connection, digest: str, now_ns: int) -> Principal | None:
    """Uses up a sign-in token; None if it is unknown, used, too old, or made with a key that was revoked since."""
    in_time = _in_time(_tokens.c.expires_ns, now_ns, 0)
    usable = (_tokens.c.token_hash == digest, _tokens.c.used_ns.is_(None), *in_time)
    row = connection.execute(select(_tokens).where(*usable)).one_or_none()
    if row is None or _is_revoked(connection, row.actor):
        return None
    connection.execute(update(_tokens).where(_tokens.c.token_hash == digest).values(used_ns=now_ns))
    return Principal(row.project, row.actor, row.role)


def _in_time(expires_ns: Column[int], now_ns: int, longest_ns: int) -> tuple[ColumnElement[bool], ...]:
    """Not over, and not given out by a clock that was a day ahead or more: that would be good until then."""
    return expires_ns > now_ns, expires_ns <= now_ns + longest_ns + _SLACK_NS


def _is_revoked(connection: Connection, actor: str) -> bool:
    revoked = (_keys.c.id == actor.removeprefix("key:"), _keys.c.revoked_ns.is_not(None))
    return connection.execute(select(_keys.c.id).where(*revoked)).first() is not None


def home_project(connection: Connection) -> Row[Any] | None:
    """The first project, whose admins run the server."""
    return connection.execute(select(_projects).where(_projects.c.home)).one_or_none()


def project_by_id(connection: Connection, project: str) -> Row[Any]:
    """Raises NotFound."""
    row = connection.execute(select(_projects).where(_projects.c.id == project)).one_or_none()
    if row is None:
        raise NotFound("There is no such project.", field="project", value=project)
    return row


def projects(connection: Connection, seen_from: str) -> list[dict[str, Any]]:
    """The projects that can be seen from one: itself, and all from the home project."""
    query = select(_projects).order_by(_projects.c.created_ns, _projects.c.id)
    if not project_by_id(connection, seen_from).home:
        query = query.where(_projects.c.id == seen_from)
    return [project_json(row) for row in connection.execute(query)]


def key_json(row: Row[Any], used_ns: int = 0) -> dict[str, Any]:
    """`used_ns`: a use that may not be written yet."""
    last_ns = max(row.used_ns or 0, used_ns)
    return {
        "id": row.id,
        "name": row.name,
        "role": row.role,
        "public_key": row.public,
        "origin": row.origin,
        "created_at": rfc3339(row.created_ns),
        "created_by": row.created_by,
        "revoked_at": None if row.revoked_ns is None else rfc3339(row.revoked_ns),
        "last_used_at": rfc3339(last_ns) if last_ns else None,
        "use_known_since": rfc3339(row.noted_ns or row.created_ns),
    }


def project_json(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "home": row.home,
        "created_at": rfc3339(row.created_ns),
        "created_by": row.created_by,
    }
