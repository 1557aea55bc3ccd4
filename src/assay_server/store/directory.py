"""The directory of an embedded store: one process holds it; `store.json` tells its schema version and its file.

The version is read before the database is touched, so a store of a newer Assay stays exactly as it is.
"""

import fcntl
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay_server.core.errors import Corrupt, Unavailable

_log = logging.getLogger(__name__)

_VERSION_FILE = "store.json"
_LOCK_FILE = "lock"
_FORMAT = "assay-facts"  # its value is the schema version
_WHOLE = "attributes_whole"  # true: they have too many names for columns of their own
_FILE = "file"  # its value is the name of the database; left out: the first one
_FIRST_FILE = "facts.duckdb"
_LATER_FILE = re.compile(r"facts-(\d{1,9})\.duckdb")


def holder_of(path: Path) -> str | None:
    """The process that holds the store there, `unknown` where it does not say; None where nobody does, or where nobody
    can tell: the file is another user's."""
    try:
        lock = os.open(path / _LOCK_FILE, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _named(lock)
    finally:
        os.close(lock)
    return None


def _named(lock: int) -> str:
    return os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"


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
            holder = _named(lock)
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

    def give_up(self) -> None:
        """Releases a directory that nobody else has seen yet, without a trace of the lock."""
        (self.path / _LOCK_FILE).unlink()
        self.release()

    @property
    def file(self) -> Path:
        """The database in force. Raises `Corrupt`."""
        return self.path / str(self._told().get(_FILE, _FIRST_FILE))

    def version(self) -> int:
        """The schema version of what is here; 0 for an empty directory. Raises `Corrupt`."""
        told = self._told()
        return int(told[_FORMAT]) if told else 0

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
        """Atomic: a kill leaves the old value or the new one."""
        self._tell({**self._told(), _FORMAT: version})

    @property
    def whole(self) -> bool:
        """Whether attributes are not spread over columns here (`memory.keep_whole`)."""
        return bool(self._told().get(_WHOLE))

    def set_whole(self) -> None:
        self._tell({**self._told(), _WHOLE: True})

    def next_file(self) -> Path:
        """A name that no database of this directory has."""
        found = _LATER_FILE.fullmatch(self.file.name)
        return self.path / f"facts-{int(found[1]) + 1 if found else 1}.duckdb"

    def switch(self, file: Path) -> None:
        """From now on `file` is the database in force. Atomic: a kill leaves the old one or this one."""
        self._tell({**self._told(), _FILE: file.name})

    def databases(self) -> list[Path]:
        """All that are here, in force or not, with their logs."""
        return sorted(each for each in self.path.glob("facts*.duckdb*") if each.is_file())

    @property
    def is_rewritten(self) -> bool:
        """Whether there was a database that another has taken the place of."""
        return self.file.name != _FIRST_FILE

    def remove_others(self) -> None:
        """Databases that are not in force: what a rewrite left behind, or a kill in the middle of one."""
        kept = set(files_of(self.file))
        for each in self.databases():
            if each not in kept:
                each.unlink()

    def remove_spills(self) -> None:
        """What queries had put on disk when a kill met them, texts of facts among it. Only before one is opened."""
        for each in self.path.glob("facts*.duckdb.spill"):
            shutil.rmtree(each, ignore_errors=True)

    def size(self) -> int:
        """Bytes of the database in force, with what has not been merged yet."""
        return sum(map(_size, self.path.glob(self.file.name + "*")))

    def _told(self) -> dict[str, Any]:
        file = self.path / _VERSION_FILE
        if not file.exists():
            return {}
        try:
            return _checked(json.loads(file.read_text()))
        except (ValueError, KeyError, TypeError) as error:
            raise Corrupt(
                f"{file} does not say which schema the store has.",
                field="schema",
                value=str(error),
                fix=f'restore the file from a backup: {{"{_FORMAT}": N}}',
            ) from error

    def _tell(self, told: dict[str, Any]) -> None:
        """Raises OSError where it does not hold. Once it holds nothing fails: what is not in force is removed then."""
        file, fresh = self.path / _VERSION_FILE, self.path / (_VERSION_FILE + ".new")
        folder = os.open(self.path, os.O_RDONLY)
        try:
            with fresh.open("w") as out:
                json.dump(told, out)
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(file)
            _sync(folder)
        finally:
            os.close(folder)


def files_of(file: Path) -> Iterator[Path]:
    """A database with its logs: commits that are made during a checkpoint have one of their own beside the other."""
    yield file
    yield from file.parent.glob(file.name + ".wal*")


def _size(file: Path) -> int:
    """0 of a folder, and of a log that a checkpoint has just merged."""
    try:
        return file.stat().st_size if file.is_file() else 0
    except FileNotFoundError:
        return 0


def _sync(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        _log.warning("a new name in the store's folder may not outlast a power cut: %s", error)


def _checked(told: Any) -> dict[str, Any]:
    """Raises ValueError, KeyError or TypeError where that is not what `store.json` holds."""
    name = told.get(_FILE, _FIRST_FILE) if isinstance(told, dict) else None
    if not isinstance(name, str) or (name != _FIRST_FILE and not _LATER_FILE.fullmatch(name)):
        raise ValueError(f"no database is named in {told!r}")
    return {**told, _FORMAT: int(told[_FORMAT])}
