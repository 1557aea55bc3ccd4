"""The chain: written with the change, and any tampering shows."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, delete, update

from assay_server.core.errors import InvalidInput, Refused
from assay_server.governance import Audit
from assay_server.ledger import Ledger, tables
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT

table = tables.accounts.audit


async def add(ledger: Ledger, audit: Audit, subject: str, project: str = PROJECT, **details: Any) -> str:
    return await ledger.write(
        lambda c: audit.append(c, project=project, actor="key:k", action="thing.do", subject=subject, **details)
    )


async def test_events_come_back_newest_first_with_everything_they_said(any_ledger: Ledger, audit: Audit) -> None:
    await add(any_ledger, audit, "one")
    await add(any_ledger, audit, "two", reason="because", before={"x": 1.5}, after=[None, "é"])
    events, total, following = await audit.list(PROJECT)
    assert [event["subject"] for event in events] == ["two", "one"]
    assert (total, following) == (2, None)
    assert (events[0]["reason"], events[0]["before"], events[0]["after"]) == ("because", {"x": 1.5}, [None, "é"])
    assert events[0]["at"].startswith("2026-11-21T")


async def test_pages_follow_each_other(any_ledger: Ledger, audit: Audit) -> None:
    for index in range(5):
        await add(any_ledger, audit, str(index))
    seen, after = [], None
    while True:
        events, total, after = await audit.list(PROJECT, limit=2, after=after)
        seen += [event["subject"] for event in events]
        assert total == 5
        if after is None:
            break
    assert seen == ["4", "3", "2", "1", "0"]


async def test_filters(any_ledger: Ledger, audit: Audit) -> None:
    await add(any_ledger, audit, "one")
    await add(any_ledger, audit, "two")
    assert (await audit.list(PROJECT, subject="two"))[1] == 1
    assert (await audit.list(PROJECT, actor="key:other"))[1] == 0
    assert (await audit.list(PROJECT, action="thing.do"))[1] == 2


async def test_events_are_narrowed_to_a_time(any_ledger: Ledger, audit: Audit, clock: FakeClock) -> None:
    await add(any_ledger, audit, "before")
    clock.advance(60)
    begin = clock.now_ns()
    await add(any_ledger, audit, "within")
    clock.advance(60)
    await add(any_ledger, audit, "at its end")
    events, total, _ = await audit.list(PROJECT, since_ns=begin, until_ns=clock.now_ns())
    assert ([event["subject"] for event in events], total) == (["within"], 1)


async def test_projects_have_chains_of_their_own(any_ledger: Ledger, audit: Audit) -> None:
    await add(any_ledger, audit, "mine")
    await add(any_ledger, audit, "theirs", OTHER_PROJECT)
    assert [event["subject"] for event in (await audit.list(OTHER_PROJECT))[0]] == ["theirs"]
    assert (await audit.verify(PROJECT))["checked"] == (await audit.verify(OTHER_PROJECT))["checked"] == 1


async def test_an_event_of_a_change_that_failed_does_not_exist(any_ledger: Ledger, audit: Audit) -> None:
    def change(connection: Connection) -> None:
        audit.append(connection, project=PROJECT, actor="key:k", action="a", subject="s")
        raise Refused("no")

    with pytest.raises(Refused):
        await any_ledger.write(change)
    assert (await audit.list(PROJECT))[1] == 0
    assert (await audit.verify(PROJECT))["ok"]


async def test_reasons_are_scrubbed(any_ledger: Ledger, audit: Audit) -> None:
    await add(any_ledger, audit, "one", reason="ada@example.com asked")
    assert (await audit.list(PROJECT))[0][0]["reason"] == "[EMAIL_ADDRESS] asked"


async def test_what_is_no_json_is_refused(any_ledger: Ledger, audit: Audit) -> None:
    with pytest.raises(InvalidInput):
        await add(any_ledger, audit, "one", after={"when": object()})


async def test_an_untouched_chain_is_whole_however_it_was_written(any_ledger: Ledger, audit: Audit) -> None:
    assert await audit.verify(PROJECT) | {"head": ""} == {"ok": True, "checked": 0, "head": "", "broken": None}
    await asyncio.gather(*(add(any_ledger, audit, str(index), after={"n": index / 7}) for index in range(20)))
    found = await audit.verify(PROJECT)
    assert (found["ok"], found["checked"]) == (True, 20)


@pytest.mark.parametrize(
    "column", ["actor", "action", "subject", "reason", "at_ns", "before", "after", "hash", "previous"]
)
async def test_any_altered_column_is_found(any_ledger: Ledger, audit: Audit, column: str) -> None:
    for index in range(3):
        await add(any_ledger, audit, str(index), reason="r", before={"a": 1}, after={"a": 2})
    value: Any = {"at_ns": 1, "before": {"a": 9}, "after": {"a": 9}}.get(column, "forged")
    await any_ledger.write(lambda c: c.execute(update(table).where(table.c.seq == 2).values({column: value})))
    found = await audit.verify(PROJECT)
    assert (found["ok"], found["checked"], found["broken"]["seq"]) == (False, 1, 2)


@pytest.mark.parametrize(("seq", "checked"), [(1, 0), (2, 1), (3, 2)])
async def test_a_removed_row_is_found_even_the_last(any_ledger: Ledger, audit: Audit, seq: int, checked: int) -> None:
    for index in range(3):
        await add(any_ledger, audit, str(index))
    await any_ledger.write(lambda c: c.execute(delete(table).where(table.c.seq == seq)))
    found = await audit.verify(PROJECT)
    assert (found["ok"], found["checked"]) == (False, checked)
    assert found["broken"]["why"]
