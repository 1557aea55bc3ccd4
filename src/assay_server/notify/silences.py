"""Silences: nobody is told, once between two moments or at the same times again and again.

Trouble is found all the same, and told after if it is still there.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ids import new_id
from assay_server.core.ports import Scrub
from assay_server.ledger import AuditTrail, Ledger, tables
from assay_server.notify.repeats import Repeats

_table = tables.monitors.silences
_messages = tables.monitors.notifications

_LONGEST_NS = 366 * 86_400 * 1_000_000_000
_MOST_IN_A_ROW = 32  # silences that follow each other without a pause are looked through this far


class Silences:
    """Silences of a project, in the shapes of the REST API."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock, scrub: Scrub) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._scrub = scrub

    async def create(
        self,
        project: str,
        actor: str,
        *,
        subject: str | None,
        starts_ns: int | None,
        ends_ns: int | None,
        reason: str,
        repeats: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """From `starts_ns` (now where None) until `ends_ns`; no subject silences the whole project.

        With `repeats` (see Repeats) only at those times in between, and without an end if there is none. Raises
        InvalidInput unless it ends later than it starts, in the future, and within a year where it does not repeat.
        """
        now = self._clock.now_ns()
        begin = now if starts_ns is None else starts_ns
        again = None if repeats is None else Repeats.parse(repeats).to_json()
        _check(begin, ends_ns, now, repeating=again is not None)
        row = {"id": new_id("sil"), "project": project, "subject": subject, "starts_ns": begin, "ends_ns": ends_ns}
        clean, _ = self._scrub(reason)

        def write(connection: Connection) -> dict[str, Any]:
            connection.execute(_table.insert().values(**row, repeats=again, reason=clean, by=actor))
            found = _get(connection, project, str(row["id"]))
            self._record(connection, actor, "silence.create", found, clean, after=_times(found))
            return silence_json(found, now)

        return await self._ledger.write(write)

    async def create_for(
        self, project: str, actor: str, *, subject: str | None, for_ns: int, reason: str
    ) -> dict[str, Any]:
        """From now on, for a while."""
        ends_ns = self._clock.now_ns() + for_ns
        return await self.create(project, actor, subject=subject, starts_ns=None, ends_ns=ends_ns, reason=reason)

    async def list(self, project: str, *, past: bool = False) -> list[dict[str, Any]]:
        """Those that have not ended, soonest end first; with `past` all."""
        now = self._clock.now_ns()
        order = _table.c.ends_ns.asc().nulls_last(), _table.c.id
        query = select(_table).where(_table.c.project == project).order_by(*order)
        if not past:
            query = query.where(_not_ended(now))
        return await self._ledger.read(lambda connection: [silence_json(row, now) for row in connection.execute(query)])

    async def end(self, project: str, actor: str, silence: str) -> None:
        """Ends it now; messages that waited for its end go out. Raises NotFound."""

        def write(connection: Connection) -> None:
            found = _get(connection, project, silence)
            now = self._clock.now_ns()
            ends_ns = now if found.ends_ns is None else min(found.ends_ns, now)
            ended = {"ends_ns": ends_ns, "starts_ns": min(found.starts_ns, now)}
            mine = _table.c.project == project, _table.c.id == silence
            connection.execute(update(_table).where(*mine).values(**ended))
            waiting = _messages.c.project == project, _messages.c.status == "waiting", _messages.c.attempts == 0
            connection.execute(update(_messages).where(*waiting, _messages.c.next_ns > now).values(next_ns=now))
            self._record(connection, actor, "silence.end", found, None, before=_times(found))

        await self._ledger.write(write)

    def _record(
        self, connection: Connection, actor: str, action: str, row: Row[Any], reason: str | None, **states: Any
    ) -> None:
        subject = row.subject or "project"
        self._audit.append(
            connection, project=row.project, actor=actor, action=action, subject=subject, reason=reason, **states
        )


def _times(row: Row[Any]) -> dict[str, Any]:
    """What the audit log keeps of it: which one, and when nobody is told."""
    ends_at = None if row.ends_ns is None else rfc3339(row.ends_ns)
    return {"id": row.id, "starts_at": rfc3339(row.starts_ns), "ends_at": ends_at, "repeats": row.repeats}


def silenced_until(connection: Connection, project: str, subject: str, now_ns: int) -> int | None:
    """When the silences over `subject` that are in force now end; None where there is none.

    What follows without a pause goes along: a silent Saturday and a silent Sunday end on Monday.
    """
    query = select(_table).where(
        _table.c.project == project, _not_ended(now_ns), or_(_table.c.subject.is_(None), _table.c.subject == subject)
    )
    rows = connection.execute(query).all()
    until: int | None = None
    for _ in range(_MOST_IN_A_ROW):
        later = max((end for row in rows if (end := _end_of(row, until or now_ns)) is not None), default=None)
        if later is None:
            break
        until = later
    return until


def silence_json(row: Row[Any], now_ns: int) -> dict[str, Any]:
    """A silence as the API shows it; `silent_until` and `next_at` are of the moment `now_ns`."""
    until, begins = _end_of(row, now_ns), _next_of(row, now_ns)
    return {
        "id": row.id,
        "subject": row.subject,
        "starts_at": rfc3339(row.starts_ns),
        "ends_at": None if row.ends_ns is None else rfc3339(row.ends_ns),
        "repeats": row.repeats,
        "silent_until": None if until is None else rfc3339(until),
        "next_at": None if begins is None else rfc3339(begins),
        "reason": row.reason,
        "by": row.by,
    }


def _check(begin: int, ends_ns: int | None, now: int, *, repeating: bool) -> None:
    if ends_ns is None:
        if not repeating:
            raise InvalidInput("Say when it ends, or when it comes again.", field="ends_at")
        return
    late = not repeating and ends_ns > begin + _LONGEST_NS
    if ends_ns <= max(begin, now) or late:
        raise InvalidInput(
            "A silence ends after it starts, in the future, and lasts a year at most unless it repeats.",
            field="ends_at",
            value=rfc3339(ends_ns),
        )


def _not_ended(now_ns: int) -> Any:
    return or_(_table.c.ends_ns.is_(None), _table.c.ends_ns > now_ns)


def _end_of(row: Row[Any], now_ns: int) -> int | None:
    """When it lets messages through again; None where it does now."""
    if now_ns < row.starts_ns or (row.ends_ns is not None and row.ends_ns <= now_ns):
        return None
    if row.repeats is None:
        return int(row.ends_ns)
    end = Repeats.parse(row.repeats).end_ns(now_ns)
    return end if end is None or row.ends_ns is None else min(end, row.ends_ns)


def _next_of(row: Row[Any], now_ns: int) -> int | None:
    """When it begins to be silent after this moment; None where it does not any more."""
    if row.repeats is None:
        begins: int | None = row.starts_ns if row.starts_ns > now_ns else None
    elif _end_of(row, row.starts_ns) is not None and row.starts_ns > now_ns:
        begins = row.starts_ns  # it starts in the middle of an occurrence
    else:
        begins = Repeats.parse(row.repeats).next_ns(max(now_ns, row.starts_ns))
    return None if begins is None or (row.ends_ns is not None and begins >= row.ends_ns) else begins


def _get(connection: Connection, project: str, silence: str) -> Row[Any]:
    row = connection.execute(select(_table).where(_table.c.project == project, _table.c.id == silence)).one_or_none()
    if row is None:
        raise NotFound("There is no such silence.", field="silence", value=silence)
    return row
