"""What files need to be durable."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Names in a folder are durable only after this."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
