"""Silences: between two moments nobody is told. Trouble is found all the same, and told after if it is still there."""

from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ids import new_id
from assay_server.ledger import AuditTrail, Ledger, tables
from assay_server.notify.ports import Scrub

_table = tables.monitors.silences
_messages = tables.monitors.notifications

_LONGEST_NS = 366 * 86_400 * 1_000_000_000


class Silences:
    """Silences of a project, in the shapes of the REST API."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock, scrub: Scrub) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._scrub = scrub

    async def create(
        self, project: str, actor: str, *, subject: str | None, starts_ns: int | None, ends_ns: int, reason: str
    ) -> dict[str, Any]:
        """From `starts_ns` (now where None) until `ends_ns`; no subject silences the whole project.

        Raises InvalidInput unless it ends later than it starts, in the future, within a year.
        """
        now = self._clock.now_ns()
        begin = now if starts_ns is None else starts_ns
        if not max(begin, now) < ends_ns <= begin + _LONGEST_NS:
            raise InvalidInput(
                "A silence ends after it starts, in the future, and lasts a year at most.",
                field="ends_at",
                value=rfc3339(ends_ns),
            )
        row = {"id": new_id("sil"), "project": project, "subject": subject, "starts_ns": begin, "ends_ns": ends_ns}
        clean, _ = self._scrub(reason)

        def write(connection: Connection) -> dict[str, Any]:
            connection.execute(_table.insert().values(**row, reason=clean, by=actor))
            found = _get(connection, project, str(row["id"]))
            self._record(connection, actor, "silence.create", found, clean)
            return silence_json(found)

        return await self._ledger.write(write)

    async def create_for(self, project: str, actor: str, *, subject: str, for_ns: int, reason: str) -> dict[str, Any]:
        """From now on, for a while."""
        ends_ns = self._clock.now_ns() + for_ns
        return await self.create(project, actor, subject=subject, starts_ns=None, ends_ns=ends_ns, reason=reason)

    async def list(self, project: str, *, past: bool = False) -> list[dict[str, Any]]:
        """Those that have not ended, soonest end first; with `past` all."""
        query = select(_table).where(_table.c.project == project).order_by(_table.c.ends_ns, _table.c.id)
        if not past:
            query = query.where(_table.c.ends_ns > self._clock.now_ns())
        return await self._ledger.read(lambda connection: [silence_json(row) for row in connection.execute(query)])

    async def end(self, project: str, actor: str, silence: str) -> None:
        """Ends it now; messages that waited for its end go out. Raises NotFound."""

        def write(connection: Connection) -> None:
            found = _get(connection, project, silence)
            now = self._clock.now_ns()
            ended = {"ends_ns": min(found.ends_ns, now), "starts_ns": min(found.starts_ns, now)}
            mine = _table.c.project == project, _table.c.id == silence
            connection.execute(update(_table).where(*mine).values(**ended))
            waiting = _messages.c.project == project, _messages.c.status == "waiting", _messages.c.attempts == 0
            connection.execute(update(_messages).where(*waiting, _messages.c.next_ns > now).values(next_ns=now))
            self._record(connection, actor, "silence.end", found, None)

        await self._ledger.write(write)

    def _record(self, connection: Connection, actor: str, action: str, row: Row[Any], reason: str | None) -> None:
        self._audit.append(
            connection, project=row.project, actor=actor, action=action, subject=row.subject or "project", reason=reason
        )


def silenced_until(connection: Connection, project: str, subject: str, now_ns: int) -> int | None:
    """When the silences over `subject` that are in force now end; None where there is none."""
    in_force = and_(_table.c.starts_ns <= now_ns, _table.c.ends_ns > now_ns)
    query = select(func.max(_table.c.ends_ns)).where(
        _table.c.project == project, in_force, or_(_table.c.subject.is_(None), _table.c.subject == subject)
    )
    found: int | None = connection.execute(query).scalar()
    return found


def silence_json(row: Row[Any]) -> dict[str, Any]:
    """A silence as the API shows it."""
    return {
        "id": row.id,
        "subject": row.subject,
        "starts_at": rfc3339(row.starts_ns),
        "ends_at": rfc3339(row.ends_ns),
        "reason": row.reason,
        "by": row.by,
    }


def _get(connection: Connection, project: str, silence: str) -> Row[Any]:
    row = connection.execute(select(_table).where(_table.c.project == project, _table.c.id == silence)).one_or_none()
    if row is None:
        raise NotFound("There is no such silence.", field="silence", value=silence)
    return row
