"""The project's own dashboards, beside those that are ready made."""

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import Conflict, NotFound, TooLarge
from assay_server.ledger import AuditTrail, Ledger, tables, without_values
from assay_server.query.dashboards.definition import Dashboard, parse, to_json
from assay_server.query.dashboards.ready import ready_made
from assay_server.query.dashboards.written import to_yaml

_MOST = 500

_dashboards = tables.views.dashboards
_audit = tables.accounts.audit


class Dashboards:
    """Reads and writes the dashboards of one project at a time, in the shapes of the REST API."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock

    async def list(self, project: str) -> list[dict[str, Any]]:
        """Ready-made ones first, then by name; one of the project's own stands in the place of its namesake."""

        def read(connection: Connection) -> list[Row[Any]]:
            query = select(_dashboards).where(_dashboards.c.project == project).order_by(_dashboards.c.name)
            return list(connection.execute(query))

        own = {row.name: row for row in await self._ledger.read(read)}
        ready = ready_made()
        names = [*ready, *(name for name in own if name not in ready)]
        return [_line(_shown(ready[name]) if name not in own else _stored(own[name])) for name in names]

    async def get(self, project: str, name: str) -> dict[str, Any]:
        """The whole, with its YAML. Raises NotFound."""
        row = await self._ledger.read(lambda connection: _row(connection, project, name))
        if row is not None:
            return _stored(row)
        if name not in ready_made():
            raise NotFound(
                f"There is no dashboard '{name}'.",
                field="name",
                value=name,
                fix="`assay dashboard list` shows those there are",
            )
        return _shown(ready_made()[name])

    async def put(
        self, project: str, actor: str, name: str, given: dict[str, Any], *, revision: int | None = None
    ) -> dict[str, Any]:
        """Saves it. With `revision` only if that is the newest. Raises InvalidInput, Conflict, TooLarge."""
        made = parse(name, given)
        document = to_json(made)

        def write(connection: Connection) -> dict[str, Any]:
            before = _row(connection, project, name)
            _refuse_stale(before, revision)
            values = {"definition": document, "updated_ns": self._clock.now_ns(), "updated_by": actor}
            if before is None:
                _refuse_many(connection, project)
                first = 1 + _saved_ever(connection, project, name)
                connection.execute(insert(_dashboards).values(project=project, name=name, revision=first, **values))
            else:
                changed = update(_dashboards).where(*_one(project, name))
                connection.execute(changed.values(revision=before.revision + 1, **values))
            self._audit.append(
                connection,
                project=project,
                actor=actor,
                action="dashboard.put",
                subject=name,
                before=None if before is None else _noted(connection, project, before.definition),
                after=_noted(connection, project, document),
            )
            saved = _row(connection, project, name)
            return _stored(saved) if saved is not None else _shown(made)

        return await self._ledger.write(write)

    async def delete(self, project: str, actor: str, name: str, *, revision: int | None = None) -> None:
        """Forgets the project's own; a ready-made namesake is back. Raises NotFound, Conflict."""

        def write(connection: Connection) -> None:
            before = _row(connection, project, name)
            if before is None:
                why = "is ready made and stays" if name in ready_made() else "does not exist"
                raise NotFound(f"The dashboard '{name}' {why}.", field="name", value=name)
            _refuse_stale(before, revision)
            connection.execute(delete(_dashboards).where(*_one(project, name)))
            self._audit.append(
                connection,
                project=project,
                actor=actor,
                action="dashboard.delete",
                subject=name,
                before=_noted(connection, project, before.definition),
            )

        await self._ledger.write(write)


def _noted(connection: Connection, project: str, document: Any) -> Any:
    """As the audit log holds it: a statement too may name a person."""
    return without_values(connection, project, document, ("filter", "sql"))


def _saved_ever(connection: Connection, project: str, name: str) -> int:
    """How often one of that name was: one that is made anew has no revision that somebody saw of an earlier one."""
    mine = _audit.c.project == project, _audit.c.action == "dashboard.put", _audit.c.subject == name
    return connection.execute(select(func.count()).select_from(_audit).where(*mine)).scalar() or 0


def _refuse_stale(before: Row[Any] | None, revision: int | None) -> None:
    newest = 0 if before is None else before.revision
    if revision is None or revision == newest:
        return
    if before is None:
        told, fix = "This dashboard was deleted since you read it.", "save it anew: the audit log has who deleted it"
    else:
        told = f"This dashboard was saved by {before.updated_by} since you read it."
        fix = "read it again, and make your change there"
    raise Conflict(told, field="If-Match", value=revision, fix=fix)


def _refuse_many(connection: Connection, project: str) -> None:
    counting = select(func.count()).select_from(_dashboards).where(_dashboards.c.project == project)
    if (connection.execute(counting).scalar() or 0) >= _MOST:
        raise TooLarge(f"A project holds {_MOST} dashboards.", field="name", fix="delete one first")


def _row(connection: Connection, project: str, name: str) -> Row[Any] | None:
    return connection.execute(select(_dashboards).where(*_one(project, name))).one_or_none()


def _one(project: str, name: str) -> tuple[Any, Any]:
    return _dashboards.c.project == project, _dashboards.c.name == name


def _shown(dashboard: Dashboard) -> dict[str, Any]:
    about = {"name": dashboard.name, "ready_made": True, "revision": 0, "updated_at": None, "updated_by": None}
    return {**about, **to_json(dashboard), "yaml": to_yaml(dashboard)}


def _stored(row: Row[Any]) -> dict[str, Any]:
    saved = {"revision": row.revision, "updated_at": rfc3339(row.updated_ns), "updated_by": row.updated_by}
    return {**_shown(parse(row.name, row.definition)), "ready_made": False, **saved}


def _line(whole: dict[str, Any]) -> dict[str, Any]:
    """What a list shows of it."""
    names = ("name", "title", "description", "ready_made", "revision", "updated_at", "updated_by")
    return {**{name: whole[name] for name in names}, "panels": len(whole["panels"])}
