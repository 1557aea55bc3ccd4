"""From one evaluation to the next: opens an incident where trouble begins, resolves it where it has passed.

It has passed after two calm evaluations in a row, so that a figure at its line does not ring at every step; or when a
group has had too little data for a whole day, which says so. Trouble that a person called resolved is not told again
until it has been calm in between; nor is trouble that was told before the clock was set back, when its time comes
again.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from assay_server.core.clock import in_utc, rfc3339
from assay_server.monitors import monitor_rows
from assay_server.monitors.finding import Finding, finding_json, lasted_of, subject_of, until_ns
from assay_server.monitors.incidents import Incidents
from assay_server.monitors.monitor_rows import Monitor, State

ACTOR = "assay:monitor"

_CALM = 2
_SECOND = 1_000_000_000
_FORGOTTEN_NS = 86_400 * _SECOND


class Transitions:
    """Applies findings inside the transaction that records their evaluation."""

    def __init__(self, incidents: Incidents) -> None:
        self._incidents = incidents

    def apply(
        self, connection: Connection, monitor: Monitor, at_ns: int, findings: Sequence[Finding], known: Sequence[State]
    ) -> None:
        before = {state.group: state for state in known}
        for finding in findings:
            state = self._next(connection, monitor, at_ns, finding, before.get(finding.group))
            if finding.group and finding.n == 0 and state.status != "alarm":
                monitor_rows.drop_state(connection, monitor, finding.group)  # users come and go
            else:
                monitor_rows.put_state(connection, monitor, state)

    def end(self, connection: Connection, monitor: Monitor, known: Sequence[State], by: str, reason: str) -> None:
        """Resolves what is open: the monitor goes, or measures something else from now on."""
        for state in known:
            self._resolve(connection, monitor, state, by, reason)

    def _next(
        self, connection: Connection, monitor: Monitor, at_ns: int, finding: Finding, before: State | None
    ) -> State:
        shown = finding_json(finding)
        if before is not None and before.status == "alarm":
            return self._in_alarm(connection, monitor, at_ns, finding, before)
        if finding.status == "alarm":
            incident = self._open(connection, monitor, at_ns, finding)
            return State(finding.group, "alarm", at_ns, 0, incident, shown)
        since = before.since_ns if before is not None and before.status == finding.status else at_ns
        return State(finding.group, finding.status, since, 0, None, shown)

    def _in_alarm(self, connection: Connection, monitor: Monitor, at_ns: int, finding: Finding, before: State) -> State:
        shown = finding_json(finding)
        if finding.status == "alarm":
            return State(before.group, "alarm", before.since_ns, 0, before.incident, shown)
        if finding.status == "unknown":
            if abs(at_ns - until_ns(before.finding)) < _FORGOTTEN_NS:  # later than now: the clock was set back
                return before
            self._resolve(connection, monitor, before, ACTOR, "No data for a day: whether it passed is not known.")
            return State(before.group, "unknown", at_ns, 0, None, shown)
        if before.calm + 1 < _CALM:
            return State(before.group, "alarm", before.since_ns, before.calm + 1, before.incident, shown)
        told, lasted_s = finding.sentence, round((at_ns - before.since_ns) / _SECOND)
        if lasted_s >= 0:  # else the clock was set back, and nobody knows how long it lasted
            told = f"After {lasted_of(lasted_s)}: {told}"
        seen = f"From {in_utc(finding.window.since_ns)} to {in_utc(finding.window.until_ns)}."
        self._resolve(connection, monitor, before, ACTOR, f"{told} {seen}")
        return State(before.group, "ok", at_ns, 0, None, shown)

    def _open(self, connection: Connection, monitor: Monitor, at_ns: int, finding: Finding) -> str:
        known = self._incidents.told_ahead(
            connection, monitor.project, monitor.id, finding.group, at_ns, finding.window
        )
        if known is not None:
            return known
        definition = monitor.definition
        values = {
            "key": f"{monitor.id}:{finding.group}:{at_ns}",
            "kind": f"monitor_{definition.rule.kind}",
            "severity": definition.severity,
            "title": f"{definition.name}: {subject_of(definition, finding.group)}",
            "subject": monitor.id,
            "sentence": finding.sentence,
            "evidence": _evidence(monitor, finding),
            "actions": _actions(monitor),
        }
        return self._incidents.open_within(connection, monitor.project, ACTOR, values)

    def _resolve(self, connection: Connection, monitor: Monitor, state: State, by: str, reason: str) -> None:
        if state.incident is not None:
            self._incidents.resolve_within(connection, monitor.project, state.incident, by=by, reason=reason)


def _evidence(monitor: Monitor, finding: Finding) -> dict[str, Any]:
    return {
        **finding_json(finding),
        "monitor": monitor.definition.name,
        "metric": monitor.definition.metric.name,
        "filter": {name: list(values) for name, values in monitor.definition.filter.items()},
        "group_by": monitor.definition.group_by,
        **({"description": monitor.definition.description} if monitor.definition.description else {}),
    }


def _actions(monitor: Monitor) -> list[dict[str, str]]:
    path = f"/api/v1/monitors/{monitor.id}"
    return [
        {"label": "Look at the monitor", "method": "GET", "path": path},
        {"label": "Silence it for an hour", "method": "POST", "path": f"{path}/silence"},
    ]


def state_json(state: State) -> dict[str, Any]:
    """As the API shows it."""
    return {
        "group": state.group or None,
        "status": state.status,
        "since": rfc3339(state.since_ns),
        "incident": state.incident,
        "finding": state.finding,
    }
