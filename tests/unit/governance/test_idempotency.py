"""The same request twice is done once."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from assay_server.core.errors import Conflict, InvalidInput, Refused, Unavailable
from assay_server.governance import Idempotency
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT


class Work:
    """Counts how often it was done; waits until it may go on."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done = 0
        self.error = error
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self) -> Mapping[str, Any]:
        self.done += 1
        await self.may_go_on.wait()
        if self.error is not None:
            raise self.error
        return {"status": 201, "body": {"n": self.done}}


@pytest.fixture
def once(any_ledger: Ledger, clock: FakeClock) -> Idempotency:
    return Idempotency(any_ledger, clock)


async def test_the_second_gets_the_firsts_answer(once: Idempotency) -> None:
    work = Work()
    first = await once.run(PROJECT, "k", "hash", work)
    assert await once.run(PROJECT, "k", "hash", work) == first == {"status": 201, "body": {"n": 1}}
    assert work.done == 1


async def test_it_is_remembered_by_other_processes_too(once: Idempotency, any_ledger: Ledger, clock: FakeClock) -> None:
    work = Work()
    await once.run(PROJECT, "k", "hash", work)
    await Idempotency(any_ledger, clock).run(PROJECT, "k", "hash", work)
    assert work.done == 1


async def test_another_request_under_the_same_key_is_a_conflict(once: Idempotency) -> None:
    work = Work()
    await once.run(PROJECT, "k", "hash", work)
    with pytest.raises(Conflict):
        await once.run(PROJECT, "k", "another", work)
    assert work.done == 1


async def test_keys_belong_to_projects(once: Idempotency) -> None:
    work = Work()
    await once.run(PROJECT, "k", "hash", work)
    await once.run(OTHER_PROJECT, "k", "another", work)
    assert work.done == 2


async def test_of_many_at_once_one_runs(once: Idempotency) -> None:
    work = Work()
    work.may_go_on.clear()
    asked = [asyncio.create_task(once.run(PROJECT, "k", "hash", work)) for _ in range(10)]
    while not work.done:
        await asyncio.sleep(0)
    work.may_go_on.set()
    answers = await asyncio.gather(*asked)
    assert work.done == 1
    assert all(answer == {"status": 201, "body": {"n": 1}} for answer in answers)


async def test_a_failure_is_not_remembered(once: Idempotency) -> None:
    with pytest.raises(Refused):
        await once.run(PROJECT, "k", "hash", Work(Refused("no")))
    assert (await once.run(PROJECT, "k", "another", Work()))["status"] == 201


@pytest.mark.parametrize("seconds", [61, -86_400], ids=["waited", "set-back"])
async def test_a_claim_of_a_dead_process_expires(
    once: Idempotency, any_ledger: Ledger, clock: FakeClock, seconds: int
) -> None:
    """A process that was killed in the middle never says that it is done; nor does anybody wait for a clock."""
    stuck, work = Work(), Work()
    stuck.may_go_on.clear()
    dead = asyncio.create_task(once.run(PROJECT, "k", "hash", stuck))
    while not stuck.done:
        await asyncio.sleep(0)
    living = Idempotency(any_ledger, clock)
    with pytest.raises(Unavailable) as busy:
        await living.run(PROJECT, "k", "hash", work)
    assert busy.value.retry_after_s is not None
    clock.advance(seconds)
    assert (await living.run(PROJECT, "k", "hash", work))["body"] == {"n": 1}
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)
    assert (await living.run(PROJECT, "k", "hash", work))["body"] == {"n": 1}
    assert work.done == 1


async def test_answers_are_forgotten_after_a_day(once: Idempotency, clock: FakeClock) -> None:
    work = Work()
    await once.run(PROJECT, "k", "hash", work)
    clock.advance(24 * 3600 + 1)
    await once.run(PROJECT, "k", "another", work)
    assert work.done == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "new\nline"])
async def test_odd_keys_are_refused(once: Idempotency, key: str) -> None:
    with pytest.raises(InvalidInput):
        await once.run(PROJECT, key, "hash", Work())
