"""Wires what watches and tells: incidents, monitors, the outbox and its courier."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from assay_server.app.ground import Site
from assay_server.checks import Catalogue
from assay_server.core.beat import Beat
from assay_server.core.ports import MayLeave
from assay_server.governance import Accounts, Flags
from assay_server.ingest import FlagWatch, Ingest, LoopWatch
from assay_server.monitors import Announcer, Incidents, Monitors
from assay_server.notify import AppriseSender, Courier, NotificationChannels, Outbox, Silences
from assay_server.query import Windows


@dataclass(slots=True, frozen=True)
class Watching:
    incidents: Incidents
    monitors: Monitors
    outbox: Outbox
    channels: NotificationChannels
    silences: Silences


def watching(
    site: Site, accounts: Accounts, home: str, public_url: str, may_leave: MayLeave, stack: AsyncExitStack
) -> Watching:
    """Everything running. `home` is the project from which all others are seen."""
    sender = AppriseSender()
    stack.push_async_callback(sender.close)
    outbox = Outbox(site.ledger, site.clock)
    announcer = Announcer(outbox, public_url)
    incidents = Incidents(site.ledger, site.audit, site.clock, site.scrub, announcer)

    async def projects() -> list[str]:
        return [str(project["id"]) for project in await accounts.projects(home)]

    monitors = Monitors(site.ledger, Windows(site.store), incidents, site.audit, site.clock, projects)
    courier = Courier(site.ledger, sender, site.clock, may_leave=may_leave)
    watch = Beat("monitors", monitors.tick, every_s=1, rest=3)
    for each in (courier, watch):
        each.start()
        stack.push_async_callback(each.close)
    return Watching(
        incidents,
        monitors,
        outbox,
        NotificationChannels(site.ledger, site.audit, site.clock, sender),
        Silences(site.ledger, site.audit, site.clock, site.scrub),
    )


def flag_loops(ingest: Ingest, stack: AsyncExitStack) -> None:
    """Scores traces in which tools are called in circles."""
    loops = LoopWatch(ingest)
    ingest.listen(loops.heard)
    stack.push_async_callback(loops.close)


def flag_answers(ingest: Ingest, flags: Flags, checks: Catalogue, stack: AsyncExitStack) -> None:
    """Has the checks that a project asks for look at its model calls."""
    watch = FlagWatch(ingest, flags, checks.get)
    watch.start()
    ingest.listen(watch.heard)
    stack.push_async_callback(watch.close)
