"""Spans of clients that send them in pieces: begun in one request, ended in another, of a store that only appends.

Every piece is scrubbed and durable in the ledger before it is acknowledged. A trace that has been quiet becomes facts,
by the same door as all others; a piece that comes even later becomes a span of its own below the one it speaks of
(docs/decisions.md).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection, case, func, select, update

from assay_server.core.clock import Clock, SystemClock
from assay_server.core.errors import AssayError, Busy
from assay_server.core.ports import Sink
from assay_server.core.records import Facts, Span
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.normalise.normaliser import Normaliser
from assay_server.ingest.partial.merge import (
    OF_TRACE,
    Body,
    Part,
    body_of,
    is_finished,
    late,
    merged,
    says_the_same,
    spans_of,
    still_said,
)
from assay_server.ingest.scrub import FactScrubber, Scrubs
from assay_server.ingest.weight import is_heavy
from assay_server.ledger import Ledger, tables

__all__ = ["OF_TRACE", "Part", "PartialSpans"]

_log = logging.getLogger(__name__)
_rows = tables.foreign.partial_spans

_S = 1_000_000_000
_KNOWN_S = 86_400  # how long a piece that comes late finds its span
_MOST_WAITING = 50_000
_AT_ONCE = 200  # traces
_POLL_S = 0.5

Trace = tuple[str, str]  # project, trace id


class PartialSpans:
    """One per ledger, and one task that turns quiet traces into facts."""

    def __init__(
        self,
        ledger: Ledger,
        sink: Sink,
        scrubber: Scrubs,
        *,
        salt: bytes = b"",
        clock: Clock | None = None,
        quiet_s: float = 3.0,
        patience_s: float = 600.0,
        may: Callable[[str], None] = lambda project: None,
    ) -> None:
        """`quiet_s`: silence after which a trace whose spans all ended is written; `patience_s`: any other trace.

        `may` raises `RateLimited` for a project that has used up a quota.
        """
        table = aliases()
        self._ledger = ledger
        self._sink = sink
        self._scrubber = FactScrubber(scrubber, table.identities, salt)
        self._normaliser = Normaliser(table)
        self._clock = clock or SystemClock()
        self._quiet_ns, self._patience_ns = int(quiet_s * _S), int(patience_s * _S)
        self._may = may
        self._turn = asyncio.Lock()  # a piece may not slip in between the reading of a trace and its writing
        self._wanted = asyncio.Event()
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None

    async def put(self, project: str, parts: Sequence[Part]) -> None:
        """Durable on return, in their order, all or none. Raises `Busy` when too much waits, `RateLimited`."""
        if not parts:
            return
        self._may(project)
        if self._waiting + len(parts) > _MOST_WAITING:
            raise Busy(f"{self._waiting} spans wait for their end.", retry_after_s=2, fix="send again after that time")
        scrub = partial(self._all_scrubbed, project, parts)
        bodies = await asyncio.to_thread(scrub) if is_heavy(parts) else scrub()
        async with self._turn:
            self._waiting = await self._ledger.write(partial(_put, project, bodies, self._clock.now_ns()))
        self._wanted.set()

    async def flush(self, project: str, trace_id: str) -> None:
        """Turns a trace whose spans all ended into facts at once: somebody asks for it."""
        async with self._turn:
            bodies, wanted = await self._ledger.read(partial(_trace, project, trace_id))
            if wanted and all(is_finished(body) for body in bodies.values()):
                await self._write(project, trace_id)

    async def traces_of(self, project: str, span_ids: Sequence[str]) -> dict[str, str]:
        """The trace of each span of which a piece came lately; others are left out."""
        query = select(_rows.c.span_id, _rows.c.trace_id)
        query = query.where(_rows.c.project == project, _rows.c.span_id.in_(span_ids))
        found = await self._ledger.read(lambda connection: connection.execute(query).all())
        return {row.span_id: row.trace_id for row in found}

    async def settle(self) -> int:
        """Turns traces that are due into facts; how many spans those were. One that fails waits for the next time."""
        written = 0
        for project, trace_id in await self._ledger.read(
            partial(_due, self._clock.now_ns(), self._quiet_ns, self._patience_ns)
        ):
            async with self._turn:
                try:
                    written += await self._write(project, trace_id)
                except Exception:  # noqa: BLE001 - one bad trace must not hold up the others
                    _log.exception("trace %s of %s could not be written; it is kept and tried again", trace_id, project)
        self._waiting = await self._ledger.read(_count)
        return written

    def start(self) -> None:
        """Also takes up what the last end left behind."""
        self._wanted.set()
        self._task = asyncio.create_task(self._run(), name="partial-spans")

    async def close(self) -> None:
        """What waits stays in the ledger until the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                await self.settle()
                if not self._waiting:
                    self._wanted.clear()
            except AssayError:
                _log.exception("spans that came in pieces could not be read; they are kept and tried again")
            await asyncio.sleep(_POLL_S)

    async def _write(self, project: str, trace_id: str) -> int:
        bodies, wanted = await self._ledger.read(partial(_trace, project, trace_id))
        spans = spans_of(project, trace_id, bodies, wanted, self._clock.now_ns())
        facts = Facts(spans=spans)
        for span in spans:
            facts.scores += self._normaliser.fill(span)
        await self._sink.write(facts)
        await self._ledger.write(partial(_mark, project, trace_id, self._clock.now_ns() - _KNOWN_S * _S))
        return len(spans)

    def _all_scrubbed(self, project: str, parts: Sequence[Part]) -> list[tuple[Part, Body]]:
        return [(part, self._scrubbed(project, part)) for part in parts]

    def _scrubbed(self, project: str, part: Part) -> Body:
        span = Span(
            project=project,
            trace_id=part.trace_id,
            span_id=part.span_id,
            parent_id=None,
            name=part.name or "",
            kind="span",
            start_ns=0,
            end_ns=0,
            status_message=part.error,
            attributes=part.attributes,
            resource=self._scrubber.resource(part.resource) if part.resource else {},
            events=part.events,
            links=part.links,
        )
        self._scrubber.span(span)
        return body_of(part, span)


def _put(project: str, parts: Sequence[tuple[Part, Body]], now_ns: int, connection: Connection) -> int:
    for part, body in parts:
        _take(connection, project, part.trace_id, part.span_id, body, now_ns)
    return _count(connection)


def _take(connection: Connection, project: str, trace_id: str, span_id: str, body: Body, now_ns: int) -> None:
    this = (_rows.c.project == project, _rows.c.trace_id == trace_id, _rows.c.span_id == span_id)
    row = connection.execute(select(_rows.c.body, _rows.c.written).where(*this)).one_or_none()
    if row is None:
        values = {"body": body, "finished": is_finished(body), "written": False, "changed_ns": now_ns}
        connection.execute(_rows.insert().values(project=project, trace_id=trace_id, span_id=span_id, **values))
        return
    body = still_said(row.body, body)
    both = merged(row.body, body)
    if both == row.body:
        return
    same = says_the_same(both, row.body)
    changes = {"body": both, "finished": is_finished(both), **({} if same else {"changed_ns": now_ns})}
    connection.execute(update(_rows).where(*this).values(**changes))
    if same:
        return
    above = _outermost(connection, project, trace_id) if span_id == OF_TRACE else span_id
    if row.written and above is not None:
        below, told = late(above, row.body, body)
        _take(connection, project, trace_id, below, told, now_ns)


def _outermost(connection: Connection, project: str, trace_id: str) -> str | None:
    """The span that stands above the others; None while no span is known."""
    bodies, _ = _trace(project, trace_id, connection)
    known = [span_id for span_id, body in bodies.items() if span_id != OF_TRACE and not body.get("parent_id")]
    return min(known, default=None, key=lambda span_id: bodies[span_id].get("start_ns") or 0)


def _due(now_ns: int, quiet_ns: int, patience_ns: int, connection: Connection) -> list[Trace]:
    changed = func.max(_rows.c.changed_ns)
    unfinished = func.sum(case((_rows.c.finished, 0), else_=1))
    found = connection.execute(
        select(_rows.c.project, _rows.c.trace_id)
        .where(_rows.c.written.is_(False))
        .group_by(_rows.c.project, _rows.c.trace_id)
        .having(
            ((changed <= now_ns - quiet_ns) & (unfinished == 0))
            | (changed <= now_ns - patience_ns)
            | (changed > now_ns + patience_ns)  # the clock was set back: nothing waits for it to catch up
        )
        .limit(_AT_ONCE)
    )
    return [(row.project, row.trace_id) for row in found]


def _trace(project: str, trace_id: str, connection: Connection) -> tuple[dict[str, Body], set[str]]:
    """Every body of a trace by span id, and which of them are no facts yet."""
    found = connection.execute(select(_rows).where(_rows.c.project == project, _rows.c.trace_id == trace_id)).all()
    return {row.span_id: row.body for row in found}, {row.span_id for row in found if not row.written}


def _mark(project: str, trace_id: str, forget_ns: int, connection: Connection) -> None:
    connection.execute(
        update(_rows).where(_rows.c.project == project, _rows.c.trace_id == trace_id).values(written=True)
    )
    connection.execute(_rows.delete().where(_rows.c.written.is_(True), _rows.c.changed_ns < forget_ns))


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).where(_rows.c.written.is_(False))).scalar_one()
