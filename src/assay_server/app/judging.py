"""Wires what evaluates: the catalogue of checks, suites, runs and the gate."""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass

from assay_server.app.config import Config
from assay_server.app.ground import Site
from assay_server.app.parts import Reads, Registry
from assay_server.checks import Catalogue
from assay_server.core.errors import AssayError
from assay_server.evals import Gate, Runs, StoredFacts, Suites
from assay_server.gateway import Gateway
from assay_server.ingest import Ingest
from assay_server.jobs import Jobs
from assay_server.keeping import Outgoing

_log = logging.getLogger(__name__)


@dataclass(slots=True, frozen=True)
class Judgement:
    catalogue: Catalogue
    suites: Suites
    runs: Runs
    gate: Gate


async def judging(
    config: Config,
    site: Site,
    registry: Registry,
    reads: Reads,
    ingest: Ingest,
    gateway: Gateway,
    outgoing: Outgoing,
    stack: AsyncExitStack,
) -> Judgement:
    catalogue = Catalogue()
    suites = Suites(site.ledger, catalogue, site.audit, site.clock)
    jobs = Jobs(f"sqlite:///{(config.data / 'jobs.sqlite').absolute()}")
    stack.push_async_callback(jobs.shutdown)
    runs = Runs(
        ledger=site.ledger,
        jobs=jobs,
        sink=ingest,
        facts=StoredFacts(reads.run_items, reads.traces),
        complete=gateway.complete,
        datasets=registry.datasets,
        releases=registry.releases,
        suites=suites,
        catalogue=catalogue,
        audit=site.audit,
        clock=site.clock,
    )
    resuming = asyncio.create_task(_resume(runs, outgoing), name="runs")
    stack.callback(resuming.cancel)
    return Judgement(
        catalogue, suites, runs, Gate(runs=runs, suites=suites, verdicts=registry.verdicts, catalogue=catalogue)
    )


async def _resume(runs: Runs, outgoing: Outgoing) -> None:
    """What was under way at the last end goes on; after a restore once things may leave, as runs call models.

    Without such runs the engine is not even imported: it costs a second and 45 MB, paid by the first run.
    """
    await outgoing.started()
    try:
        await runs.resume()
    except AssayError:
        _log.exception("background work could not be started; runs wait until the next start")
