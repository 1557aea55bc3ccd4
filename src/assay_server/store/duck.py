"""The embedded store: DuckDB with one writer thread, one that prepares for it, and a few readers.

The settings are measured (docs/decisions.md): merging of row groups in place stalls appends for seconds, so it never
happens (`rewriting` does better); checkpoints come at 16 MB of log; no extension is looked for outside the package.
SQL here is put together from the names of our own tables alone; values are always parameters.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb
from numpy.typing import NDArray

from assay_server.core.errors import Unavailable
from assay_server.core.records import Facts
from assay_server.store import settled
from assay_server.store.appending import Appending
from assay_server.store.attached import Attached
from assay_server.store.changes import Doomed, Priced, Rewritten, Thinned
from assay_server.store.columns import EVENTS, RUN_ITEMS, SCORES, SPANS, TRACES
from assay_server.store.directory import Directory
from assay_server.store.erase import erase, let_go
from assay_server.store.faults import Invalidated, wrapped
from assay_server.store.held import decide
from assay_server.store.memory import MemoryLimit, ReadMemory, Threads, keep_whole, with_memory
from assay_server.store.opening import Settings, attached_soon, name_of, opened
from assay_server.store.preparing import Prepared, prepare
from assay_server.store.protocol import DEFAULT_LIMITS, Appended, Limits, Stats
from assay_server.store.reading import Reading, columns_of, rows_of, wait_or_stop
from assay_server.store.repriced import reprice
from assay_server.store.rewriting import Rewriting
from assay_server.store.room import check_room, check_writable
from assay_server.store.settling import Settling
from assay_server.store.text import TextSearch
from assay_server.store.touched import traces_of, traces_of_rows
from assay_server.store.transactions import roll_back, unstuck
from assay_server.store.unbroken import to_its_end
from assay_server.store.width import Width

T = TypeVar("T")

_UPKEEP = Limits(rows=2_000_000, seconds=120)
_STOPPING_S = 0.05
_TABLES = (SPANS, TRACES, SCORES, RUN_ITEMS, EVENTS)

FACTS = tuple(table.name for table in _TABLES)
"""The tables that people know; the others are worked out from them, or wait."""


class DuckStore:
    """A `Store` in one directory of this machine."""

    def __init__(self, directory: Directory, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self._directory = directory
        self._connection = connection
        self._control = connection.cursor()  # uses no database, so none can take it out of order
        self._settings = settings
        self._memory = MemoryLimit(connection.cursor(), settings.memory_limit)
        threads = Threads(connection.cursor(), settings.threads)
        self._read_memory = ReadMemory(self._memory, threads, settings.read_limit, settings.read_threads)
        self._appending = Appending(connection, Width(connection, settings.columns_from))
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="assay-store-prepare")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="assay-store-write")
        self._readers = ThreadPoolExecutor(settings.readers, thread_name_prefix="assay-store-read")
        self._upkeep = ThreadPoolExecutor(1, thread_name_prefix="assay-store-upkeep")
        self._upkeeping = Reading()  # of the copy under way
        self._local = threading.local()
        self._attached = Attached(name_of(directory.file))
        self._rewriting = Rewriting(directory, connection, self._attached, settings.row_group_size)
        self._scan_all = partial(self.scan, limits=_UPKEEP)
        self.texts = TextSearch(directory.path / "text", self._scan_all)
        self._settler = ThreadPoolExecutor(1, thread_name_prefix="assay-store-settle")
        self._settling = Settling(self._settle)
        self._rounds = settled.Rounds()
        self._copying = asyncio.Lock()  # taken before the other one, which may not be held while a copy is waited for
        self._changing = asyncio.Lock()  # while the file is written anew nothing but appends may change it

    @classmethod
    async def open(cls, path: str | Path, settings: Settings | None = None) -> "DuckStore":
        """Opens or makes the store in the directory `path`.

        Raises `Unavailable` when another process holds it (with its pid) or a newer Assay wrote it, `Corrupt` when
        the file cannot be read. In each case nothing was changed.
        """
        store = await asyncio.to_thread(_open, Path(path), settings or Settings())
        if store._appending.last_stamp:
            store._nudge()
        return store

    async def prepare(self, facts: Facts) -> Prepared:
        return await asyncio.get_running_loop().run_in_executor(self._preparing, prepare, facts)

    async def append(self, *given: Facts | Prepared) -> Appended:
        prepared = [await self.prepare(one) if isinstance(one, Facts) else one for one in given]
        appended = await self._in_writer(partial(self._append, prepared))
        self._nudge()
        return appended

    async def scan(
        self, sql: str, params: Sequence[Any] = (), *, limits: Limits = DEFAULT_LIMITS
    ) -> list[dict[str, Any]]:
        return await self._read(partial(rows_of, sql=sql, params=params, limits=limits), limits)

    async def columns(
        self, sql: str, params: Sequence[Any] = (), *, limits: Limits = DEFAULT_LIMITS
    ) -> dict[str, NDArray[Any]]:
        return await self._read(partial(columns_of, sql=sql, params=params, limits=limits), limits)

    async def _read(self, read: Callable[[duckdb.DuckDBPyConnection], T], limits: Limits) -> T:
        reading = Reading()
        work = asyncio.get_running_loop().run_in_executor(self._readers, partial(self._answer, read, reading))
        try:
            in_time = await wait_or_stop(work, reading, limits.seconds)
        finally:
            if limits is not _UPKEEP:
                self._read_memory.took(reading.cpu_s)
        if not in_time:
            raise Unavailable(
                f"The query took longer than {limits.seconds:g} s.", field="query", fix="narrow the time or the filters"
            )
        return work.result()

    async def reprice(self, project: str, prices: Sequence[Priced]) -> int:
        return await self._change(partial(reprice, self._connection, project, prices))

    async def decide(self, project: str, kept: Sequence[str], let_go: Sequence[str], since_ns: int) -> int:
        gone = await self._change(partial(self._decide, project, kept, let_go, since_ns))
        self._nudge()
        return gone

    async def erase(self, project: str, doomed: Sequence[Doomed]) -> dict[str, int]:
        return await to_its_end(self._erase_and_forget(project, doomed))

    async def _erase_and_forget(self, project: str, doomed: Sequence[Doomed]) -> dict[str, int]:
        change = partial(self._change, partial(self._erase, project, doomed))
        removed = await self.texts.renew(project, await traces_of(self._scan_all, project, doomed), change)
        self._settling.nudge()
        return removed

    async def let_go(self, project: str, rows: Sequence[Thinned], now_ns: int) -> int:
        return await to_its_end(self._let_go_and_forget(project, rows, now_ns))

    async def _let_go_and_forget(self, project: str, rows: Sequence[Thinned], now_ns: int) -> int:
        change = partial(self._change, partial(let_go, self._connection, project, rows, now_ns))
        async with self._copying:  # no log is emptied while somebody reads what rows were before they were changed
            return await self.texts.renew(project, await traces_of_rows(self._scan_all, project, rows), change)

    async def compact(self) -> Rewritten:
        return await to_its_end(self._compact_and_purge())

    async def _compact_and_purge(self) -> Rewritten:
        rewritten = await self._compact()
        await self.texts.purge()
        return rewritten

    async def copy(self, folder: Path) -> dict[str, int]:
        return await to_its_end(self._copy(folder))

    async def _copy(self, folder: Path) -> dict[str, int]:
        async with self._copying:
            return await self._in_upkeep(lambda cursor: self._rewriting.copy(cursor, folder))

    async def check(self) -> None:
        await self.scan("SELECT 1 AS one")
        await asyncio.to_thread(check_writable, self._directory.path, self._settings.reserve)

    async def stats(self) -> Stats:
        counts = (f"(SELECT count(*) FROM {table.name}) AS {table.name}" for table in _TABLES)  # noqa: S608
        rows = (await self.scan("SELECT " + ", ".join(counts)))[0]
        return Stats(rows, self._directory.size())

    async def settle(self) -> None:
        await self._settling.catch_up()

    async def close(self) -> None:
        await self._settling.close()
        await self.texts.close()
        await self._read_memory.close()
        await asyncio.to_thread(self._close)

    def _nudge(self) -> None:
        self.texts.nudge()
        self._settling.nudge()

    async def _in_writer(self, work: Callable[[], T]) -> T:
        """Runs to its end even when the caller goes away: half a transaction helps nobody."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._writer, work))

    async def _change(self, work: Callable[[], T]) -> T:
        """The lock, too, is held to the end of the work: a change that slips into a rewrite would be lost."""

        async def locked() -> T:
            async with self._changing:
                return await self._in_writer(partial(self._healed, work))

        return await to_its_end(locked())

    async def _settle(self) -> bool:
        """Held up by whatever changes what is stored, and in nobody's way who appends or reads."""

        async def locked() -> bool:
            async with self._changing:
                return await asyncio.get_running_loop().run_in_executor(self._settler, self._settle_once)

        return await to_its_end(locked())

    async def _compact(self) -> Rewritten:
        async with self._copying, self._changing:
            return await self._in_upkeep(lambda cursor: self._rewriting.run(cursor, self._between_appends))

    async def _in_upkeep(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Like `_in_writer`, on a cursor of its own in a thread of its own; `close` interrupts it.

        Once more with more memory where it takes that: without a copy no deletion ends, and there is no backup.
        """

        def once() -> T:
            cursor = self._connection.cursor()
            try:
                if not self._upkeeping.start(cursor):
                    raise Unavailable("The store is being closed.")
                return work(cursor)
            finally:
                self._upkeeping.end()
                cursor.close()

        def run() -> T:
            with closing(self._connection.cursor()) as cursor:
                ready = partial(self._put_in_order, once)
                return with_memory(cursor, ready, self._memory, self._settings, self._directory)

        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._upkeep, run))

    def _put_in_order(self, work: Callable[[], T]) -> T:
        """What `work` gives. Where the facts are out of order it fails as it did, and they are in order afterwards."""
        try:
            return wrapped(work)
        except Invalidated as error:
            self._between_appends(partial(self._attach_again, error))
            raise

    def _settle_once(self) -> bool:
        try:
            return self._put_in_order(self._settle_a_round)
        except Invalidated:  # a checkpoint found no room in memory or on the disk
            return self._settle_a_round()

    def _settle_a_round(self) -> bool:
        name = self._attached.lease()
        cursor = self._connection.cursor()
        try:
            cursor.execute(f"USE {name}")
            return wrapped(partial(self._rounds.run, cursor))
        finally:
            cursor.close()
            self._attached.release(name)

    def _append(self, prepared: Sequence[Prepared]) -> Appended:
        check_room(self._directory.path, self._settings.reserve)
        return self._healed(partial(self._appending.append, prepared))

    def _healed(self, work: Callable[[], T]) -> T:
        """In the writer's thread: where a failed checkpoint took the database out of order, puts it in order again."""
        ready = partial(unstuck, self._connection, work)
        try:
            return wrapped(ready)
        except Invalidated as error:
            self._attach_again(error)
            return wrapped(ready)

    def _attach_again(self, error: Invalidated) -> None:
        """In the writer's thread. Its log is replayed; readers go on by its name, unless somebody was quicker."""
        name, control = self._attached.name, self._control
        keep_whole(control, self._directory, error.__cause__)

        def work() -> None:
            roll_back(self._connection)  # what it has begun, or not read to the end, would keep the file open
            try:
                control.execute(f"SELECT max(rowid) FROM {name}.traces").fetchall()  # noqa: S608
            except duckdb.Error:
                control.execute(f"DETACH DATABASE IF EXISTS {name}")
                attached_soon(control, name, self._directory.file, self._settings.row_group_size)
                self._connection.execute(f"USE {name}")

        with self._attached.away():
            wrapped(work)

    def _between_appends(self, work: Callable[[], T]) -> T:
        return self._writer.submit(unstuck, self._connection, work).result()

    def _decide(self, project: str, kept: Sequence[str], let_go: Sequence[str], since_ns: int) -> int:
        return decide(self._connection, project, kept, let_go, since_ns, self._appending.stamp())

    def _erase(self, project: str, doomed: Sequence[Doomed]) -> dict[str, int]:
        try:
            return erase(self._connection, project, doomed)
        finally:
            self._appending.key_sets.forget()  # names that nobody has any more may be gone, too

    def _answer(self, read: Callable[[duckdb.DuckDBPyConnection], T], reading: Reading) -> T:
        began = time.thread_time()
        answer = partial(self._answer_once, read, reading)
        try:
            return self._put_in_order(answer)
        except Invalidated:
            return answer()
        finally:
            reading.cpu_s = time.thread_time() - began

    def _answer_once(self, read: Callable[[duckdb.DuckDBPyConnection], T], reading: Reading) -> T:
        name = self._attached.lease()
        try:
            cursor = wrapped(partial(self._cursor, name))
            if not reading.start(cursor):
                raise Unavailable("Nobody waits for the answer any more.")
            return self._read_out(cursor, read)
        finally:
            reading.end()
            self._attached.release(name)

    def _read_out(self, cursor: duckdb.DuckDBPyConnection, read: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """An answer of which nobody takes the rest would keep the file open for as long as this thread has nothing to
        do: it could not be attached again, nor leave the disk."""
        try:
            return wrapped(partial(read, cursor))
        except BaseException:
            roll_back(cursor)
            raise

    def _cursor(self, name: str) -> duckdb.DuckDBPyConnection:
        """One cursor for each reading thread."""
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = self._connection.cursor()
        if getattr(self._local, "name", None) != name:
            cursor.execute(f"USE {name}")
            self._local.name = name
        return cursor

    def _close(self) -> None:
        while self._upkeeping.stop():
            time.sleep(_STOPPING_S)
        self._upkeep.shutdown()
        self._settler.shutdown()
        self._readers.shutdown()
        self._preparing.shutdown()
        self._writer.shutdown()
        self._connection.close()
        self._directory.release()


def _open(path: Path, settings: Settings) -> DuckStore:
    directory, connection = opened(path, settings)
    try:
        return DuckStore(directory, connection, settings)
    except BaseException:
        connection.close()
        directory.release()
        raise
