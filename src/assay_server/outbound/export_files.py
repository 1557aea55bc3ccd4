"""The files of scheduled exports: one export's windows after the other, and when one that failed is tried again."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from assay_server.core.clock import Clock
from assay_server.core.errors import AssayError
from assay_server.ledger import Ledger
from assay_server.outbound import export_rows as rows
from assay_server.outbound.definition import Bucket, Definition, Folder
from assay_server.outbound.export_rows import Export
from assay_server.outbound.late import seen
from assay_server.outbound.targets import Target, target_of
from assay_server.outbound.windows import file_of
from assay_server.query import Exports
from assay_server.store import Store

_log = logging.getLogger(__name__)

_S = 1_000_000_000
_FIRST_NS, LONGEST_NS = 60 * _S, 3600 * _S
_GIVE_UP = 28  # tries: about a day
_AT_ONCE = 2  # exports to folders, and as many to S3: its library keeps a thread waiting for minutes
_ANOTHERS = (
    "There is a file of this window already that this server did not write, and it may have more: it stays."
    " 'assay exports run' takes its place."
)


class Files:
    """Writes what is asked for."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        exports: Exports,
        clock: Clock,
        *,
        folder: Path | None,
        spool: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._exports = exports
        self._clock = clock
        self._folder = folder
        self._spool = spool
        self._environment = environment
        self._turns = {kind: asyncio.Semaphore(_AT_ONCE) for kind in (Folder, Bucket)}

    async def write(self, export: Export, runs: Sequence[Row[Any]]) -> int:
        """How many files. After one that has to wait the others do: it was most likely the target."""
        written = 0
        async with self._turns[type(export.definition.target)]:
            for run in runs:
                if not await self._is_as_it_was(export):
                    break
                done = await self._write(export, run)
                if done is None:
                    break
                written += done
        return written

    async def _is_as_it_was(self, export: Export) -> bool:
        """Nobody has changed or ended it since."""
        known = await self._ledger.read(lambda connection: rows.find(connection, export.project, export.id))
        return known is not None and known.definition == export.definition

    async def _write(self, export: Export, run: Row[Any]) -> bool | None:
        """Whether there is a file; None where it is tried again later."""
        began = self._clock.now_ns()
        attempts = run.attempts + 1
        try:
            if run.began_ns is None and await self._is_anothers(export, run):
                await self._note(run, status="failed", began_ns=began, done_ns=began, error=_ANOTHERS)
                return False
        except (AssayError, OSError) as error:
            await self._failed(run, attempts, str(error))
            return None
        newest = await seen(self._store, export)
        await self._note(run, status="running", attempts=attempts, began_ns=began, seen_ns=newest, error=None)
        try:
            file, size, count = await self._file(export, run)
        except Exception as error:  # noqa: BLE001 (whatever it is, the history must tell it)
            if not isinstance(error, AssayError):
                _log.exception("export %s could not be written", export.id)
            await self._failed(run, attempts, str(error))
            return None
        done = {"rows": count, "bytes": size, "file": file, "done_ns": self._clock.now_ns()}
        await self._note(run, status="done", **done)
        return True

    async def _is_anothers(self, export: Export, run: Row[Any]) -> bool:
        """Whether a file is there that this ledger knows nothing of: of a window that was written after the backup from
        which it was restored, it has what is not here any more."""
        return await self.target(export.project, export.definition).holds(_name(export, run))

    def target(self, project: str, definition: Definition) -> Target:
        """Raises InvalidInput, Unavailable."""
        return target_of(definition.target, project, self._folder, self._environment, self._spool)

    async def _file(self, export: Export, run: Row[Any]) -> tuple[str, int, int]:
        definition = export.definition
        counted: list[int] = []
        narrow = definition.narrow(run.start_ns, run.end_ns)
        parts = self._exports.stream(export.project, narrow, definition.format, counted.append)
        file, size = await self.target(export.project, export.definition).write(_name(export, run), parts)
        return file, size, sum(counted)

    async def _failed(self, run: Row[Any], attempts: int, error: str) -> None:
        now = self._clock.now_ns()
        if attempts >= _GIVE_UP:
            await self._note(run, status="failed", attempts=attempts, error=error, done_ns=now)
            return
        pause = min(LONGEST_NS, _FIRST_NS * 2 ** min(attempts - 1, 10))
        await self._note(run, status="waiting", attempts=attempts, error=error, next_ns=now + pause)

    async def _note(self, run: Row[Any], **values: Any) -> None:
        await self._ledger.write(lambda connection: rows.note(connection, run, **values))


def _name(export: Export, run: Row[Any]) -> str:
    definition = export.definition
    return file_of(definition.what, definition.every, definition.format, run.start_ns)
