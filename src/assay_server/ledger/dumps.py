"""A dump of PostgreSQL is read without a server: as a whole, and for the ends of the audit chains in it."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

from assay_server.core.errors import Corrupt, Unavailable
from assay_server.ledger import tables

_READ_S = 3600
_HEADS = tables.accounts.audit_heads.name


async def dumped_heads(dump: Path) -> dict[str, int]:
    """How far the audit chain of each project goes in a dump that can be read to its end.

    Raises Corrupt where it cannot, Unavailable where there is no `pg_restore`.
    """
    return await asyncio.to_thread(_heads, dump)


def _heads(dump: Path) -> dict[str, int]:
    _restored(dump, f"--file={os.devnull}")
    lines = iter(_restored(dump, "--data-only", f"--table={_HEADS}", "--file=-").splitlines())
    head = next((line for line in lines if line.startswith("COPY ")), None)
    if head is None:
        raise Corrupt(f"{dump.name} has no audit chains in it.", field="file", value=dump.name, fix=_OTHER)
    columns = head[head.index("(") + 1 : head.index(")")].split(", ")
    found = {}
    for line in lines:
        if line == "\\.":
            break
        row = dict(zip(columns, line.split("\t"), strict=True))
        found[row["project"]] = int(row["seq"])
    return found


def _restored(dump: Path, *options: str) -> str:
    program = shutil.which("pg_restore")
    if program is None:
        raise Unavailable(
            "The decisions of this backup are a dump of PostgreSQL, and there is no pg_restore to read it.",
            field="ledger_url",
            fix="install PostgreSQL's client programs on this machine",
        )
    command = [program, *options, str(dump)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_READ_S, check=False)  # noqa: S603
    if done.returncode != 0:
        why = done.stderr.strip()[:500]
        raise Corrupt(f"{dump.name} cannot be read: {why}.", field="file", value=dump.name, fix=_OTHER)
    return done.stdout


_OTHER = "take another backup"
