from dataclasses import dataclass
from typing import Any

import pytest

from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.registry import Channels, Datasets, Prompts, Providers, Releases, RetrievalConfigs, Verdicts
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import PROJECT

ACTOR = "key:key_ada"
MODEL = "openai/gpt-4o-2024-08-06"


@dataclass
class World:
    """The registry's rooms on one ledger, and the few things every test has to make first."""

    ledger: Ledger
    audit: Audit
    clock: FakeClock
    prompts: Prompts
    retrieval_configs: RetrievalConfigs
    datasets: Datasets
    releases: Releases
    verdicts: Verdicts
    channels: Channels
    providers: Providers

    async def prompt(self, system: str = "Answer {question}.", name: str = "answer", **more: Any) -> dict[str, Any]:
        return (await self.prompts.create(PROJECT, ACTOR, name=name, template={"system": system}, **more))[0]

    async def release(self, system: str = "Answer {question}.", name: str = "support", **more: Any) -> dict[str, Any]:
        prompt = await self.prompt(system)
        given = {"prompts": {"answer": prompt["id"]}, "model": MODEL, **more}
        return (await self.releases.create(PROJECT, ACTOR, name=name, **given))[0]

    async def judged(self, release: dict[str, Any], verdict: str = "pass", suite: str = "golden") -> dict[str, Any]:
        self.clock.advance(1)
        told = {"verdict": verdict, "release": release["id"], "run": "run_1", "baseline_run": None, "suite": suite}
        numbers = {"alpha": 0.05, "n": 80, "metrics": [{"metric": "refusal", "n": 80}], "sentence": f"{verdict}!"}
        return await self.verdicts.record(PROJECT, ACTOR, {**told, **numbers, "computed_from": {"runs": ["run_1"]}})

    async def good(self, system: str) -> dict[str, Any]:
        """A release with a passing verdict."""
        release = await self.release(system)
        await self.judged(release)
        return release

    async def live(self, system: str, channel: str = "production") -> dict[str, Any]:
        """A good release, promoted."""
        release = await self.good(system)
        self.clock.advance(1)
        await self.channels.promote(PROJECT, ACTOR, channel, release=release["id"], reason="it is good")
        return release


def scrub(text: str) -> tuple[str, list[str]]:
    """A scrubber that knows one address."""
    clean = text.replace("ada@example.com", "[EMAIL_ADDRESS]")
    return clean, ["EMAIL_ADDRESS"] if clean != text else []


@pytest.fixture
def world(any_ledger: Ledger) -> World:
    clock = FakeClock()
    audit = Audit(any_ledger, clock, scrub)
    common = (any_ledger, audit, clock)
    return World(
        *common,
        prompts=Prompts(*common),
        retrieval_configs=RetrievalConfigs(*common),
        datasets=Datasets(*common, scrub),
        releases=Releases(*common),
        verdicts=Verdicts(*common),
        channels=Channels(*common, scrub),
        providers=Providers(*common),
    )
