"""Scheduled exports and their runs in the ledger; every query names the project, but for the schedule's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from assay_server.core.errors import NotFound
from assay_server.ledger import tables
from assay_server.outbound.definition import Definition, Every, parse, to_json

_exports = tables.outbound.exports
_runs = tables.outbound.export_runs

_KEPT_RUNS = 2000
"""Runs kept of each export."""


@dataclass(frozen=True, slots=True)
class Export:
    """`next_ns`: the end of the next window to write."""

    id: str
    project: str
    definition: Definition
    next_ns: int
    revision: int
    created_ns: int
    created_by: str


def insert(connection: Connection, export: Export) -> None:
    values = {
        name: getattr(export, name) for name in ("id", "project", "next_ns", "revision", "created_ns", "created_by")
    }
    connection.execute(_exports.insert().values(**values, **_said(export.definition)))


def change(connection: Connection, export: Export, definition: Definition, next_ns: int) -> None:
    mine = _exports.c.project == export.project, _exports.c.id == export.id
    values = {**_said(definition), "next_ns": next_ns, "revision": export.revision + 1}
    connection.execute(update(_exports).where(*mine).values(**values))


def remove(connection: Connection, export: Export) -> None:
    connection.execute(delete(_runs).where(_runs.c.project == export.project, _runs.c.export == export.id))
    connection.execute(delete(_exports).where(_exports.c.project == export.project, _exports.c.id == export.id))


def find(connection: Connection, project: str, ref: str) -> Export | None:
    """By id or name."""
    query = select(_exports).where(_exports.c.project == project, or_(_exports.c.id == ref, _exports.c.name == ref))
    row = connection.execute(query).first()
    return None if row is None else _export(row)


def fetch(connection: Connection, project: str, ref: str) -> Export:
    """Raises NotFound."""
    found = find(connection, project, ref)
    if found is None:
        raise NotFound(f"There is no scheduled export '{ref}'.", field="export", value=ref)
    return found


def listed(connection: Connection, project: str) -> list[Export]:
    query = select(_exports).where(_exports.c.project == project).order_by(_exports.c.name)
    return [_export(row) for row in connection.execute(query).all()]


def due(connection: Connection, until_ns: int) -> list[Export]:
    """Whose next window ended by then, in every project: for the schedule alone."""
    query = select(_exports).where(_exports.c.enabled.is_(True), _exports.c.next_ns <= until_ns)
    return [_export(row) for row in connection.execute(query.order_by(_exports.c.next_ns)).all()]


def ahead(connection: Connection, following: Mapping[Every, int]) -> list[Export]:
    """Whose next window ends later than the one that goes on now, by the length of their windows, in every project: for
    the schedule alone."""
    query = select(_exports).where(_exports.c.enabled.is_(True), _exports.c.next_ns > min(following.values()))
    found = [_export(row) for row in connection.execute(query).all()]
    return [export for export in found if export.next_ns > following[export.definition.every]]


def waits_longer(connection: Connection, until_ns: int) -> bool:
    """Whether a run waits for later than that, in any project."""
    return connection.execute(select(_runs.c.export).where(*_later(until_ns)).limit(1)).first() is not None


def hurry(connection: Connection, until_ns: int, now_ns: int) -> None:
    """What waits for later than `until_ns` is to be made now, in every project."""
    connection.execute(update(_runs).where(*_later(until_ns)).values(next_ns=now_ns))


def _later(until_ns: int) -> tuple[Any, ...]:
    return _runs.c.status.in_(("waiting", "running")), _runs.c.next_ns > until_ns


def move(connection: Connection, export: Export, next_ns: int) -> None:
    mine = _exports.c.project == export.project, _exports.c.id == export.id
    connection.execute(update(_exports).where(*mine).values(next_ns=next_ns))


def want(connection: Connection, export: Export, start_ns: int, end_ns: int, now_ns: int) -> None:
    """The window is to be written now, for the first time or again."""
    this = _runs.c.export == export.id, _runs.c.start_ns == start_ns
    wanted = {"status": "waiting", "attempts": 0, "next_ns": now_ns, "error": None}
    if connection.execute(update(_runs).where(*this).values(**wanted)).rowcount == 0:
        values = {"export": export.id, "project": export.project, "start_ns": start_ns, "end_ns": end_ns}
        connection.execute(_runs.insert().values(**values, **wanted))
        _forget(connection, export)


def waiting(connection: Connection, now_ns: int) -> list[tuple[Export, Sequence[Row[Any]]]]:
    """Exports of every project with runs to make now, oldest window first: for the schedule alone."""
    due = _runs.c.status.in_(("waiting", "running")), _runs.c.next_ns <= now_ns
    found = []
    for project, id_ in connection.execute(select(_runs.c.project, _runs.c.export).where(*due).distinct()).all():
        export = find(connection, project, id_)
        if export is not None:
            mine = select(_runs).where(*due, _runs.c.project == project, _runs.c.export == id_)
            found.append((export, connection.execute(mine.order_by(_runs.c.start_ns).limit(100)).all()))
    return found


def note(connection: Connection, run: Row[Any], **values: Any) -> None:
    """Notes how a run goes."""
    this = _runs.c.export == run.export, _runs.c.project == run.project, _runs.c.start_ns == run.start_ns
    connection.execute(update(_runs).where(*this).values(**values))


def runs(
    connection: Connection, export: Export, limit: int, before_ns: int | None = None
) -> tuple[Sequence[Row[Any]], int]:
    """Newest window first, and how many there are."""
    mine = _runs.c.project == export.project, _runs.c.export == export.id
    query = select(_runs).where(*mine).order_by(_runs.c.start_ns.desc()).limit(limit)
    if before_ns is not None:
        query = query.where(_runs.c.start_ns < before_ns)
    total = connection.execute(select(func.count()).select_from(_runs).where(*mine)).scalar_one()
    return connection.execute(query).all(), total


def done_since(connection: Connection, export: Export, since_ns: int) -> Sequence[Row[Any]]:
    """Runs of windows that began then or later and are written. `seen_ns`: until when what was stored is in them."""
    mine = _runs.c.project == export.project, _runs.c.export == export.id
    return connection.execute(select(_runs).where(*mine, _runs.c.status == "done", _runs.c.start_ns >= since_ns)).all()


def everybodys(connection: Connection) -> list[Export]:
    """In every project: to know whose files stand where."""
    return [_export(row) for row in connection.execute(select(_exports)).all()]


def repriced(connection: Connection, export: Export, since_ns: int) -> Sequence[tuple[int, int | None]]:
    """When stored calls of the project got other prices, after a moment, and from which of them on."""
    priced = tables.money.repricings
    mine = priced.c.project == export.project, priced.c.ended_ns > since_ns, priced.c.calls > 0
    found = connection.execute(select(priced.c.ended_ns, priced.c.since_ns).where(*mine)).all()
    return [(row.ended_ns, row.since_ns) for row in found]


def _forget(connection: Connection, export: Export) -> None:
    mine = _runs.c.project == export.project, _runs.c.export == export.id
    oldest = connection.execute(
        select(_runs.c.start_ns).where(*mine).order_by(_runs.c.start_ns.desc()).offset(_KEPT_RUNS).limit(1)
    ).scalar()
    if oldest is not None:
        connection.execute(delete(_runs).where(*mine, _runs.c.start_ns <= oldest))


def _said(definition: Definition) -> dict[str, Any]:
    told = to_json(definition)
    return {"name": told["name"], "definition": told, "enabled": told["enabled"]}


def _export(row: Row[Any]) -> Export:
    definition = parse(row.definition)
    return Export(row.id, row.project, definition, row.next_ns, row.revision, row.created_ns, row.created_by)
