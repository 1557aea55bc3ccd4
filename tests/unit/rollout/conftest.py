"""A canary room on a real ledger, with a made-up channel and world."""

import pytest

from assay_server.ledger import Ledger
from assay_server.rollout import Canaries
from tests.fakes.rollout import (
    FakeChannels,
    FakeClock,
    FakeIncidents,
    FakeReleases,
    Stage,
    World,
    add_releases,
    scrub,
)


@pytest.fixture
async def stage(ledger: Ledger) -> Stage:
    await ledger.write(add_releases)
    clock, incidents, releases = FakeClock(), FakeIncidents(), FakeReleases()
    channels = FakeChannels(clock=clock)
    world = World(channels, clock, seed=7)
    canaries = Canaries(ledger, channels, releases, world, incidents, clock, scrub)
    return Stage(ledger, clock, channels, incidents, releases, world, canaries)
