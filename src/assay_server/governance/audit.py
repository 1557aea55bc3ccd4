"""Who did what, when and why: one chain of hashes per project, written with the change it describes.

Each row's hash covers its own content and the hash of the row before it, and the end of each chain is kept
apart, so that a row which was altered, removed or left off at the end is found. Rows name people and keys by id
only, and hold no secrets: people can be forgotten without the chain breaking.
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import InvalidInput
from assay_server.core.ids import canonical_json, content_hash, new_id
from assay_server.core.ports import Scrub
from assay_server.ledger import Ledger, tables

_audit = tables.accounts.audit
_heads = tables.accounts.audit_heads

_BATCH = 1000
_COVERED = ("id", "project", "seq", "at_ns", "actor", "action", "subject", "reason", "before", "after", "previous")


class Audit:
    """The audit log. `append` is for whoever changes something; the rest is for those who read it."""

    def __init__(self, ledger: Ledger, clock: Clock, scrub: Scrub) -> None:
        self._ledger = ledger
        self._clock = clock
        self._scrub = scrub

    def append(
        self,
        connection: Connection,
        *,
        project: str,
        actor: str,
        action: str,
        subject: str,
        reason: str | None = None,
        before: Any = None,
        after: Any = None,
    ) -> str:
        """Adds a row inside the caller's transaction: it exists exactly when the change does. Returns its id."""
        seq, previous = _head(connection, project)
        row: dict[str, Any] = {
            "id": new_id("aud"),
            "project": project,
            "seq": seq + 1,
            "at_ns": self._clock.now_ns(),
            "actor": actor,
            "action": action,
            "subject": subject,
            "reason": None if reason is None else self._scrub(reason)[0],
            "before": _as_stored(before),
            "after": _as_stored(after),
            "previous": previous,
        }
        row["hash"] = _hash(row)
        connection.execute(_audit.insert().values(**row))
        _move_head(connection, project, seq + 1, row["hash"])
        return str(row["id"])

    async def list(
        self,
        project: str,
        *,
        limit: int = 50,
        after: int | None = None,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> tuple[list[dict[str, Any]], int, int | None]:
        """Newest first: the events, how many match in all, and the key after which the next page begins.

        `until_ns` itself is no longer in it.
        """
        wanted = {"actor": actor, "action": action, "subject": subject}
        conditions = [_audit.c.project == project]
        conditions += [_audit.c[name] == value for name, value in wanted.items() if value is not None]
        conditions += [] if since_ns is None else [_audit.c.at_ns >= since_ns]
        conditions += [] if until_ns is None else [_audit.c.at_ns < until_ns]

        def read(connection: Connection) -> tuple[list[dict[str, Any]], int, int | None]:
            total = connection.execute(select(func.count()).where(*conditions)).scalar_one()
            query = select(_audit).where(*conditions).order_by(_audit.c.seq.desc()).limit(limit + 1)
            if after is not None:
                query = query.where(_audit.c.seq < after)
            rows = connection.execute(query).all()
            following = rows[limit - 1].seq if len(rows) > limit else None
            return [_event(row) for row in rows[:limit]], total, following

        return await self._ledger.read(read)

    async def verify(self, project: str) -> dict[str, Any]:
        """Recomputes the whole chain: `{"ok", "checked", "head", "broken": {"id", "seq", "why"} | null}`."""
        return await self._ledger.read(lambda connection: _verified(connection, project))


def _head(connection: Connection, project: str) -> tuple[int, str]:
    row = connection.execute(select(_heads.c.seq, _heads.c.hash).where(_heads.c.project == project)).one_or_none()
    return (0, content_hash(project)) if row is None else (row.seq, row.hash)


def _move_head(connection: Connection, project: str, seq: int, row_hash: str) -> None:
    if seq == 1:
        connection.execute(_heads.insert().values(project=project, seq=seq, hash=row_hash))
    else:
        connection.execute(update(_heads).where(_heads.c.project == project).values(seq=seq, hash=row_hash))


def _as_stored(value: Any) -> Any:
    """As it will be read back, so that its hash agrees then. Raises InvalidInput for what is no JSON."""
    try:
        return json.loads(canonical_json(value))
    except (TypeError, ValueError) as error:
        raise InvalidInput("The audit log keeps JSON only.", field="before/after", value=str(error)) from error


def _hash(row: Mapping[str, Any]) -> str:
    return content_hash({name: row[name] for name in _COVERED})


def _event(row: Row[Any]) -> dict[str, Any]:
    shown = ("id", "actor", "action", "subject", "reason", "before", "after", "hash")
    values = row._mapping
    return {"at": rfc3339(row.at_ns), **{name: values[name] for name in shown}}


def _verified(connection: Connection, project: str) -> dict[str, Any]:
    end, head = _head(connection, project)
    seq, previous = 0, content_hash(project)
    while rows := _rows_after(connection, project, seq):
        for row in rows:
            why = _fault(row, seq + 1, previous)
            if why is not None:
                return _finding(seq, previous, {"id": row.id, "seq": row.seq, "why": why})
            seq, previous = row.seq, row.hash
    if (seq, previous) != (end, head):
        why = f"the log ends at row {seq}, and {end} were written"
        return _finding(seq, previous, {"id": None, "seq": seq + 1, "why": why})
    return _finding(seq, previous, None)


def _rows_after(connection: Connection, project: str, seq: int) -> list[Any]:
    query = select(_audit).where(_audit.c.project == project, _audit.c.seq > seq).order_by(_audit.c.seq).limit(_BATCH)
    return list(connection.execute(query).all())


def _fault(row: Any, seq: int, previous: str) -> str | None:
    if row.seq != seq:
        return f"row {seq} is missing"
    if row.previous != previous:
        return "it does not follow from the row before it"
    if row.hash != _hash(row._mapping):
        return "its content was changed"
    return None


def _finding(checked: int, head: str, broken: dict[str, Any] | None) -> dict[str, Any]:
    return {"ok": broken is None, "checked": checked, "head": head, "broken": broken}
