"""Files on a schedule: defined by people, one file a window, caught up after an outage, written anew for late facts.

The schedule is the ledger's rows: `next_ns` says which window is next, and each window has a run. A window that was
missed is written at the next start; one that failed is tried again after 1, 2, 4 … minutes, an hour at most, for a
day. Facts that came (or got their content) after their window was written make it be written again, for a week back.
A file's name follows from its window, so whatever is written twice is there once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from assay_server.core.beat import Beat
from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import Conflict, Forbidden, InvalidInput
from assay_server.core.ids import new_id
from assay_server.core.known import refuse_unknown_values
from assay_server.core.own_ways import OwnWays
from assay_server.core.ports import MayLeave, always
from assay_server.core.seen import refuse_unseen
from assay_server.governance import Audit
from assay_server.ledger import Ledger, without_values
from assay_server.outbound import export_rows as rows
from assay_server.outbound.definition import Bucket, Definition, parse, to_json
from assay_server.outbound.export_files import LONGEST_NS, Files
from assay_server.outbound.export_rows import Export
from assay_server.outbound.late import late_windows
from assay_server.outbound.places import refuse_taken
from assay_server.outbound.set_back import begin_anew
from assay_server.outbound.shown import run_json, shown
from assay_server.outbound.windows import LENGTH_NS, SETTLE_NS, start_of
from assay_server.query import Exports, kept_by
from assay_server.store import Store

_log = logging.getLogger(__name__)

_S = 1_000_000_000
_MOST_AT_ONCE = 1000  # windows of one export that a look catches up with
_BEAT_S = 5.0
MayName = Callable[[str, str], bool]
"""(project, name of an environment variable) -> whether that project may have its value used."""

WholeSince = Callable[[str, str, str | None], Awaitable[int]]
"""(project, `spans` or `scores`, one environment or all) -> from when on retention took nothing of them away."""


class ScheduledExports:
    """The face: what people define and read, and `tick`, which writes what is due."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        exports: Exports,
        audit: Audit,
        clock: Clock,
        *,
        folder: Path | None,
        spool: Path,
        may_name: MayName,
        environment: Mapping[str, str],
        may_leave: MayLeave = always,
        whole_since: WholeSince,
    ) -> None:
        """`folder`: the export directory, None where the server has none. `spool`: for files on their way to S3."""
        self._ledger = ledger
        self._store = store
        self._audit = audit
        self._clock = clock
        self._may_name = may_name
        self._may_leave = may_leave
        self._whole_since = whole_since
        self._beat = Beat("scheduled exports", self.begin, every_s=_BEAT_S)
        self._files = Files(ledger, store, exports, clock, folder=folder, spool=spool, environment=environment)
        self._ways: OwnWays[int] = OwnWays()

    def start(self) -> None:
        self._beat.start()

    async def close(self) -> None:
        """A file that is being written is begun anew at the next start."""
        await self._beat.close()
        await self._ways.close()

    async def create(self, project: str, actor: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Its first file is that of the last whole window. Raises InvalidInput, Forbidden, Conflict."""
        definition = self._checked(project, given)

        def write(connection: Connection) -> dict[str, Any]:
            refuse_taken(connection, project, definition, None)
            now = self._clock.now_ns()
            export = Export(new_id("exp"), project, definition, start_of(definition.every, now), 1, now, actor)
            rows.insert(connection, export)
            self._record(connection, export, actor, "export.create", None, to_json(definition))
            return shown(connection, export)

        made = await self._ledger.write(write)
        self._beat.wake()
        return made

    async def replace(
        self, project: str, actor: str, ref: str, given: Mapping[str, Any], *, seen: str | None = None
    ) -> dict[str, Any]:
        """Holds from the next window on. `seen`: only in the place of this one.

        Raises InvalidInput, Forbidden, NotFound, Conflict.
        """
        definition = self._checked(project, given)

        def write(connection: Connection) -> dict[str, Any]:
            before = rows.fetch(connection, project, ref)
            refuse_unseen(to_json(before.definition), seen, "scheduled export")
            refuse_taken(connection, project, definition, before.id)
            same = definition.every == before.definition.every and before.definition.enabled
            following = before.next_ns if same else start_of(definition.every, self._clock.now_ns())
            rows.change(connection, before, definition, following)
            self._record(connection, before, actor, "export.change", to_json(before.definition), to_json(definition))
            return shown(connection, rows.fetch(connection, project, before.id))

        return await self._ledger.write(write)

    async def delete(self, project: str, actor: str, ref: str, *, seen: str | None = None) -> None:
        """With its history; the files stay. Raises NotFound, Conflict."""

        def write(connection: Connection) -> None:
            before = rows.fetch(connection, project, ref)
            refuse_unseen(to_json(before.definition), seen, "scheduled export")
            rows.remove(connection, before)
            self._record(connection, before, actor, "export.delete", to_json(before.definition), None)

        await self._ledger.write(write)

    async def get(self, project: str, ref: str) -> dict[str, Any]:
        """Raises NotFound."""
        return await self._ledger.read(lambda connection: shown(connection, rows.fetch(connection, project, ref)))

    async def list(self, project: str) -> Sequence[dict[str, Any]]:
        """By name."""
        return await self._ledger.read(
            lambda connection: [shown(connection, export) for export in rows.listed(connection, project)]
        )

    async def runs(
        self, project: str, ref: str, limit: int = 50, before_ns: int | None = None
    ) -> tuple[Sequence[dict[str, Any]], int, int | None]:
        """Newest window first, how many there are, and where the next page begins. Raises NotFound."""

        def read(connection: Connection) -> tuple[Sequence[dict[str, Any]], int, int | None]:
            export = rows.fetch(connection, project, ref)
            found, total = rows.runs(connection, export, limit + 1, before_ns)
            following = found[limit - 1].start_ns if len(found) > limit else None
            return [run_json(run) for run in found[:limit]], total, following

        return await self._ledger.read(read)

    async def run(self, project: str, actor: str, ref: str, moment_ns: int | None = None) -> dict[str, Any]:
        """Has the window that holds a moment written now, again where it was; by default the last whole one.

        Raises NotFound, InvalidInput for a window that is not over, and Conflict for one whose file would lose what
        retention took away since, and where nothing may leave yet.
        """
        if not self._may_leave():
            raise Conflict("Nothing leaves this server yet: it was restored from a backup.", fix="assay outgoing start")
        known = await self._ledger.read(lambda connection: rows.fetch(connection, project, ref))
        whole_ns = await self._whole_ns(known)

        def write(connection: Connection) -> dict[str, Any]:
            export = rows.fetch(connection, project, ref)
            now, every = self._clock.now_ns(), export.definition.every
            start = start_of(every, start_of(every, now) - 1 if moment_ns is None else moment_ns)
            if start + LENGTH_NS[every] > now:
                raise InvalidInput("This window is not over.", field="window_start", value=rfc3339(start))
            if start < whole_ns and any(run.start_ns == start for run in rows.done_since(connection, export, start)):
                raise Conflict(
                    "Retention took away facts of this window: the file that is there would lose them.",
                    field="window_start", value=rfc3339(start), fix="download what is left with 'assay export'",
                )  # fmt: skip
            rows.want(connection, export, start, start + LENGTH_NS[every], now)
            window = {"window_start": rfc3339(start), "window_end": rfc3339(start + LENGTH_NS[every])}
            self._record(connection, export, actor, "export.run", None, window)
            return window

        wanted = await self._ledger.write(write)
        self._beat.wake()
        return wanted

    async def tick(self) -> int:
        """Plans what is due and writes what waits; how many files were written."""
        return sum(await asyncio.gather(*(await self.begin())))

    async def begin(self) -> Sequence["asyncio.Task[int]"]:
        """The same, but each export goes its own way: one whose target hangs holds up no other."""
        if not self._may_leave():
            return []
        now = self._clock.now_ns()
        await begin_anew(self._ledger, now, LONGEST_NS)
        for export in await self._ledger.read(lambda connection: rows.due(connection, now - SETTLE_NS)):
            whole_ns = await self._whole_ns(export)
            found = await late_windows(self._ledger, self._store, self._clock, export)
            late = {start for start in found if start >= whole_ns}
            await self._ledger.write(partial(self._plan, export, late, now))
        waiting = await self._ledger.read(lambda connection: rows.waiting(connection, now))
        return self._ways.begin({export.id: partial(self._files.write, export, runs) for export, runs in waiting})

    async def _whole_ns(self, export: Export) -> int:
        """A window that begins before it and was written stays as it was: its file has what is gone here."""
        named = kept_by(export.definition.filter).get("environment", ())
        what = "scores" if export.definition.what == "scores" else "spans"
        return await self._whole_since(export.project, what, named[0] if len(named) == 1 else None)

    # --- writing ------------------------------------------------------------------------------------

    def _plan(self, export: Export, late: set[int], now_ns: int, connection: Connection) -> None:
        length = LENGTH_NS[export.definition.every]
        missed = (now_ns - SETTLE_NS - export.next_ns) // length + 1
        ends = [export.next_ns + n * length for n in range(min(missed, _MOST_AT_ONCE))]
        for end in ends:
            rows.want(connection, export, end - length, end, now_ns)
        for start in sorted(late):
            rows.want(connection, export, start, start + length, now_ns)
        rows.move(connection, export, ends[-1] + length)

    # --- defining -----------------------------------------------------------------------------------

    def _checked(self, project: str, given: Mapping[str, Any]) -> Definition:
        definition = parse(given)
        refuse_unknown_values(definition.filter)
        self._files.target(project, definition)
        if isinstance(definition.target, Bucket):
            for where, name in (("key_env", definition.target.key_env), ("secret_env", definition.target.secret_env)):
                if not self._may_name(project, name):
                    raise Forbidden(
                        f"This project may not use the variable {name}.", field=f"target.{where}", value=name,
                        fix="have the operator name it in ASSAY_PROVIDER_KEYS",
                    )  # fmt: skip
        return definition

    def _record(self, connection: Connection, export: Export, actor: str, action: str, before: Any, after: Any) -> None:
        self._audit.append(
            connection,
            project=export.project,
            actor=actor,
            action=action,
            subject=export.id,
            before=without_values(connection, export.project, before),
            after=without_values(connection, export.project, after),
        )
