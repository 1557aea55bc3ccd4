"""The engine looks when there is news, finishes what was interrupted, and survives what goes wrong."""

import asyncio
from typing import Any

import pytest

from assay_server.core.errors import Unavailable
from assay_server.core.records import Facts, Score, Span
from assay_server.rollout import Engine
from tests.fakes.ending import ends
from tests.fakes.rollout import Stage
from tests.fixtures.ledger import PROJECT

NEVER = 3600.0


def thumb(run: str | None = None) -> Facts:
    return Facts(scores=[Score(PROJECT, "scr_1", "user_feedback", 1, "end_user", value=1.0, run=run)])


def call(canary: str | None) -> Facts:
    return Facts(spans=[Span(PROJECT, "0" * 32, "0" * 16, None, "chat", "llm", 1, 2, canary=canary)])


class Room:
    """Counts ticks; `fault` is raised by the next one."""

    def __init__(self, *canaries: str) -> None:
        self.open = [(PROJECT, canary) for canary in canaries]
        self.ticks: list[str] = []
        self.fault: Exception | None = None
        self.looked = asyncio.Event()

    async def unfinished(self) -> list[tuple[str, str]]:
        self.looked.set()
        return self.open

    async def tick(self, project: str, canary: str) -> None:
        self.ticks.append(canary)
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault

    async def rounds(self) -> None:
        """Until the engine has looked again and come to rest."""
        self.looked.clear()
        await asyncio.wait_for(self.looked.wait(), 10)
        await asyncio.sleep(0)


def engine(room: Any, heartbeat_s: float = NEVER) -> Engine:
    return Engine(room, heartbeat_s=heartbeat_s)


async def test_it_looks_at_start_and_at_news_only() -> None:
    room = Room("can_1")
    running = engine(room)
    running.start()
    await room.rounds()
    assert room.ticks == ["can_1"]
    await running.heard(thumb(run="run_1"))  # an offline score
    await running.heard(call(None))  # traffic of no canary
    await asyncio.sleep(0.05)
    assert room.ticks == ["can_1"]
    for news in (thumb(), call("can_1")):
        await running.heard(news)
        await room.rounds()
    assert room.ticks == ["can_1"] * 3
    await running.close()


async def test_one_canarys_fault_stops_neither_the_others_nor_the_engine() -> None:
    room = Room("can_1", "can_2")
    room.fault = RuntimeError("a bug")
    running = engine(room)
    running.start()
    await room.rounds()
    assert room.ticks == ["can_1", "can_2"]
    room.fault = Unavailable("the store is away")
    await running.heard(thumb())
    await room.rounds()
    assert room.ticks == ["can_1", "can_2"] * 2
    await running.close()


async def test_the_heartbeat_finds_what_no_fact_announced() -> None:
    room = Room()
    running = engine(room, heartbeat_s=0.01)
    running.start()
    await room.rounds()
    room.open = [(PROJECT, "can_new")]
    await room.rounds()
    await room.rounds()
    assert "can_new" in room.ticks
    await running.close()


async def test_it_drives_a_real_canary_to_its_end(stage: Stage) -> None:
    canary = await stage.begin()
    running = engine(stage.canaries)
    running.start()
    for _ in range(60):
        stage.world.new_users(50, good={"baseline": 0.8, "candidate": 0.3})
        await running.heard(thumb())
        await asyncio.sleep(0.02)
        if (await stage.canaries.get(PROJECT, canary.id)).status == "rolled_back":
            break
    while (await stage.canaries.get(PROJECT, canary.id)).status != "rolled_back":  # a busy machine looks later
        await running.heard(thumb())
        await asyncio.sleep(0.02)
    await running.close()
    assert stage.channels.history[-1][0] == "canary_rollback"


async def test_closing_twice_or_before_the_start_is_fine() -> None:
    running = engine(Room())
    await running.close()
    running.start()
    await running.close()
    await running.close()


@pytest.mark.parametrize("steps", range(8))
async def test_it_ends_also_where_news_came_a_moment_before(steps: int) -> None:
    """`asyncio.wait_for` gives what came and forgets that it was cancelled: the server's stop waited for ever."""
    running = engine(Room("can_1"))
    running.start()
    for _ in range(steps):
        await asyncio.sleep(0)
    assert await ends(running.close())
