"""Work that goes its own way: whoever begins it does not wait, and what hangs holds up no other."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Work = Callable[[], Coroutine[Any, Any, T]]


class OwnWays(Generic[T]):
    """One task a key at a time."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[T]] = {}

    def begin(self, works: Mapping[Hashable, Work[T]]) -> list[asyncio.Task[T]]:
        """Those of which nothing is under way yet."""
        return [self._begun(key, work) for key, work in works.items() if key not in self._tasks]

    async def close(self) -> None:
        """Cancels what is under way; returns when all has ended."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begun(self, key: Hashable, work: Work[T]) -> asyncio.Task[T]:
        task = self._tasks[key] = asyncio.create_task(work())
        task.add_done_callback(partial(self._ended, key))
        return task

    def _ended(self, key: Hashable, task: asyncio.Task[T]) -> None:
        del self._tasks[key]
