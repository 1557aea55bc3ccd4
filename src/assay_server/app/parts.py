"""Rooms that several others are wired to: the registry, and what reads facts."""

from collections.abc import Callable
from dataclasses import dataclass

from assay_server.app.ground import Site
from assay_server.query import Comparisons, RunItems, Scores, Traces
from assay_server.registry import Channels, Datasets, Prompts, Providers, Releases, RetrievalConfigs, Verdicts
from assay_server.store import Store


@dataclass(slots=True, frozen=True)
class Registry:
    prompts: Prompts
    retrieval_configs: RetrievalConfigs
    datasets: Datasets
    releases: Releases
    verdicts: Verdicts
    channels: Channels
    providers: Providers


@dataclass(slots=True, frozen=True)
class Reads:
    traces: Traces
    scores: Scores
    run_items: RunItems
    comparisons: Comparisons


def registry(site: Site, may_name: Callable[[str, str], bool]) -> Registry:
    common = (site.ledger, site.audit, site.clock)
    return Registry(
        prompts=Prompts(*common),
        retrieval_configs=RetrievalConfigs(*common),
        datasets=Datasets(*common, site.scrub),
        releases=Releases(*common),
        verdicts=Verdicts(*common),
        channels=Channels(*common, site.scrub),
        providers=Providers(*common, may_name),
    )


def reads(store: Store) -> Reads:
    return Reads(Traces(store), Scores(store), RunItems(store), Comparisons(store))
