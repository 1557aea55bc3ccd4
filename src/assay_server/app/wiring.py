"""Builds the house and takes it down: every room is constructed here, in order, and closed in the reverse order."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from assay_server.api.services import GrpcPort, Services
from assay_server.app.config import Config
from assay_server.app.intake import intake
from assay_server.app.keeping import keeping
from assay_server.app.outbound import outbound
from assay_server.app.watching import Site, flag_answers, flag_loops, watching
from assay_server.checks import Catalogue
from assay_server.checks.pii import Scrubber
from assay_server.core.clock import Clock, SystemClock
from assay_server.core.errors import AssayError, InvalidInput
from assay_server.evals import Gate, Runs, StoredFacts, Suites
from assay_server.gateway import Gateway
from assay_server.governance import Accounts, Audit, Bootstrapped, Idempotency
from assay_server.ingest import Experiments, Ingest, MediaShelf, MediaTickets, PartialSpans, Repricer
from assay_server.jobs import Jobs
from assay_server.keeping import Outgoing
from assay_server.ledger import Ledger
from assay_server.monitors import Incidents
from assay_server.providers import HttpUpstream, LocalLlm, Prices
from assay_server.query import (
    Comparisons,
    CostChanges,
    Costs,
    Dashboards,
    Exports,
    Figures,
    Graphs,
    Panels,
    People,
    RunItems,
    Savings,
    Scores,
    Sql,
    Tail,
    TokenUse,
    ToldFigures,
    TracePairs,
    Traces,
    Views,
)
from assay_server.registry import (
    Channels,
    Datasets,
    OwnPrices,
    Prompts,
    Providers,
    Releases,
    RetrievalConfigs,
    Verdicts,
    render,
)
from assay_server.rollout import Canaries, Engine, LiveEvidence
from assay_server.store import DuckStore

_log = logging.getLogger(__name__)

_SALT_BYTES = 32


@dataclass(slots=True, frozen=True)
class House:
    """What `serve` needs: the services, the news of a first start, and how to ask whether all is well."""

    services: Services
    bootstrapped: Bootstrapped
    ledger: Ledger
    store: DuckStore

    async def readiness(self) -> dict[str, str]:
        """By part, what is not ready; empty when everything is."""
        faults: dict[str, str] = {}
        try:
            await self.store.check()
        except AssayError as error:
            faults["facts"] = str(error)
        try:
            await self.ledger.check()
        except AssayError as error:
            faults["decisions"] = str(error)
        return faults


@dataclass(slots=True, frozen=True)
class _Ground:
    """The two databases, and what nearly every room needs."""

    store: DuckStore
    ledger: Ledger
    clock: Clock
    scrub: Callable[..., tuple[str, list[str]]]
    audit: Audit


@dataclass(slots=True, frozen=True)
class _Registry:
    prompts: Prompts
    retrieval_configs: RetrievalConfigs
    datasets: Datasets
    releases: Releases
    verdicts: Verdicts
    channels: Channels
    providers: Providers


@dataclass(slots=True, frozen=True)
class _Reads:
    traces: Traces
    scores: Scores
    run_items: RunItems
    comparisons: Comparisons


@dataclass(slots=True, frozen=True)
class _Judgement:
    catalogue: Catalogue
    suites: Suites
    runs: Runs
    gate: Gate


@asynccontextmanager
async def house(config: Config) -> AsyncIterator[House]:
    """Everything, running. Raises AssayError with a fix where the data cannot be opened; then nothing was changed."""
    _make(config.data)
    async with AsyncExitStack() as stack:
        scrubber = Scrubber()
        ground = await _ground(config, scrubber, stack)
        prices = OwnPrices(ground.ledger, ground.audit, ground.clock, Prices())
        await prices.load()
        accounts = Accounts(ground.ledger, ground.audit, ground.clock)
        bootstrapped = await accounts.bootstrap(config.bootstrap_key)
        outgoing = Outgoing(config.data, ground.ledger, ground.audit, ground.clock, bootstrapped.project)
        accounts.start()
        stack.push_async_callback(accounts.close)
        registry = _registry(ground, partial(config.may_name, bootstrapped.project))
        salt = _salt(config.data / "salt")
        coming = await intake(ground.ledger, ground.store, ground.audit, ground.clock, stack)
        ingest = Ingest(ground.store, scrubber, prices, salt=salt, admission=coming.doorkeeper)
        stack.push_async_callback(ingest.close)
        partial_spans = PartialSpans(ground.ledger, ingest, scrubber, salt=salt, may=coming.quotas.check)
        partial_spans.start()
        stack.push_async_callback(partial_spans.close)
        repricer = Repricer(ground.store, prices)
        repricer.start()
        stack.push_async_callback(repricer.close)
        gateway = _gateway(registry, ingest, ground, prices)
        stack.push_async_callback(gateway.close)
        reads = _Reads(Traces(ground.store), Scores(ground.store), RunItems(ground.store), Comparisons(ground.store))
        judgement = await _judgement(config, ground, registry, reads, ingest, gateway, outgoing, stack)
        site = Site(ground.ledger, ground.store, ground.audit, ground.clock, ground.scrub)
        told = watching(site, accounts, bootstrapped.project, config.url, outgoing.may_leave, stack)
        coming.tell(told.incidents, stack)
        flag_loops(ingest, stack)
        flag_answers(ingest, coming.flags, judgement.catalogue, stack)
        canaries = _canaries(ground, registry, reads, told.incidents, ingest, stack)
        if config.local_llm:
            await stack.enter_async_context(_local_llm(registry.providers, gateway, bootstrapped.project))
        tail = Tail()
        ingest.listen(tail.heard)
        stack.callback(tail.close)
        sql = Sql(ground.store)
        stack.push_async_callback(sql.close)
        media = MediaShelf(
            ground.ledger, config.data / "media", ground.scrub, ground.clock, config.media_max_bytes,
            may=coming.quotas.check, counted=coming.doorkeeper.took,
        )  # fmt: skip
        figures = ToldFigures(Figures(ground.store), ground.ledger, ground.clock)
        services = Services(
            accounts=accounts,
            intake=coming,
            outbound=outbound(
                config,
                site,
                bootstrapped.project,
                Exports(reads.traces, reads.scores),
                ingest,
                salt,
                outgoing.may_leave,
                stack,
            ),
            audit=ground.audit,
            idempotency=Idempotency(ground.ledger, ground.clock),
            ingest=ingest,
            partial_spans=partial_spans,
            experiments=Experiments(ground.ledger, ground.scrub, ground.clock),
            media=media,
            media_tickets=MediaTickets(salt, ground.clock),
            traces=reads.traces,
            graphs=Graphs(ground.store),
            trace_pairs=TracePairs(ground.store, reads.traces),
            scores=reads.scores,
            run_items=reads.run_items,
            comparisons=reads.comparisons,
            prompts=registry.prompts,
            retrieval_configs=registry.retrieval_configs,
            datasets=registry.datasets,
            releases=registry.releases,
            verdicts=registry.verdicts,
            channels=registry.channels,
            providers=registry.providers,
            gateway=gateway,
            checks=judgement.catalogue,
            suites=judgement.suites,
            runs=judgement.runs,
            gate=judgement.gate,
            canaries=canaries,
            incidents=told.incidents,
            monitors=told.monitors,
            silences=told.silences,
            notification_channels=told.channels,
            notifications=told.outbox,
            prices=prices,
            repricer=repricer,
            costs=Costs(ground.store),
            cost_changes=CostChanges(ground.store, prices),
            savings=Savings(ground.store, prices),
            token_use=TokenUse(ground.store),
            sql=sql,
            figures=figures,
            tail=tail,
            views=Views(ground.ledger, ground.audit, ground.clock),
            dashboards=Dashboards(ground.ledger, ground.audit, ground.clock),
            panels=Panels(ground.store, sql),
            exports=Exports(reads.traces, reads.scores),
            people=People(ground.store, reads.traces),
            keeping=await keeping(
                config, site, bootstrapped.project, ingest.pseudonym, media, figures, outgoing, stack
            ),
            public_url=config.url,
            grpc_port=GrpcPort(config.grpc_port),
        )
        yield House(services, bootstrapped, ground.ledger, ground.store)


def _make(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidInput(
            f"{data} cannot be the data directory: {error.strerror}.",
            field="data",
            value=str(data),
            fix="assay up --data DIR, with a folder this user may write to",
        ) from error


async def _ground(config: Config, scrubber: Scrubber, stack: AsyncExitStack) -> _Ground:
    store = await DuckStore.open(config.data / "facts")
    stack.push_async_callback(store.close)
    ledger = await Ledger.open(config.decisions_url)
    stack.push_async_callback(ledger.close)
    clock = SystemClock()

    def scrub(text: str, before: str = "") -> tuple[str, list[str]]:
        clean, types = scrubber.scrub(text, before)
        return clean, list(types)

    return _Ground(store, ledger, clock, scrub, Audit(ledger, clock, scrub))


def _registry(ground: _Ground, may_name: Callable[[str, str], bool]) -> _Registry:
    common = (ground.ledger, ground.audit, ground.clock)
    return _Registry(
        prompts=Prompts(*common),
        retrieval_configs=RetrievalConfigs(*common),
        datasets=Datasets(*common, ground.scrub),
        releases=Releases(*common),
        verdicts=Verdicts(*common),
        channels=Channels(*common, ground.scrub),
        providers=Providers(*common, may_name),
    )


def _gateway(registry: _Registry, ingest: Ingest, ground: _Ground, prices: OwnPrices) -> Gateway:
    return Gateway(
        providers=registry.providers,
        releases=registry.releases,
        channels=registry.channels,
        upstream=HttpUpstream(),
        sink=ingest,
        scrub=ground.scrub,
        render=render,
        prices=prices,
    )


async def _judgement(
    config: Config,
    ground: _Ground,
    registry: _Registry,
    reads: _Reads,
    ingest: Ingest,
    gateway: Gateway,
    outgoing: Outgoing,
    stack: AsyncExitStack,
) -> _Judgement:
    catalogue = Catalogue()
    suites = Suites(ground.ledger, catalogue, ground.audit, ground.clock)
    jobs = Jobs(f"sqlite:///{(config.data / 'jobs.sqlite').absolute()}")
    stack.push_async_callback(jobs.shutdown)
    runs = Runs(
        ledger=ground.ledger,
        jobs=jobs,
        sink=ingest,
        facts=StoredFacts(reads.run_items, reads.traces),
        complete=gateway.complete,
        datasets=registry.datasets,
        releases=registry.releases,
        suites=suites,
        catalogue=catalogue,
        audit=ground.audit,
        clock=ground.clock,
    )
    resuming = asyncio.create_task(_resume(runs, outgoing), name="runs")
    stack.callback(resuming.cancel)
    return _Judgement(
        catalogue, suites, runs, Gate(runs=runs, suites=suites, verdicts=registry.verdicts, catalogue=catalogue)
    )


def _canaries(
    ground: _Ground, registry: _Registry, reads: _Reads, incidents: Incidents, ingest: Ingest, stack: AsyncExitStack
) -> Canaries:
    evidence = LiveEvidence(reads.comparisons)
    canaries = Canaries(
        ground.ledger,
        registry.channels,
        registry.releases,
        evidence,
        incidents.open,
        ground.clock,
        ground.scrub,
    )
    engine = Engine(canaries)
    ingest.listen(engine.heard)
    engine.start()
    stack.push_async_callback(engine.close)
    return canaries


async def _resume(runs: Runs, outgoing: Outgoing) -> None:
    """What was under way at the last end goes on; after a restore once things may leave, as runs call models.

    Without such runs the engine is not even imported: it costs a second and 45 MB, paid by the first run.
    """
    await outgoing.started()
    try:
        await runs.resume()
    except AssayError:
        _log.exception("background work could not be started; runs wait until the next start")


@asynccontextmanager
async def _local_llm(providers: Providers, gateway: Gateway, project: str) -> AsyncIterator[None]:
    """The small LLM in a process of its own, reachable as the provider `local`."""
    llm = LocalLlm()
    await llm.start()
    try:
        await providers.put(project, "assay", "local", base_url=llm.base_url)
        gateway.only(
            llm.base_url, llm.models
        )  # its server answers under any name: the figures would be another model's
        yield
    finally:
        await llm.stop()


def _salt(path: Path) -> bytes:
    """The secret that keys the pseudonyms of people: made once, readable by this user only."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(_SALT_BYTES))
    return path.read_bytes()
