"""Work that is done again and again in the background, and goes on after a fault."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from assay_server.core.errors import AssayError

_log = logging.getLogger(__name__)

_LONGEST_REST_S = 30.0


async def set_within(event: asyncio.Event, seconds: float) -> None:
    """Returns when the event is set, or when the time is over.

    `asyncio.wait_for` loses a cancellation that comes as the event is set, and a stop then waits for ever.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class Beat:
    """Calls each work in turn, every `every_s` seconds, sooner when woken; one that fails keeps no other from its turn.

    After a turn it rests at least `rest` times as long as that took, woken or not, but no longer than `longest_rest_s`:
    a turn that caught up with a weekend is not followed by three of them in which nothing is looked at.
    """

    def __init__(
        self,
        name: str,
        *works: Callable[[], Awaitable[object]],
        every_s: float,
        rest: float = 1.0,
        longest_rest_s: float = _LONGEST_REST_S,
    ) -> None:
        self._name = name
        self._works = works
        self._every_s = every_s
        self._rest = rest
        self._longest_rest_s = longest_rest_s
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

    async def end(self, otherwise: str) -> None:
        """Stops, and does the work once more; `otherwise` is said where that cannot be done."""
        await self.close()
        for work in self._works:
            try:
                await work()
            except AssayError as error:
                _log.warning("%s: %s", otherwise, error)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._woken.clear()
            for work in self._works:
                await self._do(work)
            await asyncio.sleep(min(self._longest_rest_s, self._rest * (loop.time() - began)))
            await set_within(self._woken, self._every_s)

    async def _do(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except AssayError as error:
            _log.warning("%s: %s", self._name, error)
        except Exception:  # noqa: BLE001 (a supervisor: said aloud, tried again)
            _log.exception("%s failed; it is tried again", self._name)
