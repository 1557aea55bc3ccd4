"""Keeps the index behind the facts by seconds, and answers from both: the index, and the texts of what is newer."""

import asyncio
import logging
import math
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from assay_server.core.errors import Unavailable
from assay_server.store.faults import wrapped
from assay_server.store.text.feed import Feed
from assay_server.store.text.index import Bounds, Found, TextIndex
from assay_server.store.text.pending import Round, find_in
from assay_server.store.text.removals import Removals
from assay_server.store.text.unread import BEHIND, MOST_READ, NEWEST_UNREAD, Scan, read_plainly
from assay_server.store.text.words import Wanted, wanted

T = TypeVar("T")

_log = logging.getLogger(__name__)

_EVERY_S = 2.0  # commits gather for so long before they are indexed
_LONGEST_PAUSE_S = 5.0
_RESTS = ((20.0, 0.0), (10.0, 1.0))
"""(seconds behind, rest): from so far behind on, so much rest for the time of a round."""
_LONGEST_REST = 2.0
_ASKED_S = 60.0
"""For so many seconds after a search the index takes no rest, and what is stored is read into memory while it writes or
merges: the next search has less to read."""
_READ_EVERY_S = 0.5
_RETRY_S = 30.0
_FRESH = "fresh"  # the folder of an index that is being made anew

_NEWEST = """
SELECT max(n) AS newest_ns
FROM (SELECT max(stored_ns) AS n FROM spans UNION ALL SELECT max(stored_ns) FROM events)
"""


@dataclass(slots=True, frozen=True)
class TextState:
    """`rows` are stored and not indexed yet, the oldest of them since `seconds`; `texts` are indexed."""

    state: Literal["ready", "building"]
    rows: int
    seconds: float
    texts: int


class TextSearch:
    """One per store. Nothing of it is made, and the library is not imported, before there is something to index."""

    def __init__(self, folder: Path, scan: Scan, *, every_s: float = _EVERY_S) -> None:
        """`scan` reads the store; its answers may be as long as one commit."""
        self._folder = folder
        self._scan = scan
        self._every_s = every_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="assay-text")
        self._feed: Feed | None = None
        self._fresh: Feed | None = None  # while the index is made anew beside the one in use
        self._removals = Removals(folder)
        self._turn = asyncio.Lock()  # one writes at a time
        self._opening = asyncio.Lock()
        self._rebuilding = asyncio.Lock()
        self._removing = asyncio.Lock()
        self._closed = False
        self._asked = -math.inf  # when words were last looked for
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None

    def nudge(self) -> None:
        """Something was stored."""
        self._news.set()
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="assay-text")

    async def find(self, project: str, text: str, bounds: Bounds, limit: int) -> Found:
        """Traces with one text that holds all the words. Raises `InvalidInput` where a starred word fits too many."""
        want = wanted(text)
        if want.nowhere:
            return Found([], complete=True)
        self._asked = time.monotonic()
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_while_asked(), name="assay-text-read")
        feed = await self._opened()
        if await feed.read_ahead():
            return await self._from_memory(feed, project, want, bounds, limit)
        return await self._from_facts(feed, project, want, bounds, limit)

    async def state(self, project: str) -> TextState:
        feed = await self._opened()
        row = (await self._scan(BEHIND, [project, feed.through] * 2))[0]
        seconds = 0.0 if row["oldest_ns"] is None else max(0.0, (time.time_ns() - row["oldest_ns"]) / 1e9)
        texts = await asyncio.to_thread(feed.index.count, project)
        return TextState("building" if row["n"] > MOST_READ else "ready", row["n"], seconds, texts)

    async def catch_up(self) -> None:
        """Returns when all that was stored before is indexed."""
        while await self._index_some():
            pass

    async def renew(self, project: str, traces: Sequence[str], change: Callable[[], Awaitable[T]]) -> T:
        """Runs `change`, which takes rows or texts of these traces away, and indexes anew what is left of them.

        A kill in between is made good at the next opening, and what the index refused by the next removal.
        """
        if not traces and not self._removals.unfinished():
            return await change()
        await self._opened()
        async with self._removing:
            pending = await asyncio.to_thread(wrapped, partial(self._removals.begin, project, traces))
            try:
                return await change()
            finally:
                await self._renew(pending)
                self._removals.end()

    async def purge(self) -> None:
        """Where something was removed: makes the index anew, so that the disk holds none of it on return."""
        if self._removals.any:
            begun, before = self._removals.begun, self._removing.locked()
            await self.rebuild()
            # What is removed beside it may have been read before, and waits for the next time.
            if not before and not self._removing.locked() and begun == self._removals.begun:
                self._removals.forget()

    async def rebuild(self) -> None:
        """Makes the index anew from the facts beside the one in use, and puts it in its place.

        Raises `Unavailable` where the store is closed meanwhile: then the old one is still there.
        """
        async with self._rebuilding:
            await self._opened()
            shutil.rmtree(self._folder / _FRESH, ignore_errors=True)
            index = await self._in_thread(lambda: TextIndex(self._folder / _FRESH))
            self._fresh = Feed(index, self._scan, self._in_thread)
            try:
                while await self._feed_fresh(self._fresh):
                    pass
            finally:
                self._fresh = None

    async def close(self) -> None:
        self._closed = True
        for task in (self._task, self._reading):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        async with self._turn:
            for feed in (self._feed, self._fresh):
                if feed is not None:
                    await self._in_thread(feed.index.close)
        self._thread.shutdown()

    async def _from_memory(self, feed: Feed, project: str, want: Wanted, bounds: Bounds, limit: int) -> Found:
        # First what is not indexed yet, then what the index finds: a text may be found twice, never missed.
        pending = feed.pending
        return await asyncio.to_thread(_read, feed.index, pending, project, want, bounds, limit)

    async def _from_facts(self, feed: Feed, project: str, want: Wanted, bounds: Bounds, limit: int) -> Found:
        """What is neither indexed nor in memory is read plainly."""
        # First how far that is, then what is found there: a row may be found twice, never missed.
        pending, through = feed.pending, feed.through
        after_ns = pending[-1].until_ns if pending else through
        newest = await self._scan(NEWEST_UNREAD, [after_ns] * 2)
        read = await asyncio.to_thread(_read, feed.index, pending, project, want, bounds, limit)
        if newest:
            after_ns = newest[0]["stored_ns"]
        unread = await read_plainly(self._scan, project, want, bounds, after_ns, limit)
        return _merged(read, unread, limit, whole=not newest)

    async def _work(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(self._every_s)
            self._news.clear()
            try:
                await self._follow()
            except Exception:  # noqa: BLE001 - whatever it is: they are found without, and the next try may succeed
                _log.exception("texts could not be indexed; they are read plainly until the next try")
                await asyncio.sleep(_RETRY_S)
                self._news.set()

    async def _read_while_asked(self) -> None:
        try:
            while self._is_asked():
                await asyncio.sleep(_READ_EVERY_S)
                await (await self._opened()).read_on()
        except Exception:  # noqa: BLE001 - as above
            _log.exception("texts could not be read; the next search tries again")
        finally:
            self._reading = None

    async def _follow(self) -> None:
        """Catches up; while facts come in, it leaves them the machine as long as it is not far behind."""
        more = True
        while more:
            began = time.perf_counter()
            more = await self._index_some()
            if more and self._news.is_set():
                rest = 0.0 if self._is_asked() else _rest(self._behind_s()) * (time.perf_counter() - began)
                await asyncio.sleep(min(rest, _LONGEST_PAUSE_S))

    def _is_asked(self) -> bool:
        return time.monotonic() - self._asked < _ASKED_S

    def _behind_s(self) -> float:
        """Seconds since the newest commit that the index knows."""
        through = -1 if self._feed is None else self._feed.through
        return (time.time_ns() - through) / 1e9

    async def _index_some(self) -> bool:
        feed = await self._opened()
        async with self._turn:
            return await feed.some()

    async def _feed_fresh(self, fresh: Feed) -> bool:
        """A round of the new index; when it knows all, it takes the old one's place."""
        async with self._turn:
            if self._closed:
                raise Unavailable("The store is being closed: its index of texts was not made anew.")
            if await fresh.some():
                return True
            try:
                self._feed = await self._in_thread(lambda: self._swapped(fresh))
            except BaseException:
                self._feed = None  # its files may be gone: whoever comes next opens what is there
                raise
            return False

    async def _renew(self, pending: Sequence[tuple[str, Sequence[str]]]) -> None:
        async with self._turn:
            for feed in filter(None, (self._feed, self._fresh)):
                for project, traces in pending:
                    await feed.renew(project, traces)

    def _swapped(self, fresh: Feed) -> Feed:
        if self._feed is not None:
            self._feed.index.close()
        fresh.index.close()
        fresh.index.move_to(self._folder)
        return Feed(TextIndex(self._folder), self._scan, self._in_thread, fresh.through)

    async def _opened(self) -> Feed:
        """The index; one that knows more than the facts (they come from a backup) is begun anew."""
        async with self._opening:
            if self._feed is None:
                index = await self._in_thread(lambda: TextIndex(self._folder))
                through = await self._in_thread(index.newest)
                newest = (await self._scan(_NEWEST, []))[0]["newest_ns"]
                if through > (newest or 0):
                    await self._in_thread(index.clear)
                    through = -1
                feed = Feed(index, self._scan, self._in_thread, through)
                for project, traces in self._removals.unfinished():
                    await feed.renew(project, traces)
                self._removals.end()
                self._feed = feed
            return self._feed

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))


def _rest(behind_s: float) -> float:
    """Of the time that a round took, while facts come in: at most 30 s behind is what is promised."""
    return next((rest for least, rest in _RESTS if behind_s >= least), _LONGEST_REST)


def _read(index: TextIndex, pending: Sequence[Round], project: str, want: Wanted, bounds: Bounds, limit: int) -> Found:
    indexed = index.find(project, want, bounds, limit)
    return _merged(indexed, find_in(pending, project, want, bounds, limit), limit, whole=True)


def _merged(indexed: Found, unread: Found, limit: int, *, whole: bool) -> Found:
    both = sorted({*indexed.traces, *unread.traces}, reverse=True)
    return Found(both[:limit], whole and indexed.complete and unread.complete and len(both) <= limit)
