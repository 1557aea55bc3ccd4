"""Flags: off until somebody names checks, kept over restarts, and refused with the field that is wrong."""

import pytest

from assay_server.core.errors import Conflict, InvalidInput
from assay_server.governance import DROPPED, SCORED, Accounts, Audit, Counts, Flags
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock


@pytest.fixture
async def project(accounts: Accounts) -> str:
    return (await accounts.bootstrap("a-key-of-sixteen-characters")).project


async def opened(ledger: Ledger, audit: Audit, clock: FakeClock) -> Flags:
    counts = Counts(ledger, clock)
    await counts.load()
    flags = Flags(ledger, audit, clock, counts)
    await flags.load()
    return flags


async def test_they_are_off_and_then_hold_over_a_restart(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str
) -> None:
    flags = await opened(any_ledger, audit, clock)
    assert flags.of(project).checks == ()
    told = await flags.put(project, "user:ada", ["toxicity", "toxicity"], 0.1, reason="insults", revision=0)
    assert (told["checks"], told["share"], told["updated_by"]) == (["toxicity"], 0.1, "user:ada")
    await flags.put(project, "user:ada", ["groundedness"], 0.2, revision=1)
    again = (await opened(any_ledger, audit, clock)).of(project)
    assert (again.checks, again.share, again.revision) == (("groundedness",), 0.2, 2)
    assert (await opened(any_ledger, audit, clock)).of("prj_other").checks == ()


async def test_a_change_of_what_somebody_else_changed_is_refused(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str
) -> None:
    flags = await opened(any_ledger, audit, clock)
    await flags.put(project, "user:ada", [], 1.0)
    with pytest.raises(Conflict):
        await flags.put(project, "user:bob", ["toxicity"], 1.0, revision=0)
    assert flags.of(project).checks == ()


@pytest.mark.parametrize(
    ("checks", "share", "field"), [(["toxic"], 1.0, "checks"), (["toxicity"], 0.0, "share"), ([], 1.1, "share")]
)
async def test_what_makes_no_sense_names_its_field(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str, checks: list[str], share: float, field: str
) -> None:
    flags = await opened(any_ledger, audit, clock)
    with pytest.raises(InvalidInput) as caught:
        await flags.put(project, "user:ada", checks, share)
    assert caught.value.field == field


async def test_what_was_done_and_what_was_not_is_counted_by_day(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str
) -> None:
    flags = await opened(any_ledger, audit, clock)
    flags.count(project, SCORED, 3)
    flags.count(project, DROPPED, 2)
    assert flags.get(project)["today"] == {"scored": 3, "skipped": 0, "dropped": 2}
