"""One query on one cursor, with an end to its rows and to its time."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import duckdb

from assay_server.core.errors import TooLarge
from assay_server.store.protocol import Limits


def rows_of(cursor: duckdb.DuckDBPyConnection, sql: str, params: Sequence[Any], limits: Limits) -> list[dict[str, Any]]:
    result = cursor.execute(sql, list(params))
    names = [column[0] for column in result.description or []]
    rows = result.fetchmany(limits.rows + 1)
    if len(rows) > limits.rows:
        raise TooLarge(f"The answer has more than {limits.rows} rows.", field="rows", fix="narrow the filters or page")
    return [dict(zip(names, row, strict=True)) for row in rows]


class Reading:
    """One query on one cursor. The lock keeps `stop` from hitting the next query of the same cursor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._stopped = False

    def start(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        """False when nobody waits for the answer any more."""
        with self._lock:
            self._cursor = cursor
            return not self._stopped

    def end(self) -> None:
        with self._lock:
            self._cursor = None

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._cursor is not None:
                self._cursor.interrupt()


async def wait_or_stop(
    work: "asyncio.Future[list[dict[str, Any]]]", reading: Reading, seconds: float
) -> tuple[set[Any], set[Any]]:
    """Waits; a caller who goes away takes the query along."""
    try:
        return await asyncio.wait([work], timeout=seconds)
    except asyncio.CancelledError:
        reading.stop()
        work.add_done_callback(_unheard)
        raise


def _unheard(work: "asyncio.Future[list[dict[str, Any]]]") -> None:
    """Takes note of how it ended, or asyncio would log that nobody did."""
    if not work.cancelled():
        work.exception()
