"""After a restore nothing leaves by itself until somebody says so: the server that was backed up may still be running,
and would tell, forward and export the same.

That it is held stands in the data directory, beside the facts: `assay restore` writes it there, whichever database
holds the decisions. A file that cannot be read holds as well.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.files import sync_folder
from assay_server.governance import Audit
from assay_server.ledger import Ledger, tables

_messages = tables.monitors.notifications

MARK = "restored.json"
"""Of this data directory alone: no part of a backup."""
_TOLD = ("backup", "made_at", "restored_at")


def hold(data: Path, manifest: Mapping[str, Any], backup: str, now_ns: int) -> None:
    """The server that is started on `data` holds what would leave."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Jobs would go on as soon as the first new one is started; the runs they belong to stand in the ledger.
    (data / "jobs.sqlite").unlink(missing_ok=True)
    told = {"backup": backup, "made_at": manifest["made_at"], "restored_at": rfc3339(now_ns)}
    with (data / MARK).open("w") as writing:
        writing.write(json.dumps(told))
        writing.flush()
        os.fsync(writing.fileno())


def held_in(data: Path) -> dict[str, Any] | None:
    """Of which backup, and when it was restored, where that holds; None where things may leave."""
    try:
        told = json.loads((data / MARK).read_text())
        return {name: str(told[name]) for name in _TOLD}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return dict.fromkeys(_TOLD)


class Outgoing:
    """Whether messages, forwards, scheduled exports and runs that were under way may go on."""

    def __init__(self, data: Path, ledger: Ledger, audit: Audit, clock: Clock, home: str) -> None:
        self._data = data
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._home = home
        self._held = held_in(data)
        self._started = asyncio.Event()
        if self._held is None:
            self._started.set()

    @property
    def held(self) -> dict[str, Any] | None:
        """`{"backup", "made_at", "restored_at"}`, or None."""
        return self._held

    def may_leave(self) -> bool:
        return self._held is None

    async def started(self) -> None:
        """Returns when things may leave: at once, as a rule."""
        await self._started.wait()

    async def state(self) -> dict[str, Any]:
        """`messages`: how many wait, of all projects."""
        waiting = select(func.count()).select_from(_messages).where(_messages.c.status == "waiting")
        messages = await self._ledger.read(lambda connection: connection.execute(waiting).scalar_one())
        return {"held": self._held, "messages": messages}

    async def start(self, actor: str, reason: str | None = None) -> dict[str, Any]:
        """From now on. Told in the audit log of the first project; where nothing is held, nothing changes."""
        held = self._held
        if held is not None:
            await self._ledger.write(lambda connection: self._tell(connection, actor, reason, held))
            await asyncio.to_thread(_forget, self._data)
            self._held = None
            self._started.set()
        return await self.state()

    def _tell(self, connection: Connection, actor: str, reason: str | None, held: Mapping[str, Any]) -> None:
        self._audit.append(
            connection,
            project=self._home,
            actor=actor,
            action="outgoing.start",
            subject="server",
            reason=reason,
            before=dict(held),
        )


def _forget(data: Path) -> None:
    (data / MARK).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not every file system can
        sync_folder(data)
