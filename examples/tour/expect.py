"""Checks that stop the tour, and waiting for a state instead of for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class NotAsExpected(Exception):
    """A step did not do what it should; says what was expected and what was seen."""

    def __init__(self, expected: str, seen: object) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")


def expect(holds: bool, expected: str, seen: object) -> None:
    """Raises NotAsExpected unless it holds."""
    if not holds:
        raise NotAsExpected(expected, seen)


async def until(
    expected: str, probe: Callable[[], Awaitable[T]], holds: Callable[[T], bool], deadline_s: float = 30.0
) -> T:
    """The probe's value as soon as it holds. Raises NotAsExpected when it does not within the deadline."""
    deadline = time.monotonic() + deadline_s
    while True:
        value = await probe()
        if holds(value):
            return value
        if time.monotonic() > deadline:
            raise NotAsExpected(f"{expected} within {deadline_s:g} s", value)
        await asyncio.sleep(0.1)
