"""DuckDB's errors become ours here, and nowhere else; the original stays as the cause."""

import re
from collections.abc import Callable
from typing import TypeVar

import duckdb

from assay_server.core.errors import Corrupt, InvalidInput, Unavailable

T = TypeVar("T")

_BROKEN = (duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)


def wrapped(work: Callable[[], T]) -> T:
    """What `work` gives, or its error in the words of our tree."""
    try:
        return work()
    except _BROKEN as error:
        raise Corrupt(f"The store cannot read its data: {_first_line(error)}", fix="restore a backup") from error
    except duckdb.IOException as error:
        holder = re.search(r"PID (\d+)", str(error))
        told = f"Process {holder[1]} holds the store." if holder else f"The disk refuses: {_first_line(error)}"
        raise Unavailable(told, retry_after_s=5, fix="free space on the disk, or stop the other process") from error
    except duckdb.DataError as error:
        raise InvalidInput(f"A value is not of its column's type: {_first_line(error)}") from error
    except duckdb.InterruptException as error:
        raise Unavailable("The query was stopped.") from error
    except duckdb.OutOfMemoryException as error:
        raise Unavailable("The query needs more memory than the store may take.", fix="narrow the filters") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
