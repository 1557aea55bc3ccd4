"""What the store does whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


@contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All that is done within it, or nothing."""
    cursor.execute("BEGIN")
    try:
        yield
        cursor.execute("COMMIT")
    except BaseException:
        roll_back(cursor)
        raise


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """DuckDB may have rolled back already (a failed COMMIT does), or be out of order altogether."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        return
