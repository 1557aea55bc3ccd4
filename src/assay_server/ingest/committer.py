"""Group commit: whatever waits goes to disk together, and everybody who waited hears of it at once.

One transaction costs about the same for one request as for twenty, so under load the batches grow by themselves and
an idle server answers after one commit.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from assay_server.core.errors import AssayError, Busy, Unavailable
from assay_server.core.ports import Listener
from assay_server.core.records import Facts
from assay_server.ingest.limits import Limits
from assay_server.store import Prepared, Store

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    facts: Facts
    prepared: Prepared
    size: int
    done: "asyncio.Future[Facts]"


class Committer:
    """One task commits; the queue in front of it is bounded. What waits is ready to be written."""

    def __init__(self, store: Store, listeners: Sequence[Listener], limits: Limits) -> None:
        self._store = store
        self._listeners = list(listeners)
        self._limits = limits
        self._queue: deque[_Waiting] = deque()
        self._records = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._task: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """Records admitted and not yet on disk."""
        return self._records

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def commit(self, facts: Facts) -> Facts:
        """Returns when the facts are on disk, with those of their spans that were not there before.

        Raises `Busy` when the queue is full, and what the store raises.
        """
        size = size_of(facts)
        if self._closed:
            raise Unavailable("The server is stopping.", retry_after_s=5)
        if self._records and self._records + size > self._limits.waiting_records:
            raise Busy(
                f"{self._records} records wait to be written.", retry_after_s=1, fix="send again after the time given"
            )
        self._records += size
        self._empty.clear()
        try:
            prepared = await self._store.prepare(facts)
        except BaseException:
            self._leave(size)
            raise
        waiting = _Waiting(facts, prepared, size, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="assay-commit")
        return await waiting.done

    async def close(self) -> None:
        """Commits what waits and tells the listeners; new facts are refused."""
        self._closed = True
        await self._empty.wait()
        if self._task is not None:
            await self._task
        if self._telling is not None:
            await self._telling

    async def _work(self) -> None:
        """Ends when nothing waits, so that an idle server has no task.

        While listeners hear of one commit the next is under way; they hear of commits one by one and in their order.
        """
        try:
            while self._queue:
                batch = self._next()
                try:
                    stored = await self._write(batch)
                finally:
                    self._leave(sum(waiting.size for waiting in batch))
                if self._telling is not None:
                    await self._telling
                self._telling = asyncio.create_task(self._tell(stored), name="assay-tell")
        finally:
            self._task = None

    def _leave(self, size: int) -> None:
        self._records -= size
        if not self._records:
            self._empty.set()

    def _next(self) -> list[_Waiting]:
        """The oldest requests up to the size of a batch, at least one."""
        batch = [self._queue.popleft()]
        size = batch[0].size
        while self._queue and size + self._queue[0].size <= self._limits.batch_records:
            batch.append(self._queue.popleft())
            size += batch[-1].size
        return batch

    async def _write(self, batch: list[_Waiting]) -> list[Facts]:
        """What was new. A batch the store cannot take is tried request by request, so that one does not take the
        others along."""
        try:
            appended = await self._store.append(*(waiting.prepared for waiting in batch))
        except Unavailable as error:
            _refuse(batch, error)
            return []
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if len(batch) == 1:
                _refuse(batch, error)
                return []
            return [facts for waiting in batch for facts in await self._write([waiting])]
        stored = appended.stored
        new = None if appended.duplicates == 0 else {id(record) for record in (*stored.spans, *stored.scores)}
        for waiting in batch:
            if not waiting.done.done():
                waiting.done.set_result(waiting.facts if new is None else _only(waiting.facts, new))
        return [stored]

    async def _tell(self, stored: list[Facts]) -> None:
        for facts in stored:
            if not size_of(facts):
                continue
            for listener in self._listeners:
                try:
                    await listener(facts)
                except Exception:  # noqa: BLE001 - a listener's fault must not undo or delay what is stored
                    _log.exception("a listener failed; the facts are stored")


def _only(facts: Facts, new: Set[int]) -> Facts:
    """With those of its spans and scores alone. The store tells of the very ones that it was given."""
    spans = [span for span in facts.spans if id(span) in new]
    return replace(facts, spans=spans, scores=[score for score in facts.scores if id(score) in new])


def size_of(facts: Facts) -> int:
    return len(facts.spans) + len(facts.scores) + len(facts.run_items) + len(facts.events)


def _refuse(batch: list[_Waiting], error: Exception) -> None:
    if not isinstance(error, AssayError):
        _log.error("a batch could not be stored", exc_info=error)
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
