"""Canaries in the ledger. The row is the truth: whatever a process knew is read from here again.

Every transition compares the revision it was decided on with the one that is stored (`change`), so two deciders
cannot both win. Each query names the project.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select, update

from assay_server.core.errors import Conflict, NotFound
from assay_server.ledger import tables
from assay_server.rollout.evidence import Window
from assay_server.rollout.plan import Plan

_canaries = tables.rollout.canaries
_looks = tables.rollout.canary_looks

_GROWTH = 1.1
"""A look is kept when a tenth more units were seen than at the last kept one: 10,000 units are about 60 looks."""


@dataclass(frozen=True, slots=True)
class Record:
    """A canary as it is stored."""

    id: str
    project: str
    channel: str
    baseline: str
    candidate: str
    status: str
    step: int
    share: float
    plan: Plan
    windows: tuple[Window, ...]
    revision: int
    pending: Mapping[str, Any] | None
    latest: Mapping[str, Any] | None
    decision: Mapping[str, Any] | None
    started_ns: int
    ended_ns: int | None
    by: str
    reason: str


def insert(connection: Connection, record: Record) -> None:
    values = {name: getattr(record, name) for name in Record.__slots__}
    values |= {"plan": record.plan.to_json(), "windows": _stored(record.windows)}
    connection.execute(_canaries.insert().values(**values))


def fetch(connection: Connection, project: str, canary: str) -> Record:
    """Raises NotFound."""
    query = select(_canaries).where(_canaries.c.project == project, _canaries.c.id == canary)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("There is no such canary.", field="canary", value=canary, fix="`assay canary list` shows them")
    return _record(row)


def unfinished(connection: Connection) -> list[tuple[str, str]]:
    """(project, id) of all that need a look or were interrupted, in every project: for the engine alone."""
    query = select(_canaries.c.project, _canaries.c.id).where(
        or_(_canaries.c.status.in_(("running", "held")), _canaries.c.pending.is_not(None))
    )
    return [(row.project, row.id) for row in connection.execute(query)]


def listed(
    connection: Connection,
    project: str,
    *,
    channel: str | None,
    status: str | None,
    limit: int,
    after: tuple[int, str] | None,
) -> tuple[list[Record], int]:
    """Newest first, and how many there are in all. `after`: (started_ns, id) of the last one of the page before."""
    where = [_canaries.c.project == project]
    where += [_canaries.c.channel == channel] if channel is not None else []
    where += [_canaries.c.status == status] if status is not None else []
    total = connection.execute(select(func.count()).select_from(_canaries).where(*where)).scalar_one()
    query = _after(select(_canaries).where(*where), after)
    query = query.order_by(_canaries.c.started_ns.desc(), _canaries.c.id.desc()).limit(limit)
    return [_record(row) for row in connection.execute(query)], total


def change(connection: Connection, record: Record, **values: Any) -> Record:
    """The record with other values, if nobody changed it since it was read. Raises Conflict."""
    if "windows" in values:
        values["windows"] = _stored(values["windows"])
    unchanged = and_(
        _canaries.c.project == record.project, _canaries.c.id == record.id, _canaries.c.revision == record.revision
    )
    values["revision"] = record.revision + 1
    if connection.execute(update(_canaries).where(unchanged).values(**values)).rowcount != 1:
        raise Conflict("This canary has moved on since it was read.", field="canary", value=record.id, fix="read again")
    return fetch(connection, record.project, record.id)


def remove(connection: Connection, record: Record) -> None:
    """Forgets a canary that was never begun: its channel refused it."""
    connection.execute(_canaries.delete().where(_canaries.c.project == record.project, _canaries.c.id == record.id))


def keep_look(connection: Connection, record: Record, look: Mapping[str, Any], *, decisive: bool) -> None:
    """Stores the newest look in place, and as history where it is far enough from the one before, or decided."""
    mine = and_(_canaries.c.project == record.project, _canaries.c.id == record.id)
    connection.execute(update(_canaries).where(mine).values(latest=dict(look)))
    units = sum(look["units"].values())
    kept = _looks.c.project == record.project, _looks.c.canary == record.id
    last = connection.execute(select(func.max(_looks.c.units)).where(*kept)).scalar()
    if not units or not (decisive or last is None or units >= last * _GROWTH):
        return
    connection.execute(_looks.delete().where(*kept, _looks.c.units == units))  # late scores: the newest look wins
    row = {"canary": record.id, "units": units, "project": record.project, "at_ns": look["at_ns"], "body": dict(look)}
    connection.execute(_looks.insert().values(**row))


def looks(connection: Connection, project: str, canary: str) -> list[Mapping[str, Any]]:
    """The kept looks, oldest first."""
    query = select(_looks.c.body).where(_looks.c.project == project, _looks.c.canary == canary).order_by(_looks.c.units)
    return [row.body for row in connection.execute(query)]


def _after(query: Select[Any], after: tuple[int, str] | None) -> Select[Any]:
    if after is None:
        return query
    started, last = after
    older = _canaries.c.started_ns < started
    return query.where(or_(older, and_(_canaries.c.started_ns == started, _canaries.c.id < last)))


def _record(row: Row[Any]) -> Record:
    values = dict(row._mapping)
    values["plan"] = Plan.from_json(values["plan"])
    values["windows"] = _windows(values["windows"])
    return Record(**values)


def _stored(windows: Sequence[Window]) -> list[dict[str, Any]]:
    return [{"step": one.step, "share": one.share, "since_ns": one.since_ns} for one in windows]


def _windows(stored: Sequence[Mapping[str, Any]]) -> tuple[Window, ...]:
    """A step ends when the next one begins."""
    ends = [*(one["since_ns"] for one in stored[1:]), None]
    return tuple(
        Window(one["step"], one["share"], one["since_ns"], end) for one, end in zip(stored, ends, strict=False)
    )
