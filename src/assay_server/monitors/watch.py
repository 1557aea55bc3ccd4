"""Ticks. All state is in the ledger, so a killed process loses nothing but the look it was taking."""

import asyncio
import contextlib
import logging

from assay_server.core.errors import AssayError
from assay_server.monitors.monitors import Monitors

_log = logging.getLogger(__name__)


class Watch:
    """Runs `Monitors.tick` again and again; after a tick it rests at least three times as long as that took."""

    def __init__(self, monitors: Monitors, *, heartbeat_s: float = 1.0) -> None:
        self._monitors = monitors
        self._heartbeat_s = heartbeat_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="monitors")

    async def close(self) -> None:
        """Stops between two transactions."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._monitors.tick()
            except AssayError as error:
                _log.warning("monitors cannot be evaluated: %s", error)
            except Exception:  # noqa: BLE001 (a supervisor: said aloud, tried again)
                _log.exception("monitors cannot be evaluated")
            await asyncio.sleep(max(self._heartbeat_s, 3 * (loop.time() - began)))
