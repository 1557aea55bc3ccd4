"""Incidents: opened once, acknowledged, resolved. Whatever finds trouble opens one here: a canary today, the
monitors' windows later; all they need to agree on is `open`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import Conflict, InvalidInput
from assay_server.core.ids import new_id
from assay_server.core.ports import Scrub
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.monitors import rows
from assay_server.monitors.rows import Entry, Incident
from assay_server.query import Window

SEVERITIES = ("info", "warning", "critical")
STATUSES = ("open", "acknowledged", "resolved")


Announce = Callable[[Connection, Incident, str, str], None]
"""Puts the news of an incident (`opened` or `resolved`, and why) where people will hear of it, in its transaction."""


class Incidents:
    """The face of the room. Every method is scoped by project; every change is audited in its transaction."""

    def __init__(
        self, ledger: Ledger, audit: Audit, clock: Clock, scrub: Scrub, announce: Announce | None = None
    ) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._scrub = scrub
        self._announce = announce

    async def open(
        self,
        project: str,
        *,
        key: str,
        kind: str,
        severity: str,
        title: str,
        subject: str,
        sentence: str,
        evidence: Mapping[str, Any],
        actions: Sequence[Mapping[str, str]],
        by: str,
    ) -> str:
        """Opens an incident and returns its id; one with the same `key` is found again and left as it is."""
        if severity not in SEVERITIES:
            raise InvalidInput(field="severity", value=severity, fix=f"one of {', '.join(SEVERITIES)}")
        told = {"kind": kind, "severity": severity, "title": title, "subject": subject, "sentence": sentence}
        values = {"key": key, **told, "evidence": evidence, "actions": [dict(action) for action in actions]}
        return await self._ledger.write(lambda connection: self.open_within(connection, project, by, values))

    def open_within(self, connection: Connection, project: str, by: str, values: Mapping[str, Any]) -> str:
        """`open` as a part of the caller's transaction; `values` are the other fields of `Incident`."""
        incident = Incident(id=new_id("inc"), project=project, status="open", opened_ns=self._clock.now_ns(), **values)
        return self._open_once(connection, incident, by)

    def told_ahead(
        self, connection: Connection, project: str, subject: str, group: str, at_ns: int, window: Window
    ) -> str | None:
        """The incident of the same time, where the clock was set back since it was opened: its facts are there."""
        for incident in rows.opened_after(connection, project, subject, at_ns):
            found = incident.evidence.get("window")
            if found is None or (incident.evidence.get("group") or "") != group:
                continue
            if Window.told(found["since"], found["until"]).overlaps(window):
                return incident.id
        return None

    def resolve_within(self, connection: Connection, project: str, incident: str, *, by: str, reason: str) -> bool:
        """`resolve` as a part of the caller's transaction; False where somebody did it before."""
        if rows.fetch(connection, project, incident).status == "resolved":
            return False
        self._turned(connection, project, incident, "resolved", ("open", "acknowledged"), by, reason)
        return True

    async def get(self, project: str, incident: str) -> Incident:
        """Raises NotFound."""
        return await self._ledger.read(lambda connection: rows.fetch(connection, project, incident))

    async def list(
        self, project: str, *, status: str | None = None, limit: int = 50, after: tuple[int, str] | None = None
    ) -> tuple[Sequence[Incident], int]:
        """Newest first, and the total. `after`: (opened_ns, id) of the last one of the page before."""
        if status is not None and status not in STATUSES:
            raise InvalidInput(field="status", value=status, fix=f"one of {', '.join(STATUSES)}")
        return await self._ledger.read(
            lambda connection: rows.listed(connection, project, status=status, limit=limit, after=after)
        )

    async def unresolved(self, project: str, *, kind: str) -> Sequence[tuple[str, str]]:
        """Ids and keys of what is still open, or acknowledged, of one kind; oldest first."""
        return await self._ledger.read(lambda connection: rows.unresolved(connection, project, kind))

    async def acknowledge(self, project: str, incident: str, *, by: str, reason: str) -> Incident:
        """Somebody is on it. Raises Conflict unless it is open."""
        return await self._turn(project, incident, "acknowledged", ("open",), by, reason)

    async def resolve(self, project: str, incident: str, *, by: str, reason: str) -> Incident:
        """It is over. Raises Conflict if it was resolved before."""
        return await self._turn(project, incident, "resolved", ("open", "acknowledged"), by, reason)

    def _open_once(self, connection: Connection, incident: Incident, by: str) -> str:
        known = rows.by_key(connection, incident.project, incident.key)
        if known is not None:
            return known
        rows.insert(connection, incident)
        rows.append(connection, incident.project, incident.id, Entry(incident.opened_ns, "opened", by))
        self._record(connection, incident, by, "incident.open", incident.title, None, "open")
        if self._announce is not None:
            self._announce(connection, incident, "opened", "")
        return incident.id

    async def _turn(
        self, project: str, incident: str, status: str, allowed: tuple[str, ...], by: str, reason: str
    ) -> Incident:
        return await self._ledger.write(
            lambda connection: self._turned(connection, project, incident, status, allowed, by, reason)
        )

    def _turned(
        self,
        connection: Connection,
        project: str,
        incident: str,
        status: str,
        allowed: tuple[str, ...],
        by: str,
        reason: str,
    ) -> Incident:
        reason, _ = self._scrub(reason)
        found = rows.fetch(connection, project, incident)
        if found.status not in allowed:
            raise _quicker(found)
        rows.set_status(connection, project, incident, status)
        rows.append(connection, project, incident, Entry(self._clock.now_ns(), f"{status}: {reason}", by))
        self._record(connection, found, by, f"incident.{_VERBS[status]}", reason, found.status, status)
        if status == "resolved" and self._announce is not None:
            self._announce(connection, found, "resolved", reason)
        return rows.fetch(connection, project, incident)

    def _record(
        self,
        connection: Connection,
        incident: Incident,
        by: str,
        action: str,
        reason: str,
        before: str | None,
        after: str,
    ) -> None:
        self._audit.append(
            connection,
            project=incident.project,
            actor=by,
            action=action,
            subject=incident.id,
            reason=_impersonal(incident, reason),
            before=None if before is None else {"status": before},
            after={"status": after},
        )


def _quicker(found: Incident) -> Conflict:
    """Somebody else did it, or more than it."""
    entry = next((one for one in reversed(found.timeline) if one.what.startswith(found.status)), None)
    who = "" if entry is None else f", by {entry.by} at {rfc3339(entry.at_ns)}"
    told = f"This incident is {found.status} already{who}."
    return Conflict(told, field="status", value=found.status, fix="look at its timeline; your reason was not kept")


def _impersonal(incident: Incident, words: str) -> str:
    """Without the group that a monitor found: it may be a person, and nothing is ever deleted from the audit log."""
    group = incident.evidence.get("group")
    return words.replace(f" of {group}", "") if group else words


def shaped(incident: Incident) -> dict[str, Any]:
    """An incident as the API shows it."""
    return {
        "id": incident.id,
        "title": incident.title,
        "status": incident.status,
        "severity": incident.severity,
        "opened_at": rfc3339(incident.opened_ns),
        "kind": incident.kind,
        "subject": incident.subject,
        "sentence": incident.sentence,
        "evidence": dict(incident.evidence),
        "actions": [dict(action) for action in incident.actions],
        "timeline": [{"at": rfc3339(one.at_ns), "what": one.what, "by": one.by} for one in incident.timeline],
    }


_VERBS = {"acknowledged": "acknowledge", "resolved": "resolve"}
