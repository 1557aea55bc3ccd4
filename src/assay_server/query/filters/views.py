"""Saved views: the filters of a page under a name, for everybody in the project."""

import json
import re
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import InvalidInput, NotFound, TooLarge
from assay_server.core.seen import refuse_unseen, with_revision
from assay_server.ledger import AuditTrail, Ledger, concealed, tables
from assay_server.query.filters.line import fields_in

_NAME = re.compile(r"[^\x00-\x1f/]{1,100}")
_PAGE = re.compile(r"[a-z][a-z-]{0,49}")
_LARGEST = 10_000  # characters of JSON
_MOST = 500

_views = tables.views.saved_views


class Views:
    """Reads and writes the views of one project at a time."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock

    async def list(self, project: str) -> list[dict[str, Any]]:
        """By name."""
        return await self._ledger.read(
            lambda connection: [
                _shown(row)
                for row in connection.execute(select(_views).where(_views.c.project == project).order_by(_views.c.name))
            ]
        )

    async def put(
        self, project: str, actor: str, name: str, page: str, query: dict[str, Any], *, seen: str | None = None
    ) -> dict[str, Any]:
        """Saves it, in place of the one that had the name; with `seen` only of this one.

        Raises `InvalidInput`, `TooLarge` and `Conflict`.
        """
        _check(name, page, query)
        values = {"page": page, "query": query, "updated_ns": self._clock.now_ns(), "updated_by": actor}

        def write(connection: Connection) -> dict[str, Any]:
            before = _row(connection, project, name)
            _refuse_unseen(before, seen)
            saved = _put(connection, project, name, values)
            self._note(connection, project, actor, "view.put", before, _row(connection, project, name))
            return saved

        return await self._ledger.write(write)

    async def delete(self, project: str, actor: str, name: str, *, seen: str | None = None) -> None:
        """Raises `NotFound` and `Conflict`."""

        def write(connection: Connection) -> None:
            before = _row(connection, project, name)
            if before is None:
                raise NotFound(f"There is no view '{name}'.", field="name", value=name)
            _refuse_unseen(before, seen)
            connection.execute(delete(_views).where(*_one(project, name)))
            self._note(connection, project, actor, "view.delete", before, None)

        await self._ledger.write(write)

    def _note(
        self,
        connection: Connection,
        project: str,
        actor: str,
        action: str,
        before: Row[Any] | None,
        after: Row[Any] | None,
    ) -> None:
        about = (before, after)
        self._audit.append(
            connection,
            project=project,
            actor=actor,
            action=action,
            subject=next(row.name for row in about if row is not None),
            before=_noted(connection, before),
            after=_noted(connection, after),
        )


def _content(row: Row[Any]) -> dict[str, Any]:
    return {"page": row.page, "query": row.query}


def _refuse_unseen(before: Row[Any] | None, seen: str | None) -> None:
    known, by = (None, None) if before is None else (_content(before), before.updated_by)
    refuse_unseen(known, seen, "view", by)


def _noted(connection: Connection, row: Row[Any] | None) -> dict[str, Any] | None:
    """As the audit log holds it: by which fields it narrows, not to whom."""
    if row is None:
        return None
    line = row.query.get("q")
    fields = fields_in(line) if isinstance(line, str) else ()
    return {"page": row.page, "query": concealed(connection, row.project, row.query, fields)}


def _row(connection: Connection, project: str, name: str) -> Row[Any] | None:
    return connection.execute(select(_views).where(*_one(project, name))).one_or_none()


def _put(connection: Connection, project: str, name: str, values: dict[str, Any]) -> dict[str, Any]:
    changed = connection.execute(update(_views).where(*_one(project, name)).values(**values)).rowcount
    if not changed:
        counting = select(func.count()).select_from(_views).where(_views.c.project == project)
        if (connection.execute(counting).scalar() or 0) >= _MOST:
            raise TooLarge(f"A project holds {_MOST} views.", field="name", fix="delete one first")
        connection.execute(insert(_views).values(project=project, name=name, **values))
    return _shown(connection.execute(select(_views).where(*_one(project, name))).one())


def _one(project: str, name: str) -> tuple[Any, Any]:
    return _views.c.project == project, _views.c.name == name


def _check(name: str, page: str, query: dict[str, Any]) -> None:
    if not _NAME.fullmatch(name) or name != name.strip():
        raise InvalidInput("A view needs a name.", field="name", value=name, fix="1 to 100 characters, without /")
    if not _PAGE.fullmatch(page):
        raise InvalidInput("This is not the name of a page.", field="page", value=page, fix="for example traces")
    if len(json.dumps(query)) > _LARGEST:
        raise TooLarge(f"A view holds at most {_LARGEST} characters.", field="query")


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "name": row.name,
        **with_revision(_content(row)),
        "updated_at": rfc3339(row.updated_ns),
        "updated_by": row.updated_by,
    }
