"""The outbox: what has to be told, written in the transaction of the decision that it tells about.

A message is put once by its dedup key. It waits a moment, so that what happens together is told together; it is sent
at least once: a kill between sending and noting that it was sent makes it come again, with the same reference in it.
What began and ended within a silence is never told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, or_, select, update

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import InvalidInput
from assay_server.core.ids import new_id
from assay_server.ledger import Ledger, tables
from assay_server.notify.channels import chosen
from assay_server.notify.silences import silenced_until

_table = tables.monitors.notifications

STATUSES = ("waiting", "sent", "failed", "dropped")
_SECOND = 1_000_000_000
_MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Message:
    """What happened to an incident. `subject` is what a silence may name; `event` is opened or resolved."""

    incident: str
    subject: str
    event: str
    severity: str
    title: str
    body: str

    @property
    def dedup(self) -> str:
        return f"{self.incident}:{self.event}"


class Outbox:
    """Puts messages, and reads them for people."""

    def __init__(self, ledger: Ledger, clock: Clock, *, group_s: float = 5.0) -> None:
        self._ledger = ledger
        self._clock = clock
        self._group_ns = int(group_s * _SECOND)

    def put(self, connection: Connection, project: str, message: Message, channels: list[str] | None = None) -> int:
        """Puts it for each enabled channel of these names (None: all of them); how many are new.

        Inside the caller's transaction: the incident and its message are stored together, or neither.
        """
        if message.event == "resolved":
            return self._put_resolved(connection, project, message)
        targets = chosen(connection, project, channels)
        return sum(self._add(connection, project, target, message) for target in targets)

    async def list(
        self,
        project: str,
        *,
        channel: str | None = None,
        status: str | None = None,
        limit: int = 50,
        after: tuple[int, str] | None = None,
    ) -> tuple[Sequence[Row[Any]], int]:
        """Newest first, and the total. `after`: (created_ns, id) of the last one of the page before."""
        if status is not None and status not in STATUSES:
            raise InvalidInput(field="status", value=status, fix=f"one of {', '.join(STATUSES)}")
        where = [_table.c.project == project]
        where += [_table.c.channel == channel] if channel is not None else []
        where += [_table.c.status == status] if status is not None else []
        count = select(func.count()).select_from(_table).where(*where)
        query = select(_table).where(*where)
        if after is not None:
            same = and_(_table.c.created_ns == after[0], _table.c.id < after[1])
            query = query.where(or_(_table.c.created_ns < after[0], same))
        query = query.order_by(_table.c.created_ns.desc(), _table.c.id.desc()).limit(limit)
        return await self._ledger.read(lambda c: (c.execute(query).all(), c.execute(count).scalar_one()))

    def _put_resolved(self, connection: Connection, project: str, message: Message) -> int:
        """To exactly those who heard of the trouble, or may have."""
        mine = _table.c.project == project, _table.c.incident == message.incident, _table.c.event == "opened"
        added = 0
        for row in connection.execute(select(_table).where(*mine)).all():
            if row.status == "waiting" and silenced_until(connection, project, row.subject, self._clock.now_ns()):
                _set(connection, [row.id], status="dropped")
            elif row.status in {"waiting", "sent"}:
                added += self._add(connection, project, row.channel, message)
        return added

    def _add(self, connection: Connection, project: str, channel: str, message: Message) -> int:
        known = select(_table.c.id).where(
            _table.c.project == project, _table.c.channel == channel, _table.c.dedup == message.dedup
        )
        if connection.execute(known).first() is not None:
            return 0
        now = self._clock.now_ns()
        told = {name: getattr(message, name) for name in Message.__slots__}
        row = {"id": new_id("ntf"), "project": project, "channel": channel, "dedup": message.dedup, **told}
        times = {"created_ns": now, "next_ns": now + self._group_ns}
        connection.execute(_table.insert().values(**row, **times, status="waiting", attempts=0))
        return 1


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes to one channel as one message, oldest first."""

    project: str
    channel: str
    rows: tuple[Row[Any], ...]


def due(connection: Connection, now_ns: int) -> list[Batch]:
    """One batch for each channel with a message whose time has come; what waits for its first try goes along.

    In every project: for the courier alone. Silenced ones are put off to the end of the silence.
    """
    waiting = _table.c.status == "waiting"
    set_back = _table.c.created_ns > now_ns  # the clock was: nothing waits for it to catch up
    connection.execute(update(_table).where(waiting, set_back).values(created_ns=now_ns, next_ns=now_ns))
    query = select(_table.c.project, _table.c.channel).where(waiting, _table.c.next_ns <= now_ns).distinct()
    batches = []
    for project, channel in connection.execute(query).all():
        mine = _table.c.project == project, _table.c.channel == channel
        now_due = select(_table.c.incident).where(waiting, *mine, _table.c.next_ns <= now_ns)
        # What failed before goes along with its own all-clear: told after it, it would read as new trouble.
        ready = or_(_table.c.next_ns <= now_ns, _table.c.attempts == 0, _table.c.incident.in_(now_due))
        rows = connection.execute(
            select(_table).where(waiting, *mine, ready).order_by(_table.c.created_ns, _table.c.id).limit(_MOST_AT_ONCE)
        ).all()
        loud = _loud(connection, rows, now_ns)
        if loud:
            batches.append(Batch(project, channel, loud))
    return batches


def hurry(connection: Connection, now_ns: int, longest_pause_ns: int) -> None:
    """What waits for longer than after any failure is due now: it was put off before the clock was set back, or for a
    silence, which puts it off again. In every project."""
    put_off = _table.c.status == "waiting", _table.c.next_ns > now_ns + longest_pause_ns
    connection.execute(update(_table).where(*put_off).values(next_ns=now_ns))


def next_due(connection: Connection, now_ns: int) -> int | None:
    """When the next message has to go, in any project; one that was put later than now goes at once."""
    moment = case((_table.c.created_ns > now_ns, now_ns), else_=_table.c.next_ns)
    query = select(func.min(moment)).where(_table.c.status == "waiting")
    found: int | None = connection.execute(query).scalar()
    return found


def settle(connection: Connection, batch: Batch, status: str, **values: Any) -> None:
    """Notes how it went with all messages of a batch."""
    _set(connection, [row.id for row in batch.rows], status=status, **values)


def retry(connection: Connection, row: Row[Any], next_ns: int, error: str) -> None:
    """Puts one message off after a failed try."""
    _set(connection, [row.id], attempts=row.attempts + 1, next_ns=next_ns, error=error)


def forget_messages(connection: Connection, project: str, incidents: Sequence[str], instead: str) -> None:
    """Takes the words out of messages about these incidents; what was not sent yet is not sent."""
    for incident in incidents:
        mine = _table.c.project == project, _table.c.incident == incident
        connection.execute(update(_table).where(*mine, _table.c.status == "waiting").values(status="dropped"))
        connection.execute(update(_table).where(*mine).values(title=instead, body=instead))


def _loud(connection: Connection, rows: Sequence[Row[Any]], now_ns: int) -> tuple[Row[Any], ...]:
    """What is told now. Trouble in a silence is put off; where it is over by now, it is let go with its all-clear.

    Unless somebody may have heard of it: who did shall hear of its end, so an all-clear is never silenced itself.
    """
    over = {row.incident for row in rows if row.event == "resolved"}
    never = set()
    loud = []
    for row in rows:
        until = None if row.event == "resolved" else silenced_until(connection, row.project, row.subject, now_ns)
        if until is None or (row.incident in over and row.attempts):
            loud.append(row)
        elif row.incident in over:
            never.add(row.incident)
        elif row.next_ns < until:
            _set(connection, [row.id], next_ns=until)
    _set(connection, [row.id for row in rows if row.incident in never], status="dropped")
    return tuple(row for row in loud if row.incident not in never)


def _set(connection: Connection, ids: list[str], **values: Any) -> None:
    connection.execute(update(_table).where(_table.c.id.in_(ids)).values(**values))


def notification_json(row: Row[Any]) -> dict[str, Any]:
    """A message as the API shows it."""
    return {
        "id": row.id,
        "channel": row.channel,
        "incident": row.incident,
        "event": row.event,
        "severity": row.severity,
        "title": row.title,
        "status": row.status,
        "attempts": row.attempts,
        "next_at": rfc3339(row.next_ns) if row.status == "waiting" else None,
        "sent_at": None if row.sent_ns is None else rfc3339(row.sent_ns),
        "error": row.error,
        "created_at": rfc3339(row.created_ns),
    }
