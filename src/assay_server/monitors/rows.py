"""Incidents in the ledger; every query names the project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from assay_server.core.errors import NotFound
from assay_server.ledger import tables

_incidents = tables.rollout.incidents
_timeline = tables.rollout.incident_timeline


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened to an incident."""

    at_ns: int
    what: str
    by: str


@dataclass(frozen=True, slots=True)
class Incident:
    """Something went wrong, with numbers. `key` says what, once; `actions` are `{label, method, path}`."""

    id: str
    project: str
    key: str
    title: str
    status: str
    severity: str
    kind: str
    subject: str
    sentence: str
    evidence: Mapping[str, Any]
    actions: Sequence[Mapping[str, str]]
    opened_ns: int
    timeline: tuple[Entry, ...] = ()


def insert(connection: Connection, incident: Incident) -> None:
    values = {name: getattr(incident, name) for name in Incident.__slots__ if name != "timeline"}
    connection.execute(_incidents.insert().values(**values))


def by_key(connection: Connection, project: str, key: str) -> str | None:
    query = select(_incidents.c.id).where(_incidents.c.project == project, _incidents.c.key == key)
    found: str | None = connection.execute(query).scalar()
    return found


def fetch(connection: Connection, project: str, incident: str) -> Incident:
    """With its timeline. Raises NotFound."""
    query = select(_incidents).where(_incidents.c.project == project, _incidents.c.id == incident)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("There is no such incident.", field="incident", value=incident)
    return Incident(**row._mapping, timeline=_entries(connection, project, [incident]).get(incident, ()))


def opened_after(connection: Connection, project: str, subject: str, at_ns: int) -> list[Incident]:
    """Of one subject, the newest first, without their timelines: later than now where the clock was set back."""
    mine = _incidents.c.project == project, _incidents.c.subject == subject, _incidents.c.opened_ns > at_ns
    query = select(_incidents).where(*mine).order_by(_incidents.c.opened_ns.desc())
    return [Incident(**row._mapping) for row in connection.execute(query)]


def listed(
    connection: Connection, project: str, *, status: str | None, limit: int, after: tuple[int, str] | None
) -> tuple[list[Incident], int]:
    """Newest first, with their timelines, and how many there are in all."""
    where = [_incidents.c.project == project]
    where += [_incidents.c.status == status] if status is not None else []
    total = connection.execute(select(func.count()).select_from(_incidents).where(*where)).scalar_one()
    if after is not None:
        older = _incidents.c.opened_ns < after[0]
        where.append(or_(older, and_(_incidents.c.opened_ns == after[0], _incidents.c.id < after[1])))
    query = select(_incidents).where(*where).order_by(_incidents.c.opened_ns.desc(), _incidents.c.id.desc())
    found = connection.execute(query.limit(limit)).all()
    timelines = _entries(connection, project, [row.id for row in found])
    return [Incident(**row._mapping, timeline=timelines.get(row.id, ())) for row in found], total


def unresolved(connection: Connection, project: str, kind: str) -> list[tuple[str, str]]:
    """(id, key), oldest first."""
    mine = _incidents.c.project == project, _incidents.c.kind == kind, _incidents.c.status != "resolved"
    query = select(_incidents.c.id, _incidents.c.key).where(*mine).order_by(_incidents.c.opened_ns, _incidents.c.id)
    return [(row.id, row.key) for row in connection.execute(query)]


def set_status(connection: Connection, project: str, incident: str, status: str) -> None:
    mine = and_(_incidents.c.project == project, _incidents.c.id == incident)
    connection.execute(update(_incidents).where(mine).values(status=status))


def append(connection: Connection, project: str, incident: str, entry: Entry) -> None:
    mine = _timeline.c.project == project, _timeline.c.incident == incident
    last = connection.execute(select(func.max(_timeline.c.seq)).where(*mine)).scalar() or 0
    row = {"project": project, "incident": incident, "seq": last + 1}
    connection.execute(_timeline.insert().values(**row, at_ns=entry.at_ns, what=entry.what, by=entry.by))


def _entries(connection: Connection, project: str, incidents: Sequence[str]) -> dict[str, tuple[Entry, ...]]:
    query = select(_timeline).where(_timeline.c.project == project, _timeline.c.incident.in_(incidents))
    found: dict[str, tuple[Entry, ...]] = {}
    for row in connection.execute(query.order_by(_timeline.c.incident, _timeline.c.seq)):
        found[row.incident] = (*found.get(row.incident, ()), Entry(row.at_ns, row.what, row.by))
    return found
