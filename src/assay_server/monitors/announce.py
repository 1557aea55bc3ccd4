"""Turns the news of an incident into a message: the sentence, the evidence, the link. For incidents of every kind."""

from typing import Any

from sqlalchemy import Connection

from assay_server.core.clock import in_utc, parse_rfc3339
from assay_server.monitors import monitor_rows
from assay_server.monitors.rows import Incident
from assay_server.notify import Message, Outbox


class Announcer:
    """Puts messages into the outbox; a monitor's go to the channels it names, all others to every channel."""

    def __init__(self, outbox: Outbox, public_url: str) -> None:
        self._outbox = outbox
        self._public_url = public_url.rstrip("/")

    def __call__(self, connection: Connection, incident: Incident, event: str, note: str) -> None:
        message = Message(
            incident=incident.id,
            subject=incident.subject,
            event=event,
            severity=incident.severity,
            title=f"[{incident.severity}] {incident.title}" if event == "opened" else f"Resolved: {incident.title}",
            body=self._body(incident, event, note),
        )
        self._outbox.put(connection, incident.project, message, self._channels(connection, incident))

    def _channels(self, connection: Connection, incident: Incident) -> list[str] | None:
        if not incident.subject.startswith("mon_"):
            return None
        monitor = monitor_rows.find(connection, incident.project, incident.subject)
        names = None if monitor is None else monitor.definition.notify
        return None if names is None else list(names)

    def _body(self, incident: Incident, event: str, note: str) -> str:
        said = [incident.sentence if event == "opened" else note or "It is over."]
        if event == "opened":
            said += _evidence(dict(incident.evidence))
        return "\n".join([*said, f"{self._public_url}/incidents/{incident.id}"])


def _evidence(evidence: dict[str, Any]) -> list[str]:
    """The window, and what a monitor's author says of it. The sentence has the figure, its n and its line already."""
    window, description = evidence.get("window"), evidence.get("description")
    lines = [f"From {_told(window['since'])} to {_told(window['until'])}."] if window else []
    return [*lines, description] if "metric" in evidence and description else lines


def _told(time: str) -> str:
    return in_utc(parse_rfc3339(time))
