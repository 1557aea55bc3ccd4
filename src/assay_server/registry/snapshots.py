"""What is live on each channel, in memory: the gateway asks on every call.

A snapshot is good for a second, and forgotten at once when this process changes the channel; other processes
see a change within that second. When the ledger cannot be reached, the last good one goes on being served.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from assay_server.core.errors import NotFound, RetryableError
from assay_server.ledger import Ledger, tables
from assay_server.registry.documents import contents

_channels = tables.registry.channels
_releases = tables.registry.releases
_projects = tables.accounts.projects

_FRESH_S = 1.0
_OLD = float("-inf")


@dataclass(slots=True, frozen=True)
class Snapshot:
    """A channel at one moment. `share` is in percent."""

    channel: str
    revision: int
    salt: str
    release: Mapping[str, Any] | None
    canary: str | None
    candidate: Mapping[str, Any] | None
    share: float
    read_s: float


class Snapshots:
    """Snapshots by (project, channel)."""

    def __init__(self, ledger: Ledger, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._monotonic = monotonic
        self._known: dict[tuple[str, str], Snapshot] = {}
        self._reading: dict[tuple[str, str], asyncio.Lock] = {}
        self._changes = 0

    async def get(self, project: str, channel: str) -> Snapshot:
        """At most a second old. Raises NotFound for an unknown channel."""
        key = (project, channel)
        known = self._known.get(key)
        if known is not None and self._is_fresh(known):
            return known
        async with self._reading.setdefault(key, asyncio.Lock()):
            known = self._known.get(key)
            if known is not None and self._is_fresh(known):
                return known  # somebody read it while we waited
            return await self._read(project, channel, known)

    def forget(self, project: str, channel: str) -> None:
        """After a change here: whoever asks next is told the new state."""
        self._changes += 1
        known = self._known.get((project, channel))
        if known is not None:
            self._known[project, channel] = replace(known, read_s=_OLD)

    async def _read(self, project: str, channel: str, known: Snapshot | None) -> Snapshot:
        now, changes = self._monotonic(), self._changes
        try:
            found = await self._ledger.read(lambda c: _snapshot(c, project, channel, known, now))
        except RetryableError:
            if known is None:
                raise
            return known
        except NotFound:
            self._known.pop((project, channel), None)
            self._reading.pop((project, channel), None)
            raise
        # A change that fell into the reading may not be in it: whoever asks next reads again.
        self._known[project, channel] = found if changes == self._changes else replace(found, read_s=_OLD)
        return found

    def _is_fresh(self, snapshot: Snapshot) -> bool:
        return self._monotonic() - snapshot.read_s < _FRESH_S


def _snapshot(connection: Connection, project: str, channel: str, known: Snapshot | None, now: float) -> Snapshot:
    query = select(_channels, _projects.c.salt).join(_projects, _projects.c.id == _channels.c.project)
    row = connection.execute(query.where(_channels.c.project == project, _channels.c.name == channel)).one_or_none()
    if row is None:
        raise unknown_channel(channel)
    if known is not None and known.revision == row.revision:
        return replace(known, read_s=now)
    wanted = [each for each in (row.release, row.candidate) if each is not None]
    releases = connection.execute(select(_releases).where(_releases.c.project == project, _releases.c.id.in_(wanted)))
    found = {content["id"]: content for content in contents(connection, project, releases.all())}
    return Snapshot(
        channel=channel,
        revision=row.revision,
        salt=row.salt,
        release=found.get(row.release),
        canary=row.canary,
        candidate=found.get(row.candidate),
        share=row.share or 0.0,
        read_s=now,
    )


def unknown_channel(channel: str) -> NotFound:
    return NotFound(
        f"There is no channel '{channel}' in this project.",
        field="channel",
        value=channel,
        fix=f"create it: assay channel create {channel}, or promote a first release to production or staging",
    )
