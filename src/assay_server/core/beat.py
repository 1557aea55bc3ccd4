"""Work that is done again and again in the background, and goes on after a fault."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from assay_server.core.errors import AssayError

_log = logging.getLogger(__name__)


class Beat:
    """Calls `work` every `every_s` seconds, sooner when woken; after a call it rests at least as long as that took."""

    def __init__(self, name: str, work: Callable[[], Awaitable[object]], *, every_s: float) -> None:
        self._name = name
        self._work = work
        self._every_s = every_s
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._name)

    def wake(self) -> None:
        """There is something to do before the next turn."""
        self._woken.set()

    async def close(self) -> None:
        """Stops where the work waits for something."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._woken.clear()
            try:
                await self._work()
            except AssayError as error:
                _log.warning("%s: %s", self._name, error)
            except Exception:  # noqa: BLE001 (a supervisor: said aloud, tried again)
                _log.exception("%s failed; it is tried again", self._name)
            took = loop.time() - began
            await asyncio.sleep(took)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._every_s)
