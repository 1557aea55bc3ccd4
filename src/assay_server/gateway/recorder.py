"""Spans are written behind the answer: a bounded queue, one writer, drained at the end.

A call never waits for its span. Where the door for facts is closed for so long that the queue is full, spans are
lost, counted, and said aloud once per outage; calls go on.
"""

import asyncio
import contextlib
import logging
from collections import deque

from assay_server.core.beat import set_within
from assay_server.core.errors import RetryableError
from assay_server.core.ports import Sink
from assay_server.core.records import Facts
from assay_server.gateway.call import Call
from assay_server.gateway.span import confidence_of, span_of

_log = logging.getLogger(__name__)

_BATCH = 1024
_PACE_S = 0.1


class Recorder:
    """`offer` finished calls; `close` waits until they are stored, `drain_s` seconds at most."""

    def __init__(
        self, sink: Sink, *, capacity: int = 8192, capacity_bytes: int = 64 * 1024 * 1024, drain_s: float = 10.0
    ) -> None:
        self._sink = sink
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._drain_s = drain_s
        self._waiting: deque[Call] = deque()
        self._waiting_bytes = 0
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._writer: asyncio.Task[None] | None = None
        self._full = False
        self.lost = 0

    def offer(self, call: Call) -> None:
        """Takes a finished call; returns at once."""
        if len(self._waiting) >= self._capacity or self._waiting_bytes > self._capacity_bytes:
            self._lose(1, "the queue is full")
            return
        self._full = False
        self._waiting.append(call)
        self._waiting_bytes += call.size
        self._idle.clear()
        self._news.set()
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), name="gateway spans")

    async def flush(self) -> None:
        """Returns when everything offered so far is stored, or lost."""
        self._hurry.set()
        await self._idle.wait()

    async def close(self) -> None:
        """Stores what is waiting, then stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.flush(), self._drain_s)
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        if self._waiting:
            self._lose(len(self._waiting), "the server stopped")

    async def _write_all(self) -> None:
        """The first span at once; under load a batch every tenth of a second, since a commit costs more than a span."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self._write(self._take())
                await self._pause()
            self._hurry.clear()
            self._idle.set()

    async def _pause(self) -> None:
        if len(self._waiting) < _BATCH:
            await set_within(self._hurry, _PACE_S)

    def _take(self) -> list[Call]:
        calls = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
        self._waiting_bytes -= sum(call.size for call in calls)
        return calls

    async def _write(self, calls: list[Call]) -> None:
        try:
            scores = [score for call in calls if (score := confidence_of(call)) is not None]
            await self._store(Facts(spans=[span_of(call) for call in calls], scores=scores))
        except asyncio.CancelledError:
            self._lose(len(calls), "the server stopped")
            raise
        except Exception:  # noqa: BLE001
            # The last border of a background task: one batch nobody can store must not end all later ones.
            _log.exception("the gateway's spans could not be stored")
            self._lose(len(calls), "they could not be stored")

    async def _store(self, facts: Facts) -> None:
        """Tries until the door takes them: a full queue there is no reason to lose them here."""
        pause = 0.05
        while True:
            try:
                await self._sink.write(facts)
            except RetryableError as error:
                await asyncio.sleep(error.retry_after_s if error.retry_after_s is not None else pause)
                pause = min(2 * pause, 2.0)
            else:
                return

    def _lose(self, count: int, why: str) -> None:
        self.lost += count
        if not self._full:
            _log.warning("spans of %d calls were not stored: %s; further losses are counted", count, why)
        self._full = True
