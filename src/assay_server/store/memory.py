"""More memory for a while, for what cannot be done with less and has to be done."""

import logging
from collections.abc import Callable
from typing import TypeVar

import duckdb

from assay_server.core.errors import Unavailable
from assay_server.store.directory import Directory
from assay_server.store.faults import is_of_memory, is_of_width, wrapped
from assay_server.store.opening import Settings
from assay_server.store.width import NEVER, columns_from

T = TypeVar("T")

_log = logging.getLogger(__name__)


def keep_whole(cursor: duckdb.DuckDBPyConnection, directory: Directory, error: BaseException | None) -> bool:
    """Where a checkpoint failed for want of memory, attributes are no longer spread over columns: with a thousand names
    that takes more memory than the store has, and every later checkpoint would fail too. The directory remembers it."""
    if not is_of_width(error):
        return False
    _log.warning("the attributes of spans have too many names for columns of their own: they are stored whole, and"
                 " conditions on them take longer; names should not hold ids")  # fmt: skip
    cursor.execute(columns_from(NEVER))
    directory.set_whole()
    return True


def with_memory(
    cursor: duckdb.DuckDBPyConnection, work: Callable[[], T], settings: Settings, directory: Directory
) -> T:
    """What `work` gives, which leaves nothing behind where it fails; where it found too little memory, once more with
    the `copy_limit`. The engine reads 2,048 rows at once, whatever is in them."""
    try:
        return wrapped(work)
    except Unavailable as error:
        if keep_whole(cursor, directory, error.__cause__):
            return wrapped(work)
        if not is_of_memory(error.__cause__):
            raise
    _log.warning("the rows of the store are too large for %s: it is copied with %s", settings.memory_limit,
                 settings.copy_limit)  # fmt: skip
    cursor.execute(f"SET GLOBAL memory_limit = '{settings.copy_limit}'")
    try:
        return wrapped(work)
    finally:
        _back(cursor, settings.memory_limit)


def _back(cursor: duckdb.DuckDBPyConnection, limit: str) -> None:
    try:
        cursor.execute(f"SET GLOBAL memory_limit = '{limit}'")
    except duckdb.Error as error:  # others are using more just now
        _log.warning("the store keeps its higher limit of memory until the next copy: %s", error)
