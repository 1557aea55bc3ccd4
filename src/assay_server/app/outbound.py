"""Wires what leaves on its own."""

import os
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

from assay_server.app.config import Config
from assay_server.app.ground import Site
from assay_server.core.ports import MayLeave
from assay_server.ingest import Ingest
from assay_server.keeping import Retention
from assay_server.outbound import Downloads, Forwards, ScheduledExports
from assay_server.providers import HttpUpstream
from assay_server.query import Exports, Stored


@dataclass(slots=True, frozen=True)
class Outbound:
    """Everything running."""

    exports: ScheduledExports
    forwards: Forwards
    downloads: Downloads


def outbound(
    config: Config,
    site: Site,
    home: str,
    exports: Exports,
    ingest: Ingest,
    salt: bytes,
    may_leave: MayLeave,
    stack: AsyncExitStack,
) -> Outbound:
    """`home`: the first project, whose admins are the operators. `salt` tells this installation from others."""
    may_name = partial(config.may_name, home)
    if config.export_dir is not None:
        with suppress(OSError):  # told where something is to be written
            config.export_dir.mkdir(parents=True, exist_ok=True)
    scheduled = ScheduledExports(
        site.ledger,
        site.store,
        exports,
        site.audit,
        site.clock,
        folder=config.export_dir,
        spool=config.data / "outbound",
        may_name=may_name,
        environment=os.environ,
        may_leave=may_leave,
        whole_since=Retention(site.ledger, site.audit, site.clock).whole_since_ns,
    )
    forwards = Forwards(
        site.ledger,
        Stored(site.store),
        HttpUpstream(),
        site.audit,
        site.clock,
        server=blake2b(salt, digest_size=8, person=b"forward").hexdigest(),
        may_name=may_name,
        environment=os.environ,
        may_leave=may_leave,
    )
    ingest.listen(forwards.heard)
    for each in (scheduled, forwards):
        each.start()
        stack.push_async_callback(each.close)
    return Outbound(scheduled, forwards, Downloads(site.ledger, site.audit))
