"""DuckDB's errors become ours here, and nowhere else; the original stays as the cause."""

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from assay_server.core.errors import AssayError, Corrupt, InvalidInput, Unavailable

T = TypeVar("T")

DISK_FIX = "free some space; nothing that was acknowledged is lost, and reading goes on"
_RETRY_S = 5

_BROKEN = (duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)
_DURABLE = "COMMIT succeeded and is durable"
_INVALIDATED = "has been invalidated"
_STOPPED = "database must be restarted"
_NO_ROOM = re.compile("(could not|failed to) allocate (block|data)")
_DETACHED = re.compile(
    r'(Catalog "facts(_\d+)?" does not exist|No catalog \+ schema named "facts(_\d+)?"|'
    r'schema "facts(_\d+)?" does not exist)'
)


@dataclass(slots=True, frozen=True)
class Short:
    """What whoever waits is told where memory is short, and what they can do."""

    said: str
    fix: str
    retry_after_s: int | None = None


_READING = Short("The query needs more memory than the store may take.", "narrow the filters")
WRITING = Short("The store has too little memory for all that came at once.", "send again, fewer or smaller at once", 5)


class Invalidated(Unavailable):
    """The database must be attached anew: a checkpoint could not be written."""


def wrapped(work: Callable[[], T], short: Short = _READING) -> T:
    """What `work` gives, or its error in the words of our tree."""
    try:
        return work()
    except duckdb.Error as error:
        ours = _ours(error, short)
        if ours is None:
            raise
        raise ours from error
    except OSError as error:
        raise _of_the_system(error) from error


def is_durable(error: BaseException) -> bool:
    """Whether a COMMIT failed only in what it does afterwards: the facts are on disk."""
    return isinstance(error, duckdb.IOException) and _DURABLE in str(error)


def is_of_memory(error: BaseException | None) -> bool:
    """Whether there was too little memory, also for what a COMMIT does; not where a checkpoint found it."""
    return isinstance(error, duckdb.OutOfMemoryException) or (
        isinstance(error, duckdb.TransactionException) and bool(_NO_ROOM.search(str(error))) and not is_of_width(error)
    )


def is_of_width(error: BaseException | None) -> bool:
    """Whether a checkpoint found too little memory. Attributes of very many names take a column each while it runs.

    A COMMIT of much is written by a checkpoint of its own, and fails with it.
    """
    of_checkpoint = isinstance(error, duckdb.IOException | duckdb.TransactionException) and _INVALIDATED in str(error)
    return of_checkpoint and bool(_NO_ROOM.search(str(error)))


def _ours(error: duckdb.Error, short: Short) -> AssayError | None:
    """None: a fault of ours, a wrong statement."""
    if isinstance(error, duckdb.InterruptException):
        return Unavailable("The query was stopped.")
    if is_of_memory(error):
        return Unavailable(short.said, fix=short.fix, retry_after_s=short.retry_after_s)
    if isinstance(error, duckdb.IOException | duckdb.TransactionException):
        return _of_the_disk(error)
    if isinstance(error, duckdb.DataError):
        return InvalidInput(f"A value is not of its column's type: {_first_line(error)}")
    if isinstance(error, duckdb.FatalException) and _STOPPED in str(error):
        cause = str(error).partition("Original error:")[2].strip() or _first_line(error)
        return Unavailable(
            f"The store's engine has stopped after a fault of its own: {cause.splitlines()[0]}",
            fix="restart the server; nothing that was acknowledged is lost",
        )
    if isinstance(error, _BROKEN) or "orrupt" in str(error):
        return Corrupt(f"The store cannot read its data: {_first_line(error)}", fix="restore a backup")
    if isinstance(error, duckdb.ResourceInUseException) or _DETACHED.search(str(error)):
        return Invalidated(f"The store is not open: {_first_line(error)}", retry_after_s=_RETRY_S)
    return None


def _of_the_disk(error: duckdb.Error) -> AssayError | None:
    said = str(error)
    if isinstance(error, duckdb.TransactionException) and "Failed to commit" not in said:
        return None
    if _INVALIDATED in said:
        return Invalidated(f"The disk refuses: {_first_line(error)}", retry_after_s=_RETRY_S, fix=DISK_FIX)
    if "orrupt" in said or "checksum" in said:
        return Corrupt(f"The store cannot read its data: {_first_line(error)}", fix="restore a backup")
    holder = re.search(r"PID (\d+)", said)
    if holder:
        told = f"Process {holder[1]} holds the store."
        return Unavailable(told, retry_after_s=_RETRY_S, fix=f"stop process {holder[1]}")
    return Unavailable(f"The disk refuses: {_first_line(error)}", retry_after_s=_RETRY_S, fix=DISK_FIX)


def _of_the_system(error: OSError) -> Unavailable:
    few = error.errno in (errno.EMFILE, errno.ENFILE)
    fix = "allow the server more open files" if few else DISK_FIX
    return Unavailable(f"The disk refuses: {error.strerror or error}.", retry_after_s=_RETRY_S, fix=fix)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
