"""Is there room, and may we write? Asked before every commit, so that the disk is never filled to its last byte.

A write that fails half-way costs more than one that is refused: a checkpoint without room takes the database out of
order until it is attached again.
"""

import os
from pathlib import Path

from assay_server.core.errors import Unavailable
from assay_server.store.faults import DISK_FIX

_RETRY_S = 30
_PROBE = ".probe"


def check_room(folder: Path, reserve: int) -> None:
    """Raises Unavailable where less than `reserve` bytes are free, or the disk is read-only. Takes microseconds."""
    disk = os.statvfs(folder)
    if disk.f_flag & os.ST_RDONLY:
        raise Unavailable(
            f"The disk of {folder} is read-only.",
            field="disk",
            value=str(folder),
            retry_after_s=_RETRY_S,
            fix="mount it writable; reading goes on meanwhile",
        )
    free = disk.f_bavail * disk.f_frsize
    if free < reserve:
        raise Unavailable(
            f"The disk of {folder} is full but for {free / 1e6:.0f} MB; {reserve / 1e6:.0f} MB are kept free.",
            field="disk",
            value=free,
            retry_after_s=_RETRY_S,
            fix=DISK_FIX,
        )


def check_writable(folder: Path, reserve: int) -> None:
    """The same, and tries: a byte is written and made durable. Raises Unavailable."""
    check_room(folder, reserve)
    probe = folder / _PROBE
    try:
        with probe.open("wb") as out:
            out.write(b"?")
            out.flush()
            os.fsync(out.fileno())
        probe.unlink()
    except OSError as error:
        raise Unavailable(
            f"The disk refuses: {error.strerror}.",
            field="disk",
            value=str(folder),
            retry_after_s=_RETRY_S,
            fix=DISK_FIX,
        ) from error
