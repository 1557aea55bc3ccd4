"""A backup becomes a data directory again, and proves beforehand that it can."""

import asyncio
import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from assay_server.core.clock import SystemClock
from assay_server.core.errors import Corrupt
from assay_server.governance import Audit
from assay_server.keeping.backup_files import checked, copy_into, with_size
from assay_server.keeping.outgoing import hold
from assay_server.keeping.restoring import alone_in
from assay_server.ledger import REVISIONS, Ledger, dumped_heads, tables
from assay_server.store import SCHEMA, DuckStore

_projects = tables.accounts.projects
_heads = tables.accounts.audit_heads
_TRIAL = ".verify-"


async def restore(backup: Path, data: Path, *, live: bool = False) -> dict[str, Any]:
    """Makes `data` from a backup; its manifest. Without `live` nothing leaves the server that is started on it until
    somebody says so.

    Raises InvalidInput where `backup` is none or `data` is not empty, Corrupt where a file is missing or damaged,
    Refused for a newer Assay's, and where another restore is at it. In each case nothing was changed. Unavailable
    where the disk has no room; what is there then is no data directory.
    """
    manifest = await asyncio.to_thread(checked, backup, schema=SCHEMA, revisions=REVISIONS)

    def fill() -> None:
        with alone_in(data):
            copy_into(backup, manifest, data)
            if not live:
                hold(data, manifest, backup.name, SystemClock().now_ns())
            _end_itself(backup, manifest, data / "ledger.sqlite")

    await asyncio.to_thread(fill)
    return manifest


async def verify(backup: Path) -> dict[str, Any]:
    """Restores into a temporary folder beside the backup, opens everything, and compares; the manifest.

    A dump of PostgreSQL is read to its end, and its audit chains for how far they go: their rows are verified once it
    is restored. Raises what `restore` raises, Corrupt where counts or an audit chain are not as they were, and
    Unavailable where there is no `pg_restore` for a dump.
    """
    with tempfile.TemporaryDirectory(prefix=_TRIAL, dir=backup.parent) as folder:
        data = Path(folder) / "data"
        manifest = await restore(backup, data)
        await _compare_facts(data / "facts", manifest)
        ledger = data / manifest["ledger"]
        _compare_ends(await (_chains(ledger) if ledger.suffix == ".sqlite" else dumped_heads(ledger)), manifest)
    return manifest


def forget_trials(root: Path) -> None:
    """What a kill left of backups that were being verified: each holds everything that the backup does."""
    for folder in root.glob(f"{_TRIAL}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _end_itself(backup: Path, manifest: Mapping[str, Any], ledger: Path) -> None:
    """The decisions were copied while this backup was being made: it would be made again where they are restored, and
    proofs of deletion would not name it."""
    if not ledger.exists():
        return
    told = json.dumps(with_size(manifest)), str(backup.resolve())
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        connection.execute("UPDATE backups SET status = 'done', manifest = ?, path = ? WHERE status = 'running'", told)
        connection.commit()


async def _compare_facts(folder: Path, manifest: dict[str, Any]) -> None:
    store = await DuckStore.open(folder)
    try:
        rows = (await store.stats()).rows
    finally:
        await store.close()
    for table, n in rows.items():
        if manifest["rows"].get(table) != n:
            raise _other(f"the table {table} has {n} rows, and {manifest['rows'].get(table)} were written")


async def _chains(file: Path) -> dict[str, int]:
    """How far each chain goes; each is whole."""
    ledger = await Ledger.open(f"sqlite:///{file}")
    audit = Audit(ledger, SystemClock(), lambda text: (text, []))
    try:
        projects = await ledger.read(lambda connection: connection.execute(select(_projects.c.id)).scalars().all())
        ends = await ledger.read(
            lambda connection: {row.project: row.seq for row in connection.execute(select(_heads))}
        )
        for project in projects:
            found = await audit.verify(project)
            if not found["ok"]:
                raise _other(f"the audit chain of {project} is broken: {found['broken']['why']}")
    finally:
        await ledger.close()
    return ends


def _compare_ends(ends: Mapping[str, int], manifest: dict[str, Any]) -> None:
    """Each chain goes on at least as far as when the backup began."""
    for head in manifest["audit"]:
        if ends.get(head["project"], 0) < head["seq"]:
            raise _other(f"the audit chain of {head['project']} ends before row {head['seq']}")


def _other(why: str) -> Corrupt:
    return Corrupt(f"The backup is not what it says: {why}.", fix="make another backup")
