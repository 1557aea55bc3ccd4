"""Settles what has come (`settled`), a round at a time, behind the appends."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

_log = logging.getLogger(__name__)

_EVERY_S = 2.0  # commits gather for so long: most traces are whole by then, and a round costs less a span
_REST = 1.0  # times what a round took, where there is more: a large store of an older schema has others to serve
_RETRY_S = 30.0


class Settling:
    """One per store."""

    def __init__(self, settle: Callable[[], Awaitable[bool]]) -> None:
        """`settle` is one round; it says whether there is more."""
        self._settle = settle
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def nudge(self) -> None:
        """Something was stored."""
        self._news.set()
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="assay-settle")

    async def catch_up(self) -> None:
        """Returns when all that was stored before is settled."""
        while await self._settle():
            pass

    async def close(self) -> None:
        """A round that has begun runs to its end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _work(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(_EVERY_S)
            self._news.clear()
            try:
                await self._follow()
            except Exception:  # noqa: BLE001 - whatever it is: readers go on without, and the next try may succeed
                _log.exception("calls and traces could not be settled; readers work them out until the next try")
                await asyncio.sleep(_RETRY_S)
                self._news.set()

    async def _follow(self) -> None:
        more = True
        while more:
            began = time.perf_counter()
            more = await self._settle()
            await asyncio.sleep(_REST * (time.perf_counter() - began) if more else 0)
