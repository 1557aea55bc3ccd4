"""Files of media on the disk: whole or not at all, and nothing left behind of what failed."""

import os
from pathlib import Path
from uuid import uuid4

from assay_server.core.errors import Unavailable
from assay_server.core.files import sync_folder

_AGAIN_S = 30.0


def write(path: Path, content: bytes) -> None:
    """Durable on return. Raises Unavailable where the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _put_in_place(path, content)
    except OSError as error:
        raise Unavailable(
            f"The disk refuses media: {error.strerror or error}.",
            retry_after_s=_AGAIN_S,
            fix="free some space in the data directory, or let the server's user write there",
        ) from error


def remove(path: Path) -> None:
    """With whatever a crash left of it under other names."""
    for each in (path, *path.parent.glob(f"{path.name}.*")):
        each.unlink(missing_ok=True)


def _put_in_place(path: Path, content: bytes) -> None:
    """Under another name first, which goes away where it cannot be finished: half a picture may say much of people."""
    beside = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
