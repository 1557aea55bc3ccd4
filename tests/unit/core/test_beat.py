"""Work in the background that goes on after a fault."""

import asyncio

import pytest

from assay_server.core.beat import Beat
from assay_server.core.errors import Unavailable
from tests.fakes.ending import ends

HOUR = 3600.0


async def test_works_have_their_turn_one_after_the_other_and_a_fault_keeps_no_other_from_it() -> None:
    seen: list[str] = []
    done = asyncio.Event()

    async def refused() -> None:
        seen.append("refused")
        raise Unavailable("not now")

    async def broken() -> None:
        seen.append("broken")
        raise RuntimeError("a bug")

    async def last() -> None:
        seen.append("last")
        done.set()

    beat = Beat("test", refused, broken, last, every_s=HOUR)
    beat.start()
    await asyncio.wait_for(done.wait(), 30)
    await beat.close()
    assert seen == ["refused", "broken", "last"]


@pytest.mark.parametrize("rest", [0.0, 1.0])
async def test_who_is_woken_does_not_wait_for_the_hour(rest: float) -> None:
    turns: asyncio.Queue[int] = asyncio.Queue()

    async def work() -> None:
        turns.put_nowait(1)

    beat = Beat("test", work, every_s=HOUR, rest=rest)
    beat.start()
    await asyncio.wait_for(turns.get(), 30)
    beat.wake()
    await asyncio.wait_for(turns.get(), 30)
    await beat.close()
    assert turns.empty()


async def test_a_long_turn_is_not_followed_by_a_rest_without_end() -> None:
    """Monitors that caught up with an outage for ten minutes were blind for the half hour after it."""
    turns: asyncio.Queue[int] = asyncio.Queue()

    async def work() -> None:
        await asyncio.sleep(0.05)
        turns.put_nowait(1)

    beat = Beat("test", work, every_s=0.01, rest=HOUR, longest_rest_s=0.01)
    beat.start()
    for _ in range(2):
        await asyncio.wait_for(turns.get(), 30)
    await beat.close()


async def test_it_ends_while_it_works() -> None:
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        await asyncio.Event().wait()

    beat = Beat("test", work, every_s=HOUR)
    beat.start()
    await began.wait()
    await asyncio.wait_for(beat.close(), 30)


@pytest.mark.parametrize("steps", range(12))
async def test_it_ends_also_where_it_was_woken_a_moment_before(steps: int) -> None:
    """`asyncio.wait_for` gives what came and forgets that it was cancelled: the server's stop waited for ever."""
    first = True

    async def work() -> None:
        nonlocal first
        if first:
            beat.wake()  # somebody, while it works
        first = False

    beat = Beat("test", work, every_s=60, rest=0)
    beat.start()
    for _ in range(steps):
        await asyncio.sleep(0)
    assert await ends(beat.close())
