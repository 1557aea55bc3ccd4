"""How much memory and how many threads the engine may use: few while spans come in, more for a while for what needs it.

A question that reads parts of the file which were let go loads them anew, a block at a time, with its checksum. Of two
million spans (3.4 GB) a dashboard's questions take half as long again with 448 MB as with 2 GB. But who only takes
spans in is promised a process under 1 GB. So the limit is raised when somebody reads, and lowered, which gives the
memory back at once, when nobody did for some minutes. Threads go with it, one for each core: each wants memory too.
"""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import duckdb

from assay_server.core.errors import Unavailable
from assay_server.core.sizes import size_of
from assay_server.store.directory import Directory
from assay_server.store.faults import Invalidated, is_of_memory, is_of_width, wrapped
from assay_server.store.opening import Settings
from assay_server.store.width import NEVER, columns_from

T = TypeVar("T")

_log = logging.getLogger(__name__)

_OF_A_THREAD = 128e6  # bytes; DuckDB's advice is 125 MB at least

_SHARE = 8  # of the machine's memory, or the container's
_TAKEN_BY_ITSELF = 0.8  # of that: what the engine would take if it were told nothing

_MANY_S = 2.0  # of computing: two pages of dashboards, or some twenty looks at a list, of a million spans; not monitors
_FEW_S = 1.0
_AGAIN_S = 30.0
_FADES_S = 180.0  # what was read so long ago weighs a third


class MemoryLimit:
    """The limit of one engine: the most of what is wanted just now. Any thread may ask."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, usual: str) -> None:
        """`cursor` is used by nobody else."""
        self._cursor = cursor
        self._usual = usual
        self._wanted: list[str] = []
        self._holds = usual
        self._lock = threading.Lock()

    @property
    def holds(self) -> str:
        return self._holds

    @contextmanager
    def wanted(self, size: str) -> Iterator[None]:
        """At least so much until the block ends."""
        self.want(size)
        try:
            yield
        finally:
            self.let_go(size)

    def want(self, size: str) -> None:
        """At least so much until it is let go."""
        with self._lock:
            self._wanted.append(size)
            self._set()

    def let_go(self, size: str) -> None:
        """Takes a fifth of a second for 2 GB of blocks."""
        with self._lock:
            self._wanted.remove(size)
            self._set()

    def again(self) -> bool:
        """Whether what is wanted holds, now: what others use just then cannot be taken from them."""
        with self._lock:
            return self._set()

    def _set(self) -> bool:
        most = max([self._usual, *self._wanted], key=size_of)
        if most == self._holds:
            return True
        try:
            self._cursor.execute(f"SET GLOBAL memory_limit = '{most}'")
        except duckdb.Error as error:
            _log.warning("the store keeps its limit of memory, %s, for now: %s", self._holds, error)
            return False
        self._holds = most
        return True


class Threads:
    """How many one engine computes with. Any thread may ask; whoever does waits for what runs just then."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, usual: int) -> None:
        """`cursor` is used by nobody else."""
        self._cursor = cursor
        self._usual = self.are = usual

    def more(self, most: int, memory: str) -> None:
        """Up to `most`, so many as there is memory for; never less than usual."""
        self._set(max(self._usual, min(most, int(size_of(memory) / _OF_A_THREAD))))

    def usual(self) -> None:
        self._set(self._usual)

    def _set(self, n: int) -> None:
        if n != self.are:
            self._cursor.execute(f"SET GLOBAL threads = {int(n)}")
            self.are = n


class ReadMemory:
    """Raises the limits when people read, and lowers them when they have gone. One per store."""

    def __init__(
        self,
        limit: MemoryLimit,
        threads: Threads,
        most: str | None = None,
        most_threads: int | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`most` and `most_threads`: what may be used while people read; None: a share of the machine's memory, and a
        thread for each of its cores."""
        self._limit = limit
        self._threads = threads
        self._most = most
        self._most_threads = most_threads
        self._seconds = seconds
        self._read_s, self._at = 0.0, seconds()
        self._task: asyncio.Task[None] | None = None

    def took(self, seconds: float) -> None:
        """Somebody's question took so many seconds of computing: by the clock a busy machine would be many readers."""
        self._read_s, self._at = self._lately() + seconds, self._seconds()
        if self._read_s >= _MANY_S and self._task is None:
            self._task = asyncio.create_task(self._stay(), name="assay-store-memory")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _lately(self) -> float:
        """Seconds of it, those of long ago weighing little."""
        return self._read_s * math.exp((self._at - self._seconds()) / _FADES_S)

    def _still_s(self) -> float:
        """Seconds until little of it is left, if nobody reads any more."""
        return self._at + _FADES_S * math.log(self._read_s / _FEW_S) - self._seconds()

    async def _stay(self) -> None:
        try:
            share, cores = await asyncio.to_thread(share_of_machine)
            most, most_threads = self._most or share, self._most_threads or cores
            await asyncio.to_thread(self._limit.want, most)
            await asyncio.to_thread(self._threads.more, most_threads, self._limit.holds)
            held, threads = self._limit.holds, self._threads.are
            _log.info("while people read the facts may use %s of memory and %d threads", held, threads)
            while (left_s := self._still_s()) > 0:  # noqa: ASYNC110 - nothing but time ends it
                await asyncio.sleep(left_s)
            await asyncio.to_thread(self._threads.usual)
            await asyncio.to_thread(self._limit.let_go, most)
            while not await asyncio.to_thread(self._limit.again):  # noqa: ASYNC110 - as above
                await asyncio.sleep(_AGAIN_S)
        except duckdb.Error as error:
            _log.warning("how much memory this machine has could not be told; readers use what there is: %s", error)
        finally:
            self._task = None


def share_of_machine() -> tuple[str, int]:
    """An eighth of its memory, and all its cores. The engine knows the machine's, and a container's."""
    with duckdb.connect(":memory:") as told_nothing:
        row = told_nothing.execute("SELECT current_setting('memory_limit'), current_setting('threads')").fetchone()
    assert row is not None  # noqa: S101  (settings have a value)
    return f"{size_of(str(row[0])) / _TAKEN_BY_ITSELF / _SHARE / 1e6:.0f}MB", int(row[1])


def keep_whole(cursor: duckdb.DuckDBPyConnection, directory: Directory, error: BaseException | None) -> bool:
    """Where a checkpoint failed for want of memory, attributes are no longer spread over columns: with a thousand names
    that takes more memory than the store has, and every later checkpoint would fail too. The directory remembers it."""
    if not is_of_width(error):
        return False
    _log.warning("the attributes of spans have too many names for columns of their own: they are stored whole, and"
                 " conditions on them take longer; names should not hold ids")  # fmt: skip
    cursor.execute(columns_from(NEVER))
    try:
        directory.set_whole()
    except OSError as failed:  # what puts the facts in order must not stop for that: the next start finds out again
        _log.warning("that could not be noted: %s", failed)
    return True


def with_memory(
    cursor: duckdb.DuckDBPyConnection,
    work: Callable[[], T],
    limit: MemoryLimit,
    settings: Settings,
    directory: Directory,
) -> T:
    """What `work` gives, which leaves nothing behind where it fails; once more where the facts were out of order
    and its failure put them in order; where it found too little memory, once more with the `copy_limit`. The engine
    reads 2,048 rows at once, whatever is in them."""
    try:
        return wrapped(work)
    except Unavailable as error:
        if keep_whole(cursor, directory, error.__cause__) or isinstance(error, Invalidated):
            return wrapped(work)
        if not is_of_memory(error.__cause__):
            raise
    _log.warning("the rows of the store are too large for %s: it is copied with %s", limit.holds, settings.copy_limit)
    with limit.wanted(settings.copy_limit):
        return wrapped(work)
