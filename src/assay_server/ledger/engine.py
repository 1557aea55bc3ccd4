"""The door to the decisions: `write` is one transaction at a time, `read` sees one consistent moment.

Both databases give the same promises. On SQLite a write begins with `BEGIN IMMEDIATE`; on PostgreSQL it first
takes one advisory lock. Either way a write sees nothing change underneath it, so rooms may read, decide and
write in one function without compare-and-set of their own. Decisions are few (tens a second, not thousands):
one at a time is a promise we can afford, and the audit chain needs it anyway.

A write returns after the commit is on disk: WAL with `synchronous=FULL`, or PostgreSQL's default.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from assay_server.core.errors import Unavailable
from assay_server.ledger import upkeep
from assay_server.ledger.databases import Databases, connect
from assay_server.ledger.faults import told, unstorable
from assay_server.ledger.schema import prepare

T = TypeVar("T")

_READERS = 4


class Ledger:
    """Transactions on the ledger's database; the blocking drivers run in threads of its own."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="ledger-write")
        self._reading = ThreadPoolExecutor(_READERS, thread_name_prefix="ledger-read")
        self._closed = False

    @classmethod
    async def open(cls, url: str) -> "Ledger":
        """Opens `sqlite:///path` or `postgresql://…`, creating or upgrading the tables where needed.

        Raises InvalidInput for another kind of address, Refused for a ledger that a newer version wrote
        (it is left untouched), Corrupt for a file that is no ledger, Unavailable when it cannot be reached.
        """
        databases = connect(url, readers=_READERS)
        ledger = cls(databases)
        try:
            await ledger._run(ledger._writing, lambda: prepare(databases))
        except BaseException:
            await ledger.close()
            raise
        return ledger

    @property
    def is_file(self) -> bool:
        """Whether it is SQLite."""
        return self._databases.path is not None

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Runs `fn` in a transaction of its own and returns what it returned, once that is committed.

        An exception rolls everything back. `fn` runs in a thread: it must not touch the event loop.
        """
        return await self._run(self._writing, lambda: _transaction(self._databases.writer, fn))

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Runs `fn` on a consistent, read-only view; it never waits for a write."""
        return await self._run(self._reading, lambda: _transaction(self._databases.reader, fn))

    async def check(self) -> None:
        """Raises Unavailable or Corrupt where decisions cannot be read or written now."""
        await self.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
        await self._run(self._writing, lambda: upkeep.check_writable(self._databases))

    async def copy(self, target: Path) -> bool:
        """A consistent copy in the new file `target` while reads and writes go on.

        False where that takes `pg_dump` and there is none. Raises Unavailable.
        """
        return await self._run(self._reading, lambda: upkeep.copy(self._databases, target))

    async def empty_log(self) -> None:
        """Afterwards no file of the ledger holds what was deleted before. PostgreSQL sees to it by itself."""
        await self._run(self._writing, lambda: upkeep.empty_log(self._databases))

    async def close(self) -> None:
        """Waits for what is under way, then lets go of the database."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._shut)

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise Unavailable("The ledger is closed: the server is shutting down.")
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        except DBAPIError as error:
            raise told(error) from error
        except (UnicodeEncodeError, OverflowError) as error:
            raise unstorable() from error

    def _shut(self) -> None:
        self._writing.shutdown()
        self._reading.shutdown()
        self._databases.dispose()


def _transaction(engine: Engine, fn: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return fn(connection)
