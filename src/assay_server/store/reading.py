"""One query on one cursor, with an end to its rows and to its time."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from assay_server.core.errors import TooLarge
from assay_server.store.protocol import Limits


def rows_of(cursor: duckdb.DuckDBPyConnection, sql: str, params: Sequence[Any], limits: Limits) -> list[dict[str, Any]]:
    result = cursor.execute(sql, list(params))
    names = [column[0] for column in result.description or []]
    rows = result.fetchmany(limits.rows + 1)
    _check(len(rows), limits)
    return [dict(zip(names, row, strict=True)) for row in rows]


def columns_of(
    cursor: duckdb.DuckDBPyConnection, sql: str, params: Sequence[Any], limits: Limits
) -> dict[str, NDArray[Any]]:
    columns = cursor.execute(sql, list(params)).fetchnumpy()
    _check(len(next(iter(columns.values()), ())), limits)
    return {
        name: np.ma.filled(values, np.nan) if values.dtype.kind == "f" else values for name, values in columns.items()
    }


def _check(rows: int, limits: Limits) -> None:
    if rows > limits.rows:
        raise TooLarge(f"The answer has more than {limits.rows} rows.", field="rows", fix="narrow the filters or page")


class Reading:
    """One query on one cursor. The lock keeps `stop` from hitting the next query of the same cursor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._stopped = False
        self.cpu_s = 0.0  # of the reading thread, and so about half of what two of them took

    def start(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        """False when nobody waits for the answer any more."""
        with self._lock:
            self._cursor = cursor
            return not self._stopped

    def end(self) -> None:
        with self._lock:
            self._cursor = None

    def stop(self) -> bool:
        """Whether anything was under way. Between two of its statements it does not notice."""
        with self._lock:
            self._stopped = True
            if self._cursor is None:
                return False
            self._cursor.interrupt()
            return True


async def wait_or_stop(work: "asyncio.Future[Any]", reading: Reading, seconds: float) -> bool:
    """Whether the answer came in time.

    Otherwise the query is stopped, as it is when the caller goes away, and this ends once its thread is free: inside
    one call of a function the engine cannot be stopped.
    """
    gone = False
    try:
        done, _ = await asyncio.wait([work], timeout=seconds)
        if done:
            return True
    except asyncio.CancelledError:
        gone = True
    reading.stop()
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            gone = True
    work.exception()  # it was told to stop; how it says so is of no interest
    if gone:
        raise asyncio.CancelledError
    return False
