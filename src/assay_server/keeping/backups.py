"""Backups of everything, made while the server runs: nothing waits for them.

The ledger is copied first and the facts after it, so whatever a decision speaks of is there, and pieces of spans that
became facts in between are merely known twice. A backup is written beside its place and renamed at the end: what
stands under its name is whole.
"""

import asyncio
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from assay_server.core.clock import DAY_NS, Clock, rfc3339
from assay_server.core.errors import AssayError, Conflict, NotFound, Unavailable
from assay_server.core.ids import new_id
from assay_server.governance import Audit
from assay_server.keeping.backup_files import describe, facts_of, with_size, written
from assay_server.keeping.outgoing import MARK
from assay_server.keeping.restore import forget_trials, verify
from assay_server.ledger import REVISIONS, Ledger, copy_sqlite, tables
from assay_server.store import SCHEMA, Store

_rows = tables.keeping.backups
_heads = tables.accounts.audit_heads

_GRACE_NS = 3_600_000_000_000
_OWN = ("facts", "ledger.sqlite", "ledger.dump", "jobs.sqlite", "backups", MARK)  # a restored dump is not the next one


@dataclass(slots=True, frozen=True)
class Places:
    """`root` holds the backups. `days`: how long each is kept; None: until somebody removes it."""

    data: Path
    root: Path
    days: int | None
    version: str


class Backups:
    """Asked for over the API, made by the keeper. All of them are the first project's, whose admins run the server."""

    def __init__(self, ledger: Ledger, store: Store, audit: Audit, clock: Clock, home: str, places: Places) -> None:
        self._ledger = ledger
        self._store = store
        self._audit = audit
        self._clock = clock
        self._home = home
        self._places = places
        self._verifying: set[str] = set()
        self._tidied = False
        self._looked_ns: int | None = None
        self._removes_from_ns = 0

    async def ask(self, actor: str, reason: str | None = None) -> dict[str, Any]:
        """One that will be made now. Raises Conflict while another is being made."""

        def write(connection: Connection) -> dict[str, Any]:
            busy = connection.execute(select(_rows.c.id).where(_rows.c.status == "running")).scalar()
            if busy is not None:
                raise Conflict("A backup is being made.", field="backup", value=busy, fix="wait until it is done")
            now, id_ = self._clock.now_ns(), new_id("bak")
            name = datetime.fromtimestamp(now // 1_000_000_000, UTC).strftime("assay-%Y%m%dT%H%M%SZ")
            path = str(self._places.root / f"{name}-{id_[-6:]}")
            expires = None if self._places.days is None else now + self._places.days * DAY_NS
            made = {"status": "running", "path": path, "made_ns": now, "made_by": actor, "expires_ns": expires}
            connection.execute(_rows.insert().values(id=id_, project=self._home, **made))
            self._audit.append(
                connection, project=self._home, actor=actor, action="backup.ask", subject=id_, reason=reason
            )
            return backup_json(_get(connection, self._home, id_))

        return await self._ledger.write(write)

    async def verify(self, actor: str, backup: str) -> dict[str, Any]:
        """It will be looked at now. Raises NotFound, and Conflict for one that is not done."""

        def write(connection: Connection) -> dict[str, Any]:
            row = _get(connection, self._home, backup)
            if row.status != "done":
                raise Conflict("The backup is not done.", field="status", value=row.status, fix="make another")
            self._audit.append(connection, project=self._home, actor=actor, action="backup.verify", subject=backup)
            return backup_json(row)

        told = await self._ledger.write(write)
        self._verifying.add(backup)
        return told

    async def get(self, backup: str) -> dict[str, Any]:
        """Raises NotFound."""
        return await self._ledger.read(lambda connection: backup_json(_get(connection, self._home, backup)))

    async def list(
        self, *, limit: int = 50, after: str | None = None
    ) -> tuple[Sequence[dict[str, Any]], int, str | None]:
        """Newest first, how many there are, and the id after which the next page begins."""

        def read(connection: Connection) -> tuple[Sequence[dict[str, Any]], int, str | None]:
            total = connection.execute(select(func.count()).where(_rows.c.project == self._home)).scalar_one()
            query = select(_rows).where(_rows.c.project == self._home).order_by(_rows.c.id.desc()).limit(limit + 1)
            rows = connection.execute(query if after is None else query.where(_rows.c.id < after)).all()
            following = rows[limit - 1].id if len(rows) > limit else None
            return [backup_json(row) for row in rows[:limit]], total, following

        return await self._ledger.read(read)

    async def copies(self) -> Sequence[dict[str, Any]]:
        """Backups that exist, or will: `[{"backup", "made_at", "expires_at", "where"}]`.

        One that is being made may have been begun before whatever is asked about was deleted.
        """
        there = select(_rows).where(_rows.c.status.in_(("done", "running"))).order_by(_rows.c.id)
        rows = await self._ledger.read(lambda connection: connection.execute(there).all())
        return [
            {
                "backup": row.id,
                "made_at": rfc3339(row.made_ns),
                "expires_at": None if row.expires_ns is None else rfc3339(row.expires_ns),
                "where": row.path,
            }
            for row in rows
        ]

    async def delete(self, actor: str, backup: str) -> None:
        """With its files. Raises NotFound, Conflict while it is being made."""
        row = await self._ledger.read(lambda connection: _get(connection, self._home, backup))
        if row.status == "running":
            raise Conflict("The backup is being made.", field="status", value=row.status, fix="wait until it is done")
        await self._remove(row, actor)

    async def work(self) -> None:
        """Makes the backup that was asked for, verifies, and removes those whose time is over."""
        if not self._tidied:
            self._tidied = True
            await asyncio.to_thread(forget_trials, self._places.root)
        for row in await self._in_state("running"):
            await self._make(row)
        while self._verifying:
            await self._verify(self._verifying.pop())
        now = self._clock.now_ns()
        if self._may_be_wrong(now):
            return
        for row in await self._in_state("done"):
            if row.expires_ns is not None and row.expires_ns <= now:
                await self._remove(row, "assay:backup")

    def _may_be_wrong(self, now_ns: int) -> bool:
        """For an hour after a start and after a leap of the clock: what a wrong clock removed, nobody brings back."""
        looked, self._looked_ns = self._looked_ns, now_ns
        if looked is None or not 0 <= now_ns - looked < DAY_NS:
            self._removes_from_ns = now_ns + _GRACE_NS
        return now_ns < self._removes_from_ns

    async def _make(self, row: Row[Any]) -> None:
        """One that a kill left behind begins anew; one that stands there was whole before the kill."""
        began, path = time.perf_counter(), Path(row.path)
        part = path.with_name(path.name + ".part")
        try:
            found = await asyncio.to_thread(written, path)
            if found is not None:
                await self._set(row.id, status="done", manifest=with_size(found))
                return
            await asyncio.to_thread(_fresh, part)
            manifest = await self._write(part)
            await asyncio.to_thread(part.rename, path)
        except (AssayError, OSError) as error:
            await asyncio.to_thread(shutil.rmtree, part, True)
            why = (
                error if isinstance(error, AssayError) else Unavailable(f"The disk refuses: {error.strerror or error}.")
            )
            await self._set(row.id, status="failed", error=str(why))
            return
        await self._set(row.id, status="done", took_s=time.perf_counter() - began, manifest=with_size(manifest))

    async def _write(self, part: Path) -> dict[str, Any]:
        begun = rfc3339(self._clock.now_ns())
        heads = await self._ledger.read(
            lambda connection: [dict(row._mapping) for row in connection.execute(select(_heads))]
        )
        ledger = await self._copy_ledger(part)
        await asyncio.to_thread(_copy_rest, self._places.data, part, self._places.root)
        rows = await self._store.copy(part / "facts")
        told = {
            "version": self._places.version,
            "made_at": begun,
            "schema": {"facts": SCHEMA, "ledger": REVISIONS[-1]},
            "rows": rows,
            "audit": heads,
            "ledger": ledger,
        }
        return await asyncio.to_thread(describe, part, told)

    async def _copy_ledger(self, part: Path) -> str:
        """The name of the file. Raises Unavailable where PostgreSQL cannot be dumped: half a backup is none."""
        name = "ledger.sqlite" if self._ledger.is_file else "ledger.dump"
        if not await self._ledger.copy(part / name):
            raise Unavailable(
                "The decisions are in PostgreSQL, and there is no pg_dump.",
                field="ledger_url",
                fix="install PostgreSQL's client programs on this machine",
            )
        return name

    async def _verify(self, backup: str) -> None:
        row = await self._ledger.read(lambda connection: _get(connection, self._home, backup))
        try:
            await verify(Path(row.path))
        except AssayError as error:
            await self._set(backup, error=str(error), verified_ns=None)
        else:
            await self._set(backup, error=None, verified_ns=self._clock.now_ns())

    async def _remove(self, row: Row[Any], actor: str) -> None:
        await asyncio.to_thread(shutil.rmtree, row.path, True)

        def write(connection: Connection) -> None:
            connection.execute(_rows.delete().where(_rows.c.id == row.id))
            self._audit.append(connection, project=self._home, actor=actor, action="backup.delete", subject=row.id)

        await self._ledger.write(write)

    async def _in_state(self, status: str) -> Sequence[Row[Any]]:
        query = select(_rows).where(_rows.c.status == status).order_by(_rows.c.id)
        return await self._ledger.read(lambda connection: connection.execute(query).all())

    async def _set(self, backup: str, **values: Any) -> None:
        change = update(_rows).where(_rows.c.id == backup).values(**values)
        await self._ledger.write(lambda connection: connection.execute(change))


def backup_json(row: Row[Any]) -> dict[str, Any]:
    """The shape of the REST API."""
    manifest = row.manifest or {}
    return {
        "id": row.id,
        "status": row.status,
        "path": row.path,
        "made_at": rfc3339(row.made_ns),
        "made_by": row.made_by,
        "took_s": None if row.took_s is None else round(row.took_s, 2),
        "bytes": manifest.get("bytes"),
        "rows": facts_of(manifest),
        "version": manifest.get("version"),
        "verified_at": None if row.verified_ns is None else rfc3339(row.verified_ns),
        "expires_at": None if row.expires_ns is None else rfc3339(row.expires_ns),
        "error": row.error,
    }


def _get(connection: Connection, home: str, backup: str) -> Row[Any]:
    row = connection.execute(select(_rows).where(_rows.c.project == home, _rows.c.id == backup)).one_or_none()
    if row is None:
        raise NotFound("There is no such backup.", field="backup", value=backup, fix="see GET /api/v1/backups")
    return row


def _fresh(part: Path) -> None:
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)


def _copy_rest(data: Path, part: Path, root: Path) -> None:
    """The state of jobs, the salt, media: everything that is neither facts nor decisions nor a backup."""
    jobs = data / "jobs.sqlite"
    if jobs.exists():
        copy_sqlite(jobs, part / "jobs.sqlite")
    for each in sorted(data.iterdir()):
        if each.name.startswith(_OWN):
            continue
        _copy(each, part / each.name, root)


def _copy(each: Path, target: Path, root: Path) -> None:
    """With all beneath it but the backups, wherever they are. What goes away meanwhile is not in it: half a picture
    that is on its way in has another name until it is whole."""
    if each.resolve() == root.resolve():
        return
    try:
        if not each.is_dir():
            shutil.copy2(each, target)
            return
        target.mkdir(mode=0o700)
        for inner in sorted(each.iterdir()):
            _copy(inner, target / inner.name, root)
    except FileNotFoundError:
        if each.exists():
            raise
