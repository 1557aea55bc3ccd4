"""Builds the house and takes it down: every room is constructed here, in order, and closed in the reverse order."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from assay_server.api.services import GrpcPort, Services
from assay_server.app import ground, parts
from assay_server.app.config import Config
from assay_server.app.ground import Site
from assay_server.app.intake import intake
from assay_server.app.judging import judging
from assay_server.app.keeping import keeping
from assay_server.app.outbound import outbound
from assay_server.app.parts import Reads, Registry
from assay_server.app.watching import flag_answers, flag_loops, watching
from assay_server.checks.pii import Scrubber
from assay_server.core.errors import AssayError
from assay_server.gateway import Gateway
from assay_server.governance import Accounts, Bootstrapped, Idempotency
from assay_server.ingest import Experiments, Ingest, MediaShelf, MediaTickets, PartialSpans, Repricer
from assay_server.keeping import Outgoing
from assay_server.ledger import Ledger
from assay_server.monitors import Incidents
from assay_server.providers import HttpUpstream, LocalLlm, Prices
from assay_server.providers.embeddings import LocalEmbeddings
from assay_server.query import (
    CostChanges,
    Costs,
    Dashboards,
    Exports,
    Figures,
    Graphs,
    Panels,
    People,
    Savings,
    Sql,
    Tail,
    TokenUse,
    ToldFigures,
    TracePairs,
    Views,
)
from assay_server.registry import OwnPrices, Providers, render
from assay_server.rollout import Canaries, Engine, LiveEvidence
from assay_server.store import DuckStore


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


@asynccontextmanager
async def house(config: Config) -> AsyncIterator[House]:
    """Everything, running. Raises AssayError with a fix where the data cannot be opened; then nothing was changed."""
    ground.make(config.data)
    async with AsyncExitStack() as stack:
        scrubber = Scrubber()
        site = await ground.site(config, scrubber, stack)
        prices = OwnPrices(site.ledger, site.audit, site.clock, Prices())
        await prices.load()
        accounts = Accounts(site.ledger, site.audit, site.clock)
        bootstrapped = await accounts.bootstrap(config.bootstrap_key)
        outgoing = Outgoing(config.data, site.ledger, site.audit, site.clock, bootstrapped.project)
        accounts.start()
        stack.push_async_callback(accounts.close)
        registry = parts.registry(site, partial(config.may_name, bootstrapped.project))
        salt = ground.salt(config.data / "salt")
        coming = await intake(site.ledger, site.store, site.audit, site.clock, stack)
        ingest = Ingest(site.store, scrubber, prices, salt=salt, admission=coming.doorkeeper)
        stack.push_async_callback(ingest.close)
        partial_spans = PartialSpans(site.ledger, ingest, scrubber, salt=salt, may=coming.quotas.check)
        partial_spans.start()
        stack.push_async_callback(partial_spans.close)
        repricer = Repricer(site.store, prices)
        repricer.start()
        stack.push_async_callback(repricer.close)
        gateway = _gateway(registry, ingest, site, prices)
        stack.push_async_callback(gateway.close)
        reads = parts.reads(site.store)
        judgement = await judging(config, site, registry, reads, ingest, gateway, outgoing, stack)
        told = watching(site, accounts, bootstrapped.project, config.url, outgoing.may_leave, stack)
        coming.tell(told.incidents, stack)
        flag_loops(ingest, stack)
        flag_answers(ingest, coming.flags, judgement.catalogue, stack)
        canaries = _canaries(site, registry, reads, told.incidents, ingest, stack)
        if config.local_llm:
            await stack.enter_async_context(_local_llm(registry.providers, gateway, bootstrapped.project))
        tail = Tail()
        ingest.listen(tail.heard)
        stack.callback(tail.close)
        sql, panels = _shown(site, stack)
        media = MediaShelf(
            site.ledger, config.data / "media", site.scrub, site.clock, config.media_max_bytes,
            may=coming.quotas.check, counted=coming.doorkeeper.took,
        )  # fmt: skip
        figures = ToldFigures(Figures(site.store), site.ledger, site.clock)
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
            audit=site.audit,
            idempotency=Idempotency(site.ledger, site.clock),
            ingest=ingest,
            partial_spans=partial_spans,
            experiments=Experiments(site.ledger, site.scrub, site.clock),
            media=media,
            media_tickets=MediaTickets(salt, site.clock),
            traces=reads.traces,
            graphs=Graphs(site.store),
            trace_pairs=TracePairs(site.store, reads.traces),
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
            costs=Costs(site.store),
            cost_changes=CostChanges(site.store, prices),
            savings=Savings(site.store, prices),
            token_use=TokenUse(site.store),
            sql=sql,
            figures=figures,
            tail=tail,
            views=Views(site.ledger, site.audit, site.clock),
            dashboards=Dashboards(site.ledger, site.audit, site.clock),
            panels=panels,
            exports=Exports(reads.traces, reads.scores),
            people=People(site.store, reads.traces),
            keeping=await keeping(
                config, site, bootstrapped.project, ingest.pseudonym, media, figures, outgoing, stack
            ),
            public_url=config.url,
            grpc_port=GrpcPort(config.grpc_port),
        )
        yield House(services, bootstrapped, site.ledger, site.store)


def _gateway(registry: Registry, ingest: Ingest, site: Site, prices: OwnPrices) -> Gateway:
    return Gateway(
        providers=registry.providers,
        releases=registry.releases,
        channels=registry.channels,
        upstream=HttpUpstream(),
        sink=ingest,
        scrub=site.scrub,
        render=render,
        prices=prices,
    )


def _shown(site: Site, stack: AsyncExitStack) -> tuple[Sql, Panels]:
    sql = Sql(site.store)
    panels = Panels(site.store, sql, LocalEmbeddings.where_installed())
    for each in (sql, panels):
        stack.push_async_callback(each.close)
    return sql, panels


def _canaries(
    site: Site, registry: Registry, reads: Reads, incidents: Incidents, ingest: Ingest, stack: AsyncExitStack
) -> Canaries:
    evidence = LiveEvidence(reads.comparisons)
    canaries = Canaries(
        site.ledger,
        registry.channels,
        registry.releases,
        evidence,
        incidents.open,
        site.clock,
        site.scrub,
    )
    engine = Engine(canaries)
    ingest.listen(engine.heard)
    engine.start()
    stack.push_async_callback(engine.close)
    return canaries


@asynccontextmanager
async def _local_llm(providers: Providers, gateway: Gateway, project: str) -> AsyncIterator[None]:
    """The small LLM in a process of its own, reachable as the provider `local`."""
    llm = LocalLlm()
    await llm.start()
    try:
        await providers.put(project, "assay", "local", base_url=llm.base_url)
        # Its server answers under any name: the figures would be another model's.
        gateway.only(llm.base_url, llm.models)
        yield
    finally:
        await llm.stop()
