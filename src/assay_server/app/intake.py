"""Wires what stands at the door: quotas, sampling, and the decisions over traces whose content waits."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from assay_server.core.clock import Clock
from assay_server.governance import Audit, Counts, Flags, Quotas, Sampling
from assay_server.ingest import Decider, Doorkeeper, Labels, LogFates, Preview, aliases
from assay_server.keeping import remains_of_log_record
from assay_server.ledger import Ledger
from assay_server.monitors import Incidents
from assay_server.store import Store


@dataclass(slots=True, frozen=True)
class Intake:
    """What a project lets in, and how much came."""

    counts: Counts
    quotas: Quotas
    sampling: Sampling
    flags: Flags
    preview: Preview
    decider: Decider
    doorkeeper: Doorkeeper

    def tell(self, incidents: Incidents, stack: AsyncExitStack) -> None:
        """From now on people hear of quotas that are nearly or wholly used up."""
        watch = self.quotas.watched(incidents.open, incidents.resolve, incidents.unresolved)
        watch.start()
        stack.push_async_callback(watch.close)


async def intake(ledger: Ledger, store: Store, audit: Audit, clock: Clock, stack: AsyncExitStack) -> Intake:
    """Everything running, where the last end left it."""
    counts = Counts(ledger, clock)
    quotas = Quotas(ledger, audit, clock, counts)
    sampling = Sampling(ledger, audit, clock)
    flags = Flags(ledger, audit, clock, counts)
    for each in (counts, quotas, sampling, flags):
        await each.load()
    records = LogFates(store, sampling, clock, partial(remains_of_log_record, is_label=Labels(aliases()).is_label))
    decider = Decider(store, sampling, counts, clock, records.touched)
    for running in (counts, decider, records):
        running.start()
        stack.push_async_callback(running.close)
    doorkeeper = Doorkeeper(quotas, counts, sampling, decider.held, records)
    return Intake(counts, quotas, sampling, flags, Preview(store, clock), decider, doorkeeper)
