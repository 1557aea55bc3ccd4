"""Delivers what waits in the outbox. All state is in the ledger's rows: a killed courier goes on where it was.

A failed delivery is tried again after 5, 10, 20 … seconds, a quarter of an hour at most, for a day of tries; then the
message is marked as failed, which the list of messages and the channel show. A day in which nobody tried (a silence, a
server that was off) does not count.
"""

import asyncio
import contextlib
import logging
import random
from functools import partial

from sqlalchemy import Connection

from assay_server.core.clock import Clock
from assay_server.core.errors import AssayError, NotFound
from assay_server.core.ports import MayLeave, always
from assay_server.ledger import Ledger
from assay_server.notify import outbox
from assay_server.notify.apprise import Sender
from assay_server.notify.channels import channel_row, told
from assay_server.notify.outbox import Batch

_log = logging.getLogger(__name__)

_SECOND = 1_000_000_000
_FIRST_S = 5.0
_LONGEST_S = 900.0
_GIVE_UP_NS = 86_400 * _SECOND
_FEWEST_TRIES = 96  # as many as a day has at their longest pause
_MOST_LISTED = 20
_RANK = {"info": 0, "warning": 1, "critical": 2}


class Courier:
    """`deliver` is one round; `start` runs rounds when something is due, and `close` stops between two."""

    def __init__(
        self,
        ledger: Ledger,
        sender: Sender,
        clock: Clock,
        *,
        heartbeat_s: float = 2.0,
        longest_s: float = 60.0,
        may_leave: MayLeave = always,
    ) -> None:
        """`longest_s`: how long a service may take; all other messages wait for the slowest of a round."""
        self._ledger = ledger
        self._sender = sender
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._longest_s = longest_s
        self._may_leave = may_leave
        self._task: asyncio.Task[None] | None = None
        self._looked_ns: int | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="courier")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def deliver(self) -> int:
        """Sends what is due, one message a channel, side by side; how many batches arrived."""
        if not self._may_leave():
            return 0
        now = self._clock.now_ns()
        if self._looked_ns is None or now < self._looked_ns:  # set back, also while the server was off
            await self._ledger.write(lambda connection: outbox.hurry(connection, now, int(_LONGEST_S * _SECOND)))
        self._looked_ns = now
        soonest = await self._ledger.read(partial(outbox.next_due, now_ns=now))
        if soonest is None or soonest > now:
            return 0
        batches = await self._ledger.write(lambda connection: outbox.due(connection, now))
        return sum(await asyncio.gather(*(self._send(batch) for batch in batches)))

    async def _send(self, batch: Batch) -> bool:
        url = await self._address(batch)
        if url is None:
            gone = "the channel was removed or switched off"
            await self._ledger.write(lambda c: outbox.settle(c, batch, "dropped", error=gone))
            return False
        title, body, severity = folded(batch)
        try:
            async with asyncio.timeout(self._longest_s):
                error = await self._sender.send(url, title, body, severity)
        except TimeoutError:
            error = f"no answer within {self._longest_s:g} s"
        if error is None:
            await self._arrived(batch)
        else:
            await self._failed(batch, error)
        return error is None

    async def _address(self, batch: Batch) -> str | None:
        try:
            row = await self._ledger.read(lambda c: channel_row(c, batch.project, batch.channel))
        except NotFound:
            return None
        return str(row.url) if row.enabled else None

    async def _arrived(self, batch: Batch) -> None:
        now = self._clock.now_ns()

        def write(connection: Connection) -> None:
            outbox.settle(connection, batch, "sent", sent_ns=now, error=None)
            told(connection, batch.project, batch.channel, now, None)

        await self._ledger.write(write)

    async def _failed(self, batch: Batch, error: str) -> None:
        now = self._clock.now_ns()
        next_ns = now + _pause_ns(max(row.attempts for row in batch.rows))

        def write(connection: Connection) -> None:
            for row in batch.rows:
                if now - row.created_ns > _GIVE_UP_NS and row.attempts >= _FEWEST_TRIES:
                    outbox.settle(connection, Batch(batch.project, batch.channel, (row,)), "failed", error=error)
                else:
                    outbox.retry(connection, row, next_ns, error)
            told(connection, batch.project, batch.channel, None, error)

        await self._ledger.write(write)

    async def _run(self) -> None:
        while True:
            try:
                await self.deliver()
            except AssayError as error:
                _log.warning("messages could not be delivered: %s", error)
            except Exception:  # noqa: BLE001 (a supervisor: said aloud, tried again)
                _log.exception("messages could not be delivered")
            await asyncio.sleep(self._heartbeat_s)


def folded(batch: Batch) -> tuple[str, str, str]:
    """Title, body and severity of the one message that tells all of a batch.

    The references at the end are the dedup keys: a message that comes twice has the same ones.
    """
    rows = batch.rows
    if len(rows) == 1:
        [row] = rows
        severity = "resolved" if row.event == "resolved" else row.severity
        return row.title, f"{row.body}\n\nref {row.dedup}", severity
    opened = [row for row in rows if row.event == "opened"]
    parts = [f"{len(opened)} opened"] if opened else []
    parts += [f"{len(rows) - len(opened)} resolved"] if len(opened) < len(rows) else []
    listed = [f"{row.title}\n{row.body}" for row in rows[:_MOST_LISTED]]
    listed += [f"… and {len(rows) - _MOST_LISTED} more"] if len(rows) > _MOST_LISTED else []
    refs = "ref " + " ".join(row.dedup for row in rows)
    severity = max((row.severity for row in opened), key=lambda s: _RANK.get(s, 0), default="resolved")
    return f"Assay: {', '.join(parts)}", "\n\n".join([*listed, refs]), severity


def _pause_ns(attempts: int) -> int:
    """Exponential, with a fifth of jitter so that many channels do not knock together."""
    pause = min(_LONGEST_S, _FIRST_S * 2.0 ** min(attempts, 20))
    return int(pause * random.uniform(0.8, 1.0) * _SECOND)
