"""The memory in front of the channels: a second old at most, and it outlives the ledger."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, update

from assay_server.core.errors import NotFound, Unavailable
from assay_server.ledger import Ledger, tables
from assay_server.registry.snapshots import Snapshots
from tests.fixtures.ledger import PROJECT

T = TypeVar("T")
channels = tables.registry.channels


class Counting:
    """A ledger that counts its reads, and can be away."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.reads = 0
        self.is_away = False

    async def read(self, fn: Callable[[Connection], T]) -> T:
        self.reads += 1
        if self.is_away:
            raise Unavailable
        return await self.ledger.read(fn)


class Turned:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def counting(ledger: Ledger) -> Counting:
    row = {"project": PROJECT, "name": "production", "requires_gate": True, "revision": 1}
    await ledger.write(lambda c: c.execute(channels.insert().values(row)))
    return Counting(ledger)


@pytest.fixture
def turned() -> Turned:
    return Turned()


@pytest.fixture
def snapshots(counting: Any, turned: Turned) -> Snapshots:
    return Snapshots(counting, turned)


async def bump(counting: Counting) -> None:
    """Another process changes the channel."""
    await counting.ledger.write(lambda c: c.execute(update(channels).values(revision=channels.c.revision + 1)))


async def test_it_reads_once_a_second(snapshots: Snapshots, counting: Counting, turned: Turned) -> None:
    for _ in range(10):
        assert (await snapshots.get(PROJECT, "production")).revision == 1
    assert counting.reads == 1
    await bump(counting)
    turned.now += 0.99
    assert (await snapshots.get(PROJECT, "production")).revision == 1
    turned.now += 0.02
    assert (await snapshots.get(PROJECT, "production")).revision == 2
    assert counting.reads == 2


async def test_of_many_at_once_one_reads(snapshots: Snapshots, counting: Counting) -> None:
    await asyncio.gather(*(snapshots.get(PROJECT, "production") for _ in range(50)))
    assert counting.reads == 1


async def test_a_change_here_is_seen_at_once(snapshots: Snapshots, counting: Counting) -> None:
    await snapshots.get(PROJECT, "production")
    await bump(counting)
    snapshots.forget(PROJECT, "production")
    assert (await snapshots.get(PROJECT, "production")).revision == 2


async def test_a_change_while_it_reads_is_seen_by_the_next(snapshots: Snapshots, counting: Counting) -> None:
    reading = asyncio.create_task(snapshots.get(PROJECT, "production"))
    while not counting.reads:
        await asyncio.sleep(0)
    snapshots.forget(PROJECT, "production")
    await reading
    await bump(counting)
    assert (await snapshots.get(PROJECT, "production")).revision == 2


async def test_the_last_good_one_is_served_while_the_ledger_is_away(
    snapshots: Snapshots, counting: Counting, turned: Turned
) -> None:
    counting.is_away = True
    with pytest.raises(Unavailable):
        await snapshots.get(PROJECT, "production")
    counting.is_away = False
    await snapshots.get(PROJECT, "production")
    counting.is_away = True
    turned.now += 60
    assert (await snapshots.get(PROJECT, "production")).revision == 1


async def test_an_unknown_channel_is_not_there(snapshots: Snapshots) -> None:
    for _ in range(2):
        with pytest.raises(NotFound):
            await snapshots.get(PROJECT, "nothing")
