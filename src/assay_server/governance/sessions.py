"""Sessions and the links that open them, in a caller's transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, update

from assay_server.core.ids import new_id
from assay_server.core.ports import Principal
from assay_server.ledger import tables

_sessions = tables.accounts.sessions
_tokens = tables.accounts.sign_in_tokens

SESSION_NS = 7 * 24 * 3600 * 1_000_000_000
_KEPT_NS = SESSION_NS  # after its end: a clock that leaps ahead for a moment signs nobody out


def open_session(connection: Connection, principal: Principal, hashed: str, now: int) -> None:
    """Adds one, and clears away those that ended long ago: programs sign in too, and each left a row for ever."""
    connection.execute(_sessions.delete().where(_sessions.c.expires_ns <= now - _KEPT_NS))
    key = principal.actor.removeprefix("key:") if principal.actor.startswith("key:") else None
    who = {"project": principal.project, "role": principal.role, "actor": principal.actor, "key": key}
    times = {"created_ns": now, "expires_ns": now + SESSION_NS}
    connection.execute(_sessions.insert().values(id=new_id("ses"), secret_hash=hashed, **who, **times))


def end_session(connection: Connection, hashed: str, now: int) -> None:
    """One that has ended stays so."""
    mine = (_sessions.c.secret_hash == hashed, _sessions.c.ended_ns.is_(None))
    connection.execute(update(_sessions).where(*mine).values(ended_ns=now))


def replace_token(connection: Connection, values: Mapping[str, Any], expires_ns: int, now_ns: int) -> None:
    """Adds a token, and clears away those that nobody can use any more."""
    connection.execute(_tokens.delete().where(_tokens.c.expires_ns <= now_ns))
    connection.execute(_tokens.insert().values(**values, expires_ns=expires_ns))
