"""The same canary and incident with the ledger on PostgreSQL."""

import pytest

from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.monitors import Incidents
from assay_server.rollout import Canaries, Plan, shaped
from tests.fakes.rollout import FEEDBACK, FakeChannels, FakeClock, FakeReleases, World, add_releases, scrub
from tests.fixtures.ledger import PROJECT, add_projects


@pytest.mark.postgresql
async def test_a_canary_is_rolled_back_on_postgresql_too(postgresql_url: str) -> None:
    ledger = await Ledger.open(postgresql_url)
    try:
        await ledger.write(add_projects)
        await ledger.write(add_releases)
        await _rolled_back(ledger)
    finally:
        await ledger.close()


async def _rolled_back(ledger: Ledger) -> None:
    clock = FakeClock()
    channels = FakeChannels(clock=clock)
    world, incidents = World(channels, clock, seed=7), Incidents(ledger, Audit(ledger, clock, scrub), clock, scrub)
    canaries = Canaries(ledger, channels, FakeReleases(), world, incidents.open, clock, scrub)
    canary = await canaries.start(
        PROJECT, channel="production", release="rel_b", plan=Plan(scores=(FEEDBACK,)), by="user:ann", reason="try"
    )
    for _ in range(12):
        world.new_users(100, good={"baseline": 0.85, "candidate": 0.4})
        canary = await canaries.tick(PROJECT, canary.id)
    assert canary.status == "rolled_back"
    looks = await canaries.looks(PROJECT, canary.id)
    assert shaped(canary, looks)["looks"][-1]["ci"] == shaped(canary)["metrics"][0]["ci"]
    (incident,), total = await incidents.list(PROJECT, status="open", after=(clock.ns + 1, ""))
    assert total == 1
    assert (await incidents.resolve(PROJECT, incident.id, by="user:ann", reason="fixed")).status == "resolved"
    assert await canaries.list(PROJECT, after=(canary.started_ns, canary.id)) == ([], 1)
