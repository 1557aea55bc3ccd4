"""Whom models are called at: one row per OpenAI-compatible vendor or server. Keys stay in the environment."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, select, update

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.ledger import AuditTrail, Ledger, tables

_table = tables.registry.providers

KINDS = ("openai",)

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")  # no slash: a model is provider/name
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")


MayName = Callable[[str, str], bool]
"""(project, variable) -> whether that project may have a call made with that variable's value."""


def any_variable(project: str, variable: str) -> bool:
    """For a server with one tenant, who is its operator."""
    return True


class Providers:
    """Providers of a project, in the shapes of the REST API."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock, may_name: MayName = any_variable) -> None:
        """`may_name`: whoever chooses both the address and the variable can have any variable's value sent to them."""
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._may_name = may_name

    async def put(
        self, project: str, actor: str, name: str, *, kind: str = "openai", base_url: str, key_env: str | None = None
    ) -> dict[str, Any]:
        """Adds or changes one. Raises InvalidInput naming the field."""
        values = _checked(name, kind, base_url, key_env)
        if key_env is not None and not self._may_name(project, key_env):
            raise InvalidInput(
                "This project may not use that variable of the server.",
                field="key_env",
                value=key_env,
                fix="ask the operator to list it in ASSAY_PROVIDER_KEYS",
            )

        def write(connection: Connection) -> dict[str, Any]:
            before = _found(connection, project, name)
            if before is None:
                made = {"created_ns": self._clock.now_ns(), "created_by": actor}
                connection.execute(_table.insert().values(project=project, name=name, **values, **made))
            else:
                connection.execute(update(_table).where(*_of(project, name)).values(**values))
            self._audit.append(
                connection,
                project=project,
                actor=actor,
                action="provider.put",
                subject=name,
                before=None if before is None else _settings(before),
                after=values,
            )
            return _json(_get(connection, project, name))

        return await self._ledger.write(write)

    async def get(self, project: str, name: str) -> dict[str, Any]:
        """Raises NotFound."""
        return await self._ledger.read(lambda connection: _json(_get(connection, project, name)))

    async def list(self, project: str) -> list[Mapping[str, Any]]:
        """All of them, by name."""
        query = select(_table).where(_table.c.project == project).order_by(_table.c.name)
        return await self._ledger.read(lambda connection: [_json(row) for row in connection.execute(query)])

    async def delete(self, project: str, actor: str, name: str, reason: str | None = None) -> None:
        """Removes one; releases that name it stay as they are. Raises NotFound."""

        def write(connection: Connection) -> None:
            before = _settings(_get(connection, project, name))
            connection.execute(_table.delete().where(*_of(project, name)))
            self._audit.append(
                connection,
                project=project,
                actor=actor,
                action="provider.delete",
                subject=name,
                reason=reason,
                before=before,
            )

        await self._ledger.write(write)


def _checked(name: str, kind: str, base_url: str, key_env: str | None) -> dict[str, Any]:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "A provider's name has 1 to 100 of a-z, 0-9, '.', '_', '-': models are written provider/name.",
            field="name",
            value=name,
        )
    if kind not in KINDS:
        raise InvalidInput("Nobody here speaks that dialect.", field="kind", value=kind, fix=f"use {', '.join(KINDS)}")
    if key_env is not None and (not _VARIABLE.fullmatch(key_env) or key_env.startswith("ASSAY_")):
        raise InvalidInput(
            "This is not the name of an environment variable that holds a vendor's key.",
            field="key_env",
            value=key_env if key_env.isupper() else None,  # somebody may have given the key itself
            fix="set a variable such as OPENAI_API_KEY on the server, and give its name",
        )
    return {"kind": kind, "base_url": _address(base_url), "key_env": key_env}


def _address(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_number = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_number:
        raise InvalidInput("This is not the address of an HTTP server.", field="base_url", fix="https://host/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidInput(
            "An address holds no password, query or fragment.",
            field="base_url",
            fix="put the key into an environment variable and name it in 'key_env'",
        )
    return base_url.rstrip("/")


def _of(project: str, name: str) -> tuple[Any, ...]:
    return (_table.c.project == project, _table.c.name == name)


def _found(connection: Connection, project: str, name: str) -> Row[Any] | None:
    return connection.execute(select(_table).where(*_of(project, name))).one_or_none()


def _get(connection: Connection, project: str, name: str) -> Row[Any]:
    row = _found(connection, project, name)
    if row is None:
        raise NotFound(
            f"There is no provider '{name}' in this project.",
            field="provider",
            value=name,
            fix=f"add it: assay provider add {name} --kind openai --base-url URL",
        )
    return row


def _settings(row: Row[Any]) -> dict[str, Any]:
    return {"kind": row.kind, "base_url": row.base_url, "key_env": row.key_env}


def _json(row: Row[Any]) -> dict[str, Any]:
    created = {"created_at": rfc3339(row.created_ns), "created_by": row.created_by}
    return {"name": row.name, **_settings(row), **created}
