"""The one task that keeps house: retention, deletions, compaction, backups. All state is in the ledger."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from assay_server.core.errors import AssayError

_log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]
"""Does what is due, and returns at once where nothing is."""


class Keeper:
    """Calls each work in turn, again and again; `wake` says that there is something to do now."""

    def __init__(self, works: Sequence[Work], *, heartbeat_s: float = 5.0) -> None:
        self._works = works
        self._heartbeat_s = heartbeat_s
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Also takes up what the last end left behind."""
        self._wanted.set()
        self._task = asyncio.create_task(self._run(), name="keeper")

    def wake(self) -> None:
        self._wanted.set()

    async def close(self) -> None:
        """Stops between two steps; what is under way goes on at the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._heartbeat_s)
            self._wanted.clear()
            for work in self._works:
                await self._do(work)

    async def _do(self, work: Work) -> None:
        try:
            await work()
        except AssayError as error:
            _log.warning("housekeeping waits: %s", error)
        except Exception:  # noqa: BLE001 (a supervisor: said aloud, tried again)
            _log.exception("housekeeping failed; it is tried again")
