"""Wires what leaves on its own."""

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from assay_server.app.config import Config
from assay_server.app.watching import Site
from assay_server.outbound import ScheduledExports
from assay_server.query import Exports


@dataclass(slots=True, frozen=True)
class Outbound:
    """Everything running."""

    exports: ScheduledExports


def outbound(config: Config, site: Site, home: str, exports: Exports, stack: AsyncExitStack) -> Outbound:
    """`home`: the first project, whose admins are the operators."""
    scheduled = ScheduledExports(
        site.ledger,
        site.store,
        exports,
        site.audit,
        site.clock,
        folder=config.export_dir,
        spool=config.data / "outbound",
        may_name=partial(config.may_name, home),
        environment=os.environ,
    )
    scheduled.start()
    stack.push_async_callback(scheduled.close)
    return Outbound(scheduled)
