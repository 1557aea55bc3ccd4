"""Monitors, their states and evaluations in the ledger; every query names the project, but for the schedule's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from assay_server.core.errors import NotFound
from assay_server.ledger import tables
from assay_server.monitors.definition import Definition, parse
from assay_server.query import Window

_monitors = tables.monitors.monitors
_states = tables.monitors.monitor_states
_evaluations = tables.monitors.monitor_evaluations
_projects = tables.monitors.monitor_projects

_KEPT = 500
"""Evaluations kept for each monitor."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor as it is stored. `next_ns`: the moment its next window ends."""

    id: str
    project: str
    definition: Definition
    ready_made: bool
    next_ns: int
    evaluated_ns: int | None
    missed: int
    revision: int
    created_ns: int
    created_by: str


@dataclass(frozen=True, slots=True)
class State:
    """What is known of one group; `calm` counts evaluations without trouble since the last with."""

    group: str
    status: str
    since_ns: int
    calm: int
    incident: str | None
    finding: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A look that was made: the end of its window, when it was made, and what it said (as it is stored)."""

    at_ns: int
    done_ns: int
    findings: Sequence[Mapping[str, Any]]

    def said(self, group: str) -> str:
        """What it said of a group at first, before more came for its window."""
        return next((_said(each) for each in self._of(group)), "unknown")

    def alarms(self, group: str) -> list[Window]:
        """Windows of which trouble was told, in time or since."""
        rang = (each for each in self._of(group) if "alarm" in {each["status"], _said(each)})
        return [Window.told(each["window"]["since"], each["window"]["until"]) for each in rang]

    def _of(self, group: str) -> list[Mapping[str, Any]]:
        return [each for each in self.findings if (each["group"] or "") == group]


def _said(finding: Mapping[str, Any]) -> str:
    return str(finding["details"].get("said", finding["status"]))


def insert(connection: Connection, monitor: Monitor, definition: dict[str, Any]) -> None:
    values = {name: getattr(monitor, name) for name in Monitor.__slots__ if name != "definition"}
    names = {"name": monitor.definition.name, "enabled": monitor.definition.enabled}
    connection.execute(_monitors.insert().values(**values, **names, definition=definition))


def fetch(connection: Connection, project: str, ref: str) -> Monitor:
    """By id or by name. Raises NotFound."""
    found = find(connection, project, ref)
    if found is None:
        raise NotFound(
            "There is no such monitor.", field="monitor", value=ref, fix="`assay monitor list` shows those there are"
        )
    return found


def find(connection: Connection, project: str, ref: str) -> Monitor | None:
    column = _monitors.c.id if ref.startswith("mon_") else _monitors.c.name
    row = connection.execute(select(_monitors).where(_monitors.c.project == project, column == ref)).one_or_none()
    return None if row is None else _monitor(row)


def listed(connection: Connection, project: str) -> list[Monitor]:
    """By name."""
    query = select(_monitors).where(_monitors.c.project == project).order_by(_monitors.c.name)
    return [_monitor(row) for row in connection.execute(query)]


def due(connection: Connection, now_ns: int) -> list[Monitor]:
    """Those whose next window has ended, in every project, the longest waiting first: for the schedule alone.

    Where the clock was set back nobody waits for it to catch up: what was last evaluated later than now is due.
    """
    set_back = func.coalesce(_monitors.c.evaluated_ns, _monitors.c.created_ns) > now_ns
    ready = _monitors.c.enabled, (_monitors.c.next_ns <= now_ns) | set_back
    query = select(_monitors).where(*ready).order_by(_monitors.c.next_ns)
    return [_monitor(row) for row in connection.execute(query)]


def change(connection: Connection, monitor: Monitor, **values: Any) -> bool:
    """Writes if nobody changed it since it was read."""
    mine = _monitors.c.project == monitor.project, _monitors.c.id == monitor.id
    unchanged = _monitors.c.revision == monitor.revision
    values["revision"] = monitor.revision + 1
    return connection.execute(update(_monitors).where(*mine, unchanged).values(**values)).rowcount == 1


def delete(connection: Connection, monitor: Monitor) -> None:
    for table in (_states, _evaluations):
        connection.execute(table.delete().where(table.c.project == monitor.project, table.c.monitor == monitor.id))
    connection.execute(_monitors.delete().where(_monitors.c.project == monitor.project, _monitors.c.id == monitor.id))


def states(connection: Connection, project: str, monitors: Sequence[str]) -> dict[str, list[State]]:
    """By monitor, the groups in their order."""
    query = select(_states).where(_states.c.project == project, _states.c.monitor.in_(monitors))
    found: dict[str, list[State]] = {}
    for row in connection.execute(query.order_by(_states.c.group)):
        state = State(row.group, row.status, row.since_ns, row.calm, row.incident, row.finding)
        found.setdefault(row.monitor, []).append(state)
    return found


def put_state(connection: Connection, monitor: Monitor, state: State) -> None:
    mine = _states.c.project == monitor.project, _states.c.monitor == monitor.id, _states.c.group == state.group
    values = {name: getattr(state, name) for name in State.__slots__}
    if connection.execute(update(_states).where(*mine).values(**values)).rowcount == 0:
        connection.execute(_states.insert().values(project=monitor.project, monitor=monitor.id, **values))


def drop_state(connection: Connection, monitor: Monitor, group: str) -> None:
    mine = _states.c.project == monitor.project, _states.c.monitor == monitor.id, _states.c.group == group
    connection.execute(_states.delete().where(*mine))


def forget_states(connection: Connection, monitor: Monitor) -> None:
    """For a monitor that measures something else from now on."""
    mine = _states.c.project == monitor.project, _states.c.monitor == monitor.id
    connection.execute(_states.delete().where(*mine))


def add_evaluation(
    connection: Connection, monitor: Monitor, at_ns: int, done_ns: int, findings: list[dict[str, Any]]
) -> None:
    """Keeps the newest few hundred; none of a time that is not yet: they were made before the clock was set back."""
    mine = _evaluations.c.project == monitor.project, _evaluations.c.monitor == monitor.id
    row = {"project": monitor.project, "monitor": monitor.id, "at_ns": at_ns}
    untrue = (_evaluations.c.at_ns == at_ns) | (_evaluations.c.at_ns > done_ns)
    connection.execute(_evaluations.delete().where(*mine, untrue))
    connection.execute(_evaluations.insert().values(**row, done_ns=done_ns, findings=findings))
    newest = select(_evaluations.c.at_ns).where(*mine).order_by(_evaluations.c.at_ns.desc()).offset(_KEPT).limit(1)
    oldest = connection.execute(newest).scalar()
    if oldest is not None:
        connection.execute(_evaluations.delete().where(*mine, _evaluations.c.at_ns <= oldest))


def evaluations(connection: Connection, project: str, monitor: str, limit: int) -> list[Row[Any]]:
    """Newest first."""
    mine = _evaluations.c.project == project, _evaluations.c.monitor == monitor
    query = select(_evaluations).where(*mine).order_by(_evaluations.c.at_ns.desc()).limit(limit)
    return list(connection.execute(query).all())


def judged(connection: Connection, project: str, monitor: str, since_ns: int, until_ns: int) -> list[Judged]:
    """Looks at moments from `since_ns` on and before `until_ns`, newest first."""
    mine = _evaluations.c.project == project, _evaluations.c.monitor == monitor
    within = _evaluations.c.at_ns >= since_ns, _evaluations.c.at_ns < until_ns
    query = select(_evaluations).where(*mine, *within).order_by(_evaluations.c.at_ns.desc())
    return [Judged(row.at_ns, row.done_ns, row.findings) for row in connection.execute(query)]


def judge_again(connection: Connection, monitor: Monitor, at_ns: int, findings: list[dict[str, Any]]) -> None:
    """What a look says in place of what it said; when it was made stays, so that all that came since counts."""
    mine = _evaluations.c.project == monitor.project, _evaluations.c.monitor == monitor.id
    change = update(_evaluations).where(*mine, _evaluations.c.at_ns == at_ns)
    connection.execute(change.values(findings=findings))


def last_done_ns(connection: Connection, now_ns: int) -> int | None:
    """When the newest evaluation was made, in any project: the last sign of life before a start."""
    newest = select(func.max(_evaluations.c.done_ns)).where(_evaluations.c.done_ns <= now_ns)
    found: int | None = connection.execute(newest).scalar()
    return found


def is_furnished(connection: Connection, project: str) -> bool:
    """Whether this project got its ready-made monitors."""
    return connection.execute(select(_projects).where(_projects.c.project == project)).first() is not None


def furnished(connection: Connection, project: str, at_ns: int) -> None:
    connection.execute(_projects.insert().values(project=project, at_ns=at_ns))


def _monitor(row: Row[Any]) -> Monitor:
    values = {name: getattr(row, name) for name in Monitor.__slots__ if name != "definition"}
    return Monitor(**values, definition=parse(row.definition))
