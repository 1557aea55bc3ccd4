"""Looks at canaries when evidence arrives.

A plain task, not a job of the durable engine: all state is in the ledger's row and every tick starts from it, so a
process that is killed loses nothing but the look it was taking, and the next one goes on from the row. A durable
workflow would keep a second copy of the same state, and pay two commits for each look.

Woken by ingest after a commit (`heard`); between wake-ups it does nothing. The slow heartbeat is for what no fact
announces: a move interrupted by a kill, a canary started by another process, a channel changed by hand. Waiting
never decides anything: looks may be taken at any moment (the sequences are valid at all of them), so after a round
the engine only rests three times as long as the round took, which leaves three quarters of a core to others.
"""

import asyncio
import contextlib
import logging
import time

from assay_server.core.beat import set_within
from assay_server.core.errors import AssayError
from assay_server.core.records import Facts
from assay_server.rollout.canaries import Canaries

_log = logging.getLogger(__name__)

_REST = 3.0
_LONGEST_REST_S = 1.0


class Engine:
    """Runs `Canaries.tick` for every unfinished canary whenever facts arrived that may concern one."""

    def __init__(self, canaries: Canaries, *, heartbeat_s: float = 5.0) -> None:
        self._canaries = canaries
        self._heartbeat_s = heartbeat_s
        self._news = asyncio.Event()
        self._open = True  # until a look at the ledger says that there is no canary
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins with a round at once: what was interrupted is finished first."""
        self._news.set()
        self._task = asyncio.create_task(self._run(), name="canaries")

    async def close(self) -> None:
        """Stops between two transactions; the next start goes on from the ledger."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def heard(self, facts: Facts) -> None:
        """The `Listener`: spans of a canary and scores of live traffic are news."""
        if self._open and (any(span.canary for span in facts.spans) or any(not score.run for score in facts.scores)):
            self._news.set()

    async def _run(self) -> None:
        while True:
            await set_within(self._news, self._heartbeat_s)
            self._news.clear()
            began = time.monotonic()
            await self._round()
            await asyncio.sleep(min(_LONGEST_REST_S, _REST * (time.monotonic() - began)))

    async def _round(self) -> None:
        try:
            unfinished = await self._canaries.unfinished()
        except AssayError as error:
            _log.warning("canaries cannot be read: %s", error)
            return
        self._open = bool(unfinished)
        for project, canary in unfinished:
            await self._tick(project, canary)

    async def _tick(self, project: str, canary: str) -> None:
        """One canary's fault must not stop the others, nor the engine; the heartbeat tries again."""
        try:
            await self._canaries.tick(project, canary)
        except AssayError as error:
            _log.warning("canary %s: %s", canary, error)
        except Exception:  # noqa: BLE001 (a supervisor: said aloud, tried again)
            _log.exception("canary %s", canary)
