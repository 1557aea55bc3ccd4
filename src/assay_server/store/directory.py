"""The directory of an embedded store: one process holds it, and its schema version stands beside the data.

The version is read before the database is touched, so a store of a newer Assay stays exactly as it is.
"""

import fcntl
import json
import os
from pathlib import Path

from assay_server.core.errors import Corrupt, Unavailable

_VERSION_FILE = "store.json"
_LOCK_FILE = "lock"
_FORMAT = "assay-facts"  # the one key of the file; its value is the schema version


class Directory:
    """Held from `hold` to `release`; another process (or a second store in this one) is refused with the pid."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def hold(cls, path: Path) -> "Directory":
        """Makes the directory where it is missing. Raises `Unavailable` when it is held or cannot be written."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = os.open(path / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(
                f"The store cannot be opened: {error.strerror}.",
                field="path",
                value=str(path),
                fix="give a directory this user may write to",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise Unavailable(
                f"Process {holder} holds the store in {path}.",
                field="path",
                value=str(path),
                fix=f"stop process {holder}, or give another directory",
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return cls(path, lock)

    def release(self) -> None:
        os.close(self._lock)

    def version(self) -> int:
        """The schema version of what is here; 0 for an empty directory. Raises `Corrupt`."""
        file = self.path / _VERSION_FILE
        if not file.exists():
            return 0
        try:
            told = json.loads(file.read_text())
            return int(told[_FORMAT])
        except (ValueError, KeyError, TypeError) as error:
            raise Corrupt(
                f"{file} does not say which schema the store has.",
                field="schema",
                value=str(error),
                fix=f'restore the file from a backup: {{"{_FORMAT}": N}}',
            ) from error

    def check(self, newest: int) -> int:
        """The version here, if this program can read it. Raises `Unavailable` for a store of a newer Assay."""
        version = self.version()
        if version > newest:
            raise Unavailable(
                f"The store in {self.path} was written by a newer Assay (schema {version}, this one knows {newest}). "
                "It was not touched.",
                field="schema",
                value=version,
                fix="start the newer Assay, or give another directory",
            )
        return version

    def set_version(self, version: int) -> None:
        """Atomic: a kill leaves the old file or the new one."""
        file, fresh = self.path / _VERSION_FILE, self.path / (_VERSION_FILE + ".new")
        with fresh.open("w") as out:
            json.dump({_FORMAT: version}, out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
