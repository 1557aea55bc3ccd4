"""A process that carries out runs with the real rooms: ledger, store, ingest, registry, jobs. Killed by a test.

usage: python -m tests.integration.run_process FOLDER start ENDPOINT   accepts a run over 80 items, prints its id
       python -m tests.integration.run_process FOLDER finish RUN       resumes, prints the run and its items as JSON
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay_server.checks import Catalogue
from assay_server.checks.pii import Scrubber
from assay_server.core.clock import SystemClock
from assay_server.core.ports import Completion, CompletionRequest
from assay_server.evals import Gate, Runs, StoredFacts, Suites
from assay_server.governance import Audit
from assay_server.ingest import Ingest
from assay_server.jobs import Jobs
from assay_server.ledger import Ledger, tables
from assay_server.providers import Prices
from assay_server.query import RunItems, Traces
from assay_server.registry import Datasets, Releases, Verdicts
from assay_server.store import DuckStore

PROJECT = "prj_test"
ITEMS = 80


@dataclass
class House:
    """The rooms that a run needs, wired as `app` does."""

    datasets: Datasets
    runs: Runs
    gate: Gate
    verdicts: Verdicts


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    clock, catalogue, scrubber = SystemClock(), Catalogue(), Scrubber()
    ledger = await Ledger.open(f"sqlite:///{folder}/ledger.sqlite")
    store = await DuckStore.open(folder / "facts")
    ingest, jobs = Ingest(store, scrubber, Prices()), Jobs(f"sqlite:///{folder}/jobs.sqlite")
    audit = Audit(ledger, clock, scrubber.scrub)
    datasets = Datasets(ledger, audit, clock, scrubber.scrub)
    suites, verdicts = Suites(ledger, catalogue, audit, clock), Verdicts(ledger, audit, clock)
    facts = StoredFacts(RunItems(store), Traces(store))
    runs = Runs(
        ledger=ledger, jobs=jobs, sink=ingest, facts=facts, complete=_no_model, datasets=datasets,
        releases=Releases(ledger, audit, clock), suites=suites, catalogue=catalogue, audit=audit, clock=clock,
    )  # fmt: skip
    await jobs.launch()
    await runs.resume()
    yield House(datasets, runs, Gate(runs=runs, suites=suites, verdicts=verdicts, catalogue=catalogue), verdicts)
    await jobs.shutdown()
    await ingest.close()
    await store.close()
    await ledger.close()


async def prepare(folder: Path) -> None:
    """An empty ledger with one project."""
    ledger = await Ledger.open(f"sqlite:///{folder}/ledger.sqlite")
    row = {"id": PROJECT, "name": "test", "home": True, "salt": "s", "created_ns": 0, "created_by": "key:test"}
    await ledger.write(lambda connection: connection.execute(tables.accounts.projects.insert().values(**row)) and None)
    await ledger.close()


def items() -> list[dict[str, Any]]:
    return [
        {"id": f"itm-{n}", "input": f"question {n}", "expected": f"fact {n}", "metadata": {"answerable": n % 4 != 3}}
        for n in range(ITEMS)
    ]


async def wait_for_end(runs: Runs, run: str) -> dict[str, Any]:
    while (found := await runs.get(PROJECT, run))["status"] in ("queued", "running"):
        await asyncio.sleep(0.05)
    return found


async def _no_model(_: CompletionRequest) -> Completion:
    raise AssertionError("this run has an endpoint")


async def _main(folder: Path, phase: str, argument: str) -> None:
    if phase == "start":
        await prepare(folder)
    async with house(folder) as rooms:
        if phase == "start":
            await rooms.datasets.create(PROJECT, "key:test", name="golden", items=items())
            body = {"dataset": "golden", "endpoint": argument, "concurrency": 8, "metrics": ["exact_match", "refusal"]}
            _tell((await rooms.runs.start(PROJECT, "key:test", body))["id"])
            await asyncio.Event().wait()
        run = await wait_for_end(rooms.runs, argument)
        _tell(json.dumps({"run": run, "items": await rooms.runs.items(PROJECT, argument)}))


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
