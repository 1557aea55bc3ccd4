"""Work that goes its own way: one of a key at a time, and all of it is ended at the end."""

import asyncio

from assay_server.core.own_ways import OwnWays


async def test_one_of_a_key_at_a_time_and_others_beside_it() -> None:
    ways: OwnWays[str] = OwnWays()
    done = asyncio.Event()

    async def slow() -> str:
        await done.wait()
        return "slow"

    async def quick() -> str:
        return "quick"

    [first] = ways.begin({"a": slow})
    [other] = ways.begin({"a": quick, "b": quick})
    assert await other == "quick"
    done.set()
    assert await first == "slow"
    [again] = ways.begin({"a": quick})
    assert await again == "quick"


async def test_what_fails_is_told_to_whoever_waits_and_may_begin_anew() -> None:
    ways: OwnWays[None] = OwnWays()

    async def failing() -> None:
        raise ValueError("no")

    for _ in range(2):
        [task] = ways.begin({"a": failing})
        assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], ValueError)


async def test_the_end_cancels_what_is_under_way() -> None:
    ways: OwnWays[None] = OwnWays()
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("a")

    [task] = ways.begin({"a": endless})
    await asyncio.sleep(0)
    await ways.close()
    assert task.cancelled()
    assert ended == ["a"]
