"""What the store does whole or not at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import duckdb

from assay_server.store.faults import is_durable

T = TypeVar("T")

_STUCK = ("Current transaction is aborted", "cannot start a transaction within a transaction")


@contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All that is done within it, or nothing.

    Where it is durable and only the checkpoint behind it failed, all is done: to do it again would find nothing left to
    do and say so. The next statement puts the facts in order.
    """
    cursor.execute("BEGIN")
    try:
        yield
    except BaseException:
        roll_back(cursor)
        raise
    try:
        cursor.execute("COMMIT")
    except BaseException as error:
        roll_back(cursor)
        if not is_durable(error):
            raise


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """DuckDB may have rolled back already (a failed COMMIT does), or be out of order altogether."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        return


def unstuck(connection: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """What `work` gives, once more where an earlier transaction is still there.

    It failed for want of memory, and so did its rollback: until somebody rolls back, the connection refuses whatever
    comes.
    """
    try:
        return work()
    except duckdb.TransactionException as error:
        if not any(said in str(error) for said in _STUCK):
            raise
        connection.execute("ROLLBACK")
        return work()
