"""A process with a canary in progress, to be killed: real ledger, store, registry, incidents and engine.

    python -m tests.fakes.canary_process FOLDER START FEEDBACK_OF_THE_CANDIDATE

Serves made-up users from number START on and prints a JSON line after every group of them, until the canary has
ended. The first process prepares the releases and starts the canary; the next ones find them.
"""

import asyncio
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from assay_server.core.clock import SystemClock
from assay_server.core.errors import NotFound
from assay_server.core.records import Facts, Score, Span
from assay_server.governance import Audit
from assay_server.ledger import Ledger, tables
from assay_server.monitors import Incidents
from assay_server.query import Comparisons
from assay_server.registry import Channels, Prompts, Releases, RetrievalConfigs, Verdicts
from assay_server.rollout import Canaries, Engine, LiveEvidence, Plan, Record, Watched
from assay_server.store import DuckStore

PROJECT = "prj_test"
CHANNEL = "production"
BASELINE_RATE = 0.75
GROUP = 20
PLAN = Plan(scores=(Watched("user_feedback", 0.05),), min_units=40)


def scrub(text: str) -> tuple[str, list[str]]:
    return text, []


@dataclass
class House:
    """The rooms a canary touches, wired as `app` does."""

    ledger: Ledger
    store: DuckStore
    audit: Audit
    channels: Channels
    releases: Releases
    incidents: Incidents
    canaries: Canaries

    @classmethod
    async def open(cls, folder: Path) -> "House":
        ledger, clock = await Ledger.open(f"sqlite:///{folder}/ledger.sqlite"), SystemClock()
        store, audit = await DuckStore.open(folder / "facts"), Audit(ledger, clock, scrub)
        channels, releases = Channels(ledger, audit, clock, scrub), Releases(ledger, audit, clock)
        incidents = Incidents(ledger, audit, clock, scrub)
        evidence = LiveEvidence(Comparisons(store))
        canaries = Canaries(ledger, channels, releases, evidence, incidents.open, clock, scrub)
        return cls(ledger, store, audit, channels, releases, incidents, canaries)

    async def close(self) -> None:
        await self.store.close()
        await self.ledger.close()

    async def prepare(self) -> None:
        """Release A is live, B has passed its gate."""
        await self.ledger.write(_project)
        for index_version, name in (("2026-11", "A"), ("2025-02", "B")):
            release = await self._release(index_version)
            if name == "A":
                await self.channels.promote(PROJECT, "user:ann", CHANNEL, release=release, reason="first")

    async def canary(self) -> Record:
        """The one there is; the first time it is started."""
        found, _ = await self.canaries.list(PROJECT)
        if found:
            return found[0]
        try:
            await self.channels.get(PROJECT, CHANNEL)
        except NotFound:
            await self.prepare()
        return await self.canaries.start(
            PROJECT, channel=CHANNEL, release="assistant@2", plan=PLAN, by="user:ann", reason="try B"
        )

    async def _release(self, index_version: str) -> str:
        clock = SystemClock()
        await Prompts(self.ledger, self.audit, clock).create(
            PROJECT, "user:ann", name="answer", template={"user": "{question}"}
        )
        await RetrievalConfigs(self.ledger, self.audit, clock).create(
            PROJECT, "user:ann", name="policies", embedding_model="minilm@sha256:" + "0" * 12, chunking={},
            top_k=3, threshold=0.2, index_version=index_version, index_built_at="2026-11-01T00:00:00Z",
        )  # fmt: skip
        release, _ = await self.releases.create(
            PROJECT, "user:ann", name="assistant", prompts={"answer": "answer"}, model="local/tiny-2026-01-01",
            retrieval_config="policies",
        )  # fmt: skip
        verdict = {
            "verdict": "pass", "release": release["id"], "run": "run_1", "baseline_run": None, "suite": "golden",
            "alpha": 0.05, "n": 80, "metrics": [], "sentence": "passed",
        }  # fmt: skip
        await Verdicts(self.ledger, self.audit, clock).record(PROJECT, "user:ann", verdict)
        return str(release["id"])


async def user(house: House, number: int, rate: float) -> Facts:
    """One new user asks once and presses a button."""
    name, rng = f"user-{number}", random.Random(number)
    live = await house.channels.resolve(PROJECT, CHANNEL, name)
    now = SystemClock().now_ns()
    trace = f"{number:032x}"
    span = Span(
        PROJECT, trace, f"{number:016x}", None, "chat", "llm", now, now + 1000, status="ok", user=name,
        channel=CHANNEL, canary=live["canary"], arm=live["arm"], release=live["release"]["id"],
    )  # fmt: skip
    up = float(rng.random() < (rate if live["arm"] == "candidate" else BASELINE_RATE))
    score = Score(PROJECT, f"scr_{number}", "user_feedback", now, "end_user", value=up, trace_id=trace)
    return Facts(spans=[span], scores=[score])


async def serve(folder: Path, start: int, rate: float) -> None:
    house = await House.open(folder)
    engine = Engine(house.canaries, heartbeat_s=0.2)
    canary = await house.canary()
    engine.start()
    number = start
    while canary.status == "running":
        group = [await user(house, number + one, rate) for one in range(1, GROUP + 1)]
        facts = Facts(spans=[one.spans[0] for one in group], scores=[one.scores[0] for one in group])
        number += GROUP
        await house.store.append(facts)
        await engine.heard(facts)
        canary = await house.canaries.get(PROJECT, canary.id)
        sys.stdout.write(json.dumps({"users": number, "status": canary.status, "step": canary.step}) + "\n")
        sys.stdout.flush()
    await engine.close()
    await house.close()


def _project(connection: Connection) -> None:
    row: dict[str, Any] = {"id": PROJECT, "name": "test", "home": True, "salt": "s", "created_ns": 0, "created_by": "k"}
    if connection.execute(tables.accounts.projects.select()).first() is None:
        connection.execute(tables.accounts.projects.insert().values(**row))


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
