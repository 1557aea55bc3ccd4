"""A whole evals room over a real ledger, with everything around it in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from assay_server.checks import Catalogue
from assay_server.core.clock import SystemClock
from assay_server.core.ports import CompletionRequest
from assay_server.evals import Gate, Runs, Suites
from assay_server.ledger import Ledger
from tests.fakes.evals import FakeAudit, FakeComplete, FakeDatasets, FakeReleases, FakeVerdicts, MemoryFacts, TaskJobs
from tests.fixtures.ledger import PROJECT


@dataclass
class Room:
    """Everything a test of evals may want to touch."""

    facts: MemoryFacts
    datasets: FakeDatasets
    releases: FakeReleases
    verdicts: FakeVerdicts
    audit: FakeAudit
    jobs: TaskJobs
    complete: FakeComplete
    suites: Suites
    runs: Runs
    gate: Gate

    async def run(self, **body: Any) -> dict[str, Any]:
        """Starts a run, waits for its end, and returns it."""
        started = await self.runs.start(PROJECT, "key:test", body)
        await self.jobs.finished(started["id"])
        return await self.runs.get(PROJECT, started["id"])


def golden_items(count: int = 40) -> list[dict[str, Any]]:
    """Every fourth item cannot be answered; two items each share a cluster."""
    return [
        {
            "id": f"itm_{n}",
            "input": f"question {n}",
            "expected": None if n % 4 == 3 else f"fact {n}",
            "cluster": f"topic-{n // 2}",
            "tags": ["hard"] if n % 2 else [],
            "metadata": {"answerable": n % 4 != 3, "documents": [] if n % 4 == 3 else [f"doc-{n}"]},
        }
        for n in range(count)
    ]


@pytest.fixture
def make_room(ledger: Ledger) -> Callable[..., Room]:
    def make(reply: Callable[[CompletionRequest], str] = lambda _: "fact", facts: MemoryFacts | None = None) -> Room:
        facts = facts or MemoryFacts()
        datasets, releases, verdicts, audit = FakeDatasets(ledger), FakeReleases(ledger), FakeVerdicts(), FakeAudit()
        jobs, complete, catalogue, clock = TaskJobs(), FakeComplete(reply), Catalogue(), SystemClock()
        suites = Suites(ledger, catalogue, audit, clock)
        runs = Runs(
            ledger=ledger, jobs=jobs, sink=facts, facts=facts, complete=complete, datasets=datasets,
            releases=releases, suites=suites, catalogue=catalogue, audit=audit, clock=clock,
        )  # fmt: skip
        gate = Gate(runs=runs, suites=suites, verdicts=verdicts, catalogue=catalogue)
        return Room(facts, datasets, releases, verdicts, audit, jobs, complete, suites, runs, gate)

    return make


@pytest.fixture
async def room(make_room: Callable[..., Room]) -> Room:
    room = make_room()
    await room.datasets.add(PROJECT, "golden", golden_items())
    return room
