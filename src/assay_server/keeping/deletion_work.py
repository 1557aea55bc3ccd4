"""Does the deletions that were asked for: erase, write the files anew, look again, prove.

Every step starts from what is stored, and doing it twice changes nothing, so a killed server goes on where it was.
The files are written anew once for all deletions that wait.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select, update

from assay_server.core.clock import Clock
from assay_server.core.errors import AssayError
from assay_server.governance import Audit
from assay_server.keeping import proof
from assay_server.keeping.compactions import Compactions
from assay_server.keeping.deletions import Sites, asked_in, subject_of
from assay_server.keeping.leftovers import held_spans
from assay_server.keeping.retention import added
from assay_server.keeping.subjects import Named, look, mentions
from assay_server.ledger import Ledger, tables

_log = logging.getLogger(__name__)
_rows = tables.keeping.deletions

_ROUNDS = 5
_RETRY_S = 60.0
_REST = 10.0  # times as long as a round took, where more came: everything is written and indexed anew for it
_STILL_SENT = "More of this {} came while it was being deleted: stop the sender. It is done again by itself."


class DeletionWork:
    """One per house."""

    def __init__(self, ledger: Ledger, audit: Audit, clock: Clock, sites: Sites, compactions: Compactions) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._sites = sites
        self._compactions = compactions
        self._not_before = 0.0  # after a failure, monotonic
        self._again: dict[str, float] = {}  # deletions of which more came, not before; they go along with others

    async def work(self) -> None:
        """All that wait now, together. Who asks meanwhile waits for the next turn: while somebody asks every minute
        there would be no end, and backups and retention have their turn in between."""
        began = time.monotonic()
        if began < self._not_before:
            return
        waiting = await self._waiting()
        if all(began < self._again.get(row.id, 0.0) for row in waiting):
            return
        try:
            await self._do(waiting)
        except AssayError as error:
            self._not_before = time.monotonic() + _RETRY_S
            for row in waiting:
                await self._set(row.id, error=str(error))
            raise
        now = time.monotonic()
        pause = max(_RETRY_S, _REST * (now - began))  # the sender has a while to stop, and the house to do its work
        self._again = dict.fromkeys(await self._left_of(waiting), now + pause)

    async def _do(self, waiting: list[Row[Any]]) -> None:
        for row in waiting:
            await self._set(row.id, status="running", step="erasing", error=None)
            await self._erase(row)
        for row in waiting:
            await self._set(row.id, step="rewriting")
        await self._compactions.run("deletion")
        for row in waiting:
            await self._set(row.id, step="verifying")
            await self._prove(row)
        await self._ledger.empty_log()

    async def _erase(self, row: Row[Any]) -> None:
        """Until nothing is found: facts may be on their way to the disk meanwhile."""
        subject = self._subject(row)
        removed: dict[str, int] = dict(row.removed)
        for _ in range(_ROUNDS):
            found = await look(self._sites.store, subject)
            gone = await self._sites.elsewhere.forget(subject, found, dry_run=False)
            if row.datasets == "erase":
                spans = {*found.span_ids, *held_spans(row)}
                gone["dataset_items"] = await self._sites.elsewhere.empty(subject.project, spans, row.id)
            if not found.empty:
                await self._sites.counters.look(subject.project)
                gone = added(gone, _told(await self._sites.store.erase(subject.project, subject.doomed())))
                await self._sites.counters.look(subject.project)
            removed = added(removed, gone)
            await self._set(row.id, removed=removed)
            if not any(gone.values()):
                return

    async def _prove(self, row: Row[Any]) -> None:
        subject = self._subject(row)
        found = await look(self._sites.store, subject)
        if not found.empty:  # more came after the erasing: once more
            await self._set(row.id, status="queued", step=None, error=_STILL_SENT.format(asked_in(row).what))
            return
        in_facts = await mentions(self._sites.store, subject)
        copies = await self._sites.copies()

        def write(connection: Connection) -> None:
            now = self._clock.now_ns()
            current = connection.execute(select(_rows).where(_rows.c.id == row.id)).one()
            searched = proof.searched(in_facts, proof.mentions_in_ledger(connection, subject))
            document = proof.document(current, searched, copies, now)
            signed = proof.signed(connection, self._audit, document, current)
            ended: dict[str, Any] = {"status": "done", "step": None, "ended_ns": now, "proof": signed}
            ended |= {"user": None, "error": None}
            connection.execute(update(_rows).where(_rows.c.id == row.id).values(**ended))

        await self._ledger.write(write)
        _log.warning("deletion %s is done", row.id)

    def _subject(self, row: Row[Any]) -> Named:
        return subject_of(row.project, asked_in(row), self._sites.pseudonym)

    async def _left_of(self, done: list[Row[Any]]) -> list[str]:
        left = {row.id for row in await self._waiting()}
        return [row.id for row in done if row.id in left]

    async def _waiting(self) -> list[Row[Any]]:
        query = select(_rows).where(_rows.c.status.in_(("queued", "running"))).order_by(_rows.c.id)
        return await self._ledger.read(lambda connection: list(connection.execute(query).all()))

    async def _set(self, deletion: str, **values: Any) -> None:
        change = update(_rows).where(_rows.c.id == deletion).values(**values)
        await self._ledger.write(lambda connection: connection.execute(change))


def _told(removed: Mapping[str, int]) -> dict[str, int]:
    """In the words of the API; content that waited beside its span is counted with the span."""
    return {"log_records" if name == "events" else name: n for name, n in removed.items() if name != "held"}
