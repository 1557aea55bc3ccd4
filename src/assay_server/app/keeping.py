"""Wires what keeps house: retention, deletions, compaction, backups."""

from contextlib import AsyncExitStack

from assay_server import __version__
from assay_server.app.config import Config
from assay_server.app.elsewhere import PeopleElsewhere
from assay_server.app.ground import Site
from assay_server.core.beat import Beat
from assay_server.ingest import Labels, MediaShelf, aliases
from assay_server.keeping import (
    Backups,
    Compactions,
    Deletions,
    DeletionWork,
    Keeping,
    Outgoing,
    Passes,
    Places,
    Retention,
    ScoresTakenBack,
    Sites,
)
from assay_server.keeping.counters import Counters
from assay_server.keeping.deletions import Pseudonym


async def keeping(
    config: Config,
    site: Site,
    home: str,
    pseudonym: Pseudonym,
    media: MediaShelf,
    counters: Counters,
    outgoing: Outgoing,
    stack: AsyncExitStack,
) -> Keeping:
    """Everything running, where the last end left it. `home` is the first project."""
    ledger, store, audit, clock = site.ledger, site.store, site.audit, site.clock
    retention = Retention(ledger, audit, clock)
    passes = Passes(store, retention, Labels(aliases()).is_label, media, counters)
    compactions = Compactions(ledger, store, audit, clock, home)
    await compactions.end_left()
    places = Places(config.data, config.backups_folder, config.backup_days, __version__)
    backups = Backups(ledger, store, audit, clock, home, places)
    sites = Sites(store, PeopleElsewhere(ledger, media, clock), backups.copies, pseudonym, counters)
    deletions = Deletions(ledger, audit, clock, sites)
    deleting = DeletionWork(ledger, audit, clock, sites, compactions)
    # What somebody waits for goes on at once. A deletion takes minutes, as everything is indexed anew: no backup waits.
    keepers = (
        Beat("housekeeping", deleting.work, passes.work, compactions.work, every_s=5, rest=0),
        Beat("backups", backups.work, every_s=5, rest=0),
    )
    for keeper in keepers:
        keeper.start()
        stack.push_async_callback(keeper.close)
    scores = ScoresTakenBack(store, ledger, audit, counters)
    return Keeping(home, retention, passes, deletions, scores, backups, outgoing, compactions, keepers, clock)
