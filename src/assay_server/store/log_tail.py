"""A damaged end of DuckDB's log: what stands before it is kept, the rest is set aside, and said aloud.

A log that merely breaks off (a power cut) is DuckDB's own business: it drops the unfinished transaction, which nobody
was told had succeeded. An entry whose checksum is wrong stops it. Where that entry is of the last transaction, going on
without that one loses the least; damage in the middle is for people to decide.
"""

import logging
import os
import re
import struct
import time
from pathlib import Path

_log = logging.getLogger(__name__)

_WHERE = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")
_HEADER = struct.Struct("<QQ")  # size and checksum stand before each entry; the position told is behind them


def set_aside(database: Path, error: Exception) -> bool:
    """Cuts a damaged last transaction off, having copied the log to `broken-<time>.wal`; False for other errors."""
    found = _WHERE.search(str(error))
    log = database.with_name(database.name + ".wal")
    if found is None or not log.is_file():
        return False
    content, at = log.read_bytes(), int(found[1]) - _HEADER.size
    if not _is_last(content, at):
        return False
    copy = database.with_name(f"broken-{time.time_ns()}.wal")
    copy.write_bytes(content)
    with log.open("r+b") as out:
        out.truncate(at)
        os.fsync(out.fileno())
    _log.error(
        "the last transaction of %s is damaged (byte %d): the store goes on without it; the log as it was stands in %s",
        log.name,
        at,
        copy,
    )
    return True


def _is_last(content: bytes, at: int) -> bool:
    """Whether the entry at `at` is of the last transaction: one end of a transaction comes behind it, the log's own."""
    if at < 0:
        return False
    entries = []
    while at + _HEADER.size <= len(content):
        size, _ = _HEADER.unpack_from(content, at)
        at += _HEADER.size
        entries.append(content[at : at + size])
        at += size
    return entries.count(entries[-1]) == 1
