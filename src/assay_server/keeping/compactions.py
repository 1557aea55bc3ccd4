"""The store's file is written anew when it is quiet, when somebody asks, and after a deletion; and each time is told.

Appends and reads go on meanwhile (`store.rewriting`), so quiet is a courtesy, not a need.
"""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import AssayError
from assay_server.core.ids import new_id
from assay_server.ledger import AuditTrail, Ledger, tables
from assay_server.store import Store

_rows = tables.keeping.compactions

Why = Literal["quiet", "asked", "deletion"]

_SECOND = 1_000_000_000
_QUIET_NS = 60 * _SECOND
_APART_NS = 24 * 3600 * _SECOND
_LOOK_NS = 60 * _SECOND
_WORTH_BYTES = 64 << 20


@dataclass(slots=True)
class _Look:
    """What was seen at the last look."""

    at_ns: int
    rows: dict[str, int]


class Compactions:
    """Reports are the first project's: there is one store for all."""

    def __init__(self, ledger: Ledger, store: Store, audit: AuditTrail, clock: Clock, home: str) -> None:
        self._ledger = ledger
        self._store = store
        self._audit = audit
        self._clock = clock
        self._home = home
        self._last: _Look | None = None
        self._asked: str | None = None

    async def ask(self, actor: str) -> dict[str, Any]:
        """One is made at the next beat: `{"id", "status"}`. It is the same for all who ask before that."""
        asked = self._asked = self._asked or new_id("cmp")
        await self._ledger.write(
            lambda connection: self._audit.append(
                connection, project=self._home, actor=actor, action="compaction.ask", subject=asked
            )
        )
        return {"id": asked, "status": "asked"}

    async def work(self) -> None:
        """Makes one where it was asked for, or where nothing came for a minute and the last one is a day ago."""
        if self._asked is not None:
            asked, self._asked = self._asked, None
            await self.run("asked", asked)
        elif await self._is_time():
            await self.run("quiet")

    async def run(self, why: Why, asked: str | None = None) -> None:
        """`asked`: the id that who asked was told. Raises what the store raises; then the report says so."""
        id_, now = asked or new_id("cmp"), self._clock.now_ns()
        begun = {"id": id_, "project": self._home, "status": "running", "why": why, "started_ns": now}
        await self._ledger.write(lambda connection: connection.execute(_rows.insert().values(**begun)))
        try:
            made = await self._store.compact()
        except AssayError as error:
            await self._end(id_, status="failed", error=str(error))
            raise
        sizes = {"bytes_before": made.bytes_before, "bytes_after": made.bytes_after}
        await self._end(id_, status="done", held_ms=made.held_ms, **sizes)

    async def list(self, limit: int = 50) -> list[dict[str, Any]]:
        """The newest first."""
        query = select(_rows).where(_rows.c.project == self._home).order_by(_rows.c.id.desc()).limit(limit)
        return await self._ledger.read(lambda connection: [compaction_json(row) for row in connection.execute(query)])

    async def end_left(self) -> None:
        """Those that a kill left running did not happen: the store is as it was before, or as it would be after."""

        def write(connection: Connection) -> None:
            ended = {"status": "failed", "ended_ns": self._clock.now_ns(), "error": "the server was stopped"}
            connection.execute(update(_rows).where(_rows.c.status == "running").values(**ended))

        await self._ledger.write(write)

    async def _is_time(self) -> bool:
        now, last = self._clock.now_ns(), self._last
        if last is not None and 0 <= now - last.at_ns < _LOOK_NS:
            return False
        stats = await self._store.stats()
        self._last = _Look(now, stats.rows)
        if last is None or stats.rows != last.rows or stats.bytes < _WORTH_BYTES:
            return False
        if not 0 <= now - last.at_ns < 2 * _QUIET_NS:  # the clock was moved, or the machine slept
            return False
        newest = select(_rows.c.started_ns).where(_rows.c.status == "done").order_by(_rows.c.id.desc()).limit(1)
        made = await self._ledger.read(lambda connection: connection.execute(newest).scalar())
        return made is None or not 0 <= now - made < _APART_NS

    async def _end(self, compaction: str, **values: Any) -> None:
        ended = {"ended_ns": self._clock.now_ns()} | values
        change = update(_rows).where(_rows.c.id == compaction).values(**ended)
        await self._ledger.write(lambda connection: connection.execute(change))


def compaction_json(row: Row[Any]) -> dict[str, Any]:
    """The shape of the REST API. `longest_hold_ms`: how long appends had to wait."""
    return {
        "id": row.id,
        "status": row.status,
        "why": row.why,
        "bytes_before": row.bytes_before,
        "bytes_after": row.bytes_after,
        "longest_hold_ms": None if row.held_ms is None else round(row.held_ms, 1),
        "started_at": rfc3339(row.started_ns),
        "ended_at": None if row.ended_ns is None else rfc3339(row.ended_ns),
        "error": row.error,
    }
