"""Who wants to revoke an old key sees whether anybody uses it; and no request writes for that."""

from typing import Any

import pytest

from assay_server.core.clock import rfc3339
from assay_server.core.errors import Unauthenticated
from assay_server.governance import Accounts, Audit
from assay_server.governance.uses import KeyUses
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import PROJECT


async def a_key(accounts: Accounts, role: str = "ingest") -> dict[str, Any]:
    return await accounts.create_key(PROJECT, "key:key_admin", name="app", role=role)


async def last_used(accounts: Accounts, key: dict[str, Any]) -> str | None:
    found = {each["id"]: each["last_used_at"] for each in await accounts.keys(PROJECT)}
    return found[key["id"]]


def bearer(key: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {key['secret']}"}


async def test_a_use_is_seen_at_once_and_no_request_writes(
    accounts: Accounts, clock: FakeClock, any_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, unused = await a_key(accounts), await a_key(accounts)

    async def write(_: Any) -> None:
        raise AssertionError("a request wrote")

    monkeypatch.setattr(any_ledger, "write", write)
    for _ in range(3):
        clock.advance(10)
        await accounts.authenticate(bearer(used))
    assert await last_used(accounts, used) == rfc3339(clock.now_ns())
    assert await last_used(accounts, unused) is None
    [listed] = [each for each in await accounts.keys(PROJECT) if each["id"] == unused["id"]]
    assert listed["use_known_since"] == listed["created_at"]


async def test_the_next_start_knows_what_was_used_before_the_stop(
    accounts: Accounts, clock: FakeClock, any_ledger: Ledger, audit: Audit
) -> None:
    key = await a_key(accounts)
    clock.advance(10)
    await accounts.authenticate(bearer(key))
    accounts.start()
    await accounts.close()
    again = Accounts(any_ledger, audit, clock)
    assert await last_used(again, key) == rfc3339(clock.now_ns())


async def test_who_is_signed_in_with_a_key_uses_it(accounts: Accounts, clock: FakeClock) -> None:
    key = await a_key(accounts, "viewer")
    clock.advance(5)
    session = await accounts.sign_in(key["secret"])
    assert await last_used(accounts, key) == rfc3339(clock.now_ns())
    for _ in range(2):
        clock.advance(5)
        await accounts.session_principal(session["secret"])
        assert await last_used(accounts, key) == rfc3339(clock.now_ns())


async def test_who_is_refused_uses_nothing(accounts: Accounts, clock: FakeClock) -> None:
    key = await a_key(accounts)
    await accounts.revoke_key(PROJECT, "key:key_admin", key["id"])
    with pytest.raises(Unauthenticated):
        await accounts.authenticate(bearer(key))
    assert await last_used(accounts, key) is None


async def test_a_clock_that_was_set_back_takes_no_use_away(
    accounts: Accounts, clock: FakeClock, any_ledger: Ledger
) -> None:
    key = await a_key(accounts)
    for at in (clock, FakeClock(clock.now_ns() - 10**9)):
        uses = KeyUses(any_ledger, at)
        uses.note(f"key:{key['id']}")
        uses.note("user:admin")
        await uses.flush()
    assert await last_used(accounts, key) == rfc3339(clock.now_ns())
