"""Monitors that look at people one by one (`group_by`) forget a person who is deleted.

Their states, findings, incidents and messages name the group. The story of an incident stays (that one was opened,
when, and when it ended); whom it was about goes.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Text, cast, or_, select, update

from assay_server.core.clock import Clock
from assay_server.ledger import Ledger, holds, storable, tables
from assay_server.monitors import rows
from assay_server.monitors.rows import Entry
from assay_server.notify import forget_messages
from assay_server.query import group_noted

_states = tables.monitors.monitor_states
_evaluations = tables.monitors.monitor_evaluations
_incidents = tables.rollout.incidents
_timeline = tables.rollout.incident_timeline

FORGOTTEN = "a group that was deleted"
_ACTOR = "assay:deletion"


async def forget_group(
    ledger: Ledger, project: str, names: Sequence[str], clock: Clock, *, dry_run: bool = False
) -> int:
    """Takes the groups of these names out of what monitors have found; how many findings and incidents named them."""

    every = [*dict.fromkeys([*names, *map(group_noted, names)])]

    def work(connection: Connection) -> int:
        names = storable(connection, every)
        states = _of(connection, project, names)
        evaluations = _evaluations_of(connection, project, names)
        incidents = _incidents_of(connection, project, names)
        if not dry_run:
            connection.execute(_states.delete().where(_states.c.project == project, _states.c.group.in_(names)))
            for row in evaluations:
                mine = _evaluations.c.monitor == row.monitor, _evaluations.c.at_ns == row.at_ns
                left = [finding for finding in row.findings if finding["group"] not in names]
                connection.execute(update(_evaluations).where(*mine).values(findings=left))
            for row in incidents:
                _empty(connection, project, row, clock.now_ns())
            forget_messages(connection, project, [row.id for row in incidents], FORGOTTEN)
        return states + len(evaluations) + len(incidents)

    return await (ledger.read(work) if dry_run else ledger.write(work))


def _of(connection: Connection, project: str, names: Sequence[str]) -> int:
    query = select(_states.c.monitor).where(_states.c.project == project, _states.c.group.in_(names))
    return len(connection.execute(query).all())


def _evaluations_of(connection: Connection, project: str, names: Sequence[str]) -> list[Any]:
    text = cast(_evaluations.c.findings, Text)
    near = [holds(text, json.dumps(name, ensure_ascii=plain)) for name in names for plain in (True, False)]
    rows_ = connection.execute(select(_evaluations).where(_evaluations.c.project == project, or_(*near)))
    return [row for row in rows_ if any(finding["group"] in names for finding in row.findings)]


def _incidents_of(connection: Connection, project: str, names: Sequence[str]) -> list[Any]:
    query = select(_incidents).where(_incidents.c.project == project, _incidents.c.subject.startswith("mon_"))
    return [row for row in connection.execute(query) if row.evidence.get("group") in names]


def _empty(connection: Connection, project: str, row: Any, now_ns: int) -> None:
    if row.status != "resolved":
        rows.set_status(connection, project, row.id, "resolved")
        rows.append(connection, project, row.id, Entry(now_ns, "resolved", _ACTOR))
    told = _timeline.c.project == project, _timeline.c.incident == row.id
    for entry in connection.execute(select(_timeline.c.seq, _timeline.c.what).where(*told)).all():
        what = entry.what.partition(":")[0]
        connection.execute(update(_timeline).where(*told, _timeline.c.seq == entry.seq).values(what=what))
    monitor = row.evidence.get("monitor")
    values = {
        "key": row.id,
        "title": f"{monitor}: {FORGOTTEN}",
        "sentence": f"This was about {FORGOTTEN}.",
        "evidence": {**row.evidence, "group": None, "sentence": f"This was about {FORGOTTEN}."},
    }
    connection.execute(
        update(_incidents).where(_incidents.c.project == project, _incidents.c.id == row.id).values(**values)
    )
