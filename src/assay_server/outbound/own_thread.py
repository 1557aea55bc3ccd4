"""Calls of a library that may wait for minutes, and cannot be told to stop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

_NAME = "assay-elsewhere"


async def in_own_thread(work: Callable[..., T], *given: Any) -> T:
    """What it returns, or raises. Whoever is cancelled meanwhile leaves it behind: the threads that all others share
    would be fewer for as long, and waited for at the end."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def give(set_it: Callable[[Any], None], value: Any) -> None:
        if not answer.done():
            set_it(value)

    def run() -> None:
        try:
            told: tuple[Callable[[Any], None], Any] = answer.set_result, work(*given)
        except Exception as error:  # noqa: BLE001 (it is raised where it is waited for)
            told = answer.set_exception, error
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(give, *told)

    threading.Thread(target=run, name=_NAME, daemon=True).start()
    return await answer


def some_are_left() -> bool:
    """Whether one of them still waits."""
    return any(thread.name == _NAME for thread in threading.enumerate())
