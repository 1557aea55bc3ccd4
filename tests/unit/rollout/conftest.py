"""A canary room on a real ledger, with a made-up channel and world."""

from dataclasses import dataclass

import pytest

from assay_server.ledger import Ledger, tables
from assay_server.rollout import Canaries, Plan, Record, Watched
from tests.fakes.rollout import FakeChannels, FakeClock, FakeIncidents, FakeReleases, World, scrub
from tests.fixtures.ledger import PROJECT

FEEDBACK = Watched("user_feedback", 0.05)


@dataclass
class Stage:
    ledger: Ledger
    clock: FakeClock
    channels: FakeChannels
    incidents: FakeIncidents
    releases: FakeReleases
    world: World
    canaries: Canaries

    async def begin(self, plan: Plan | None = None) -> Record:
        plan = plan or Plan(scores=(FEEDBACK,), min_units=40)
        return await self.canaries.start(
            PROJECT, channel="production", release="rel_b", plan=plan, by="user:ann", reason="try B"
        )

    async def live(self, canary: Record, *, users: int = 40, rounds: int = 80, **how: object) -> Record:
        """New users and a look, until it has ended, or the rounds are used up."""
        record = canary
        for _ in range(rounds):
            self.world.new_users(users, **how)
            record = await self.canaries.tick(PROJECT, canary.id)
            if record.status != "running":
                break
        return record

    def again(self) -> Canaries:
        """The room of a process that has just been started."""
        return Canaries(self.ledger, self.channels, self.releases, self.world, self.incidents, self.clock, scrub)


@pytest.fixture
async def stage(ledger: Ledger) -> Stage:
    await ledger.write(add_releases)
    clock, channels, incidents, releases = FakeClock(), FakeChannels(), FakeIncidents(), FakeReleases()
    world = World(channels, clock, seed=7)
    canaries = Canaries(ledger, channels, releases, world, incidents, clock, scrub)
    return Stage(ledger, clock, channels, incidents, releases, world, canaries)


def add_releases(connection: object) -> None:
    """The two releases that the canary's row refers to."""
    for letter in "ab":
        connection.execute(  # type: ignore[attr-defined]
            tables.registry.releases.insert().values(
                id=f"rel_{letter}",
                project=PROJECT,
                name="assistant",
                version=ord(letter),
                content_hash=f"sha256:{letter}",
                prompts={},
                model="local/tiny-2026-01-01",
                parameters={},
                created_ns=0,
                created_by="user:ann",
            )
        )
