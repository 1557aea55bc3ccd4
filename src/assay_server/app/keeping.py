"""Wires what keeps house: retention, deletions, backups, compaction."""

from contextlib import AsyncExitStack

from assay_server.core.clock import Clock
from assay_server.governance import Audit
from assay_server.ingest import Labels, aliases
from assay_server.keeping import Keeper, Keeping, Passes, Retention
from assay_server.ledger import Ledger
from assay_server.store import Store


def keeping(ledger: Ledger, store: Store, audit: Audit, clock: Clock, stack: AsyncExitStack) -> Keeping:
    """Everything running, where the last end left it."""
    retention = Retention(ledger, audit, clock)
    passes = Passes(store, retention, Labels(aliases()).is_label)
    keeper = Keeper([passes.work])
    keeper.start()
    stack.push_async_callback(keeper.close)
    return Keeping(retention, passes, keeper, clock)
