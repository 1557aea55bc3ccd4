"""Keeps the index behind the facts by seconds, and answers from both: the index, and plain reading of what is newer."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from assay_server.core.errors import AssayError
from assay_server.store.text.index import Bounds, Entry, Found, TextIndex
from assay_server.store.text.removals import Removals
from assay_server.store.text.texts import ROWS, texts_of
from assay_server.store.text.unread import BEHIND, MOST_READ, NEWEST_UNREAD, Scan, read_plainly
from assay_server.store.text.words import wanted

T = TypeVar("T")

_log = logging.getLogger(__name__)

_EVERY_S = 2.0  # commits gather for so long before they are indexed
_ROUND = 4_000  # rows of one commit of the index, as a goal
_MOST_COMMITS = 500  # of the store, in one round
_REMEMBERED = 200_000  # texts
_RENEWED = 500  # traces at once
_LONGEST_PAUSE_S = 5.0
_RETRY_S = 30.0

_COMMITS = f"""
SELECT stored_ns, sum(n) AS n FROM (
    SELECT stored_ns, count(*) AS n FROM spans WHERE stored_ns > ? GROUP BY stored_ns UNION ALL
    SELECT stored_ns, count(*) AS n FROM events WHERE stored_ns > ? GROUP BY stored_ns)
GROUP BY stored_ns ORDER BY stored_ns LIMIT {_MOST_COMMITS}
"""  # noqa: S608
_OF_TRACES = "AND project = ? AND trace_id IN (SELECT unnest(?::VARCHAR[]))"
_ROWS_OF = ROWS.format(spans=_OF_TRACES, events=_OF_TRACES)
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
        self._index: TextIndex | None = None
        self._through = -1  # the `stored_ns` up to which the index knows all
        self._remembered: set[int] = set()
        self._removals = Removals(folder)
        self._took_s = 0.0  # by the last round
        self._turn = asyncio.Lock()  # one writes at a time
        self._opening = asyncio.Lock()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

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
        index = await self._opened()
        (
            after_ns,
            whole,
        ) = await self._unread_since()  # before the index is asked: a row may be found twice, never missed
        indexed = await asyncio.to_thread(index.find, project, want, bounds, limit)
        unread = await read_plainly(self._scan, project, want, bounds, after_ns, limit)
        return _merged(indexed, unread, limit, whole)

    async def _unread_since(self) -> tuple[int, bool]:
        """(the `stored_ns` behind which rows are read plainly, whether those are all that the index does not know)"""
        newest = await self._scan(NEWEST_UNREAD, [self._through] * 2)
        return (self._through, True) if not newest else (newest[0]["stored_ns"], False)

    async def state(self, project: str) -> TextState:
        index = await self._opened()
        row = (await self._scan(BEHIND, [project, self._through] * 2))[0]
        seconds = 0.0 if row["oldest_ns"] is None else max(0.0, (time.time_ns() - row["oldest_ns"]) / 1e9)
        texts = await asyncio.to_thread(index.count, project)
        return TextState("building" if row["n"] > MOST_READ else "ready", row["n"], seconds, texts)

    async def catch_up(self) -> None:
        """Returns when all that was stored before is indexed."""
        while await self._index_some():
            pass

    async def renew(self, project: str, traces: Sequence[str], change: Callable[[], Awaitable[T]]) -> T:
        """Runs `change`, which takes rows or texts of these traces away, and indexes anew what is left of them.

        A kill in between is made good at the next opening.
        """
        if not traces:
            return await change()
        index = await self._opened()
        self._removals.begin(project, traces)
        try:
            return await change()
        finally:
            await self._renew(index, project, traces)
            self._removals.end()

    async def purge(self) -> None:
        """Where something was removed: begins the index anew, so that the disk holds none of it."""
        if self._removals.any:
            await self.rebuild()
            self._removals.forget()

    async def rebuild(self) -> None:
        """Begins anew from the facts."""
        index = await self._opened()
        async with self._turn:
            self._through = -1  # from here on everything is read plainly until it is indexed again
            self._remembered.clear()
            await self._in_thread(index.clear)
        self.nudge()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        async with self._turn:
            if self._index is not None:
                await self._in_thread(self._index.close)
        self._thread.shutdown()

    async def _work(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(self._every_s)
            self._news.clear()
            try:
                while await self._index_some():
                    await self._yield_to_ingest()
            except (AssayError, OSError, ValueError):
                _log.exception("texts could not be indexed; they are read plainly until the next try")
                await asyncio.sleep(_RETRY_S)
                self._news.set()

    async def _yield_to_ingest(self) -> None:
        """While facts come in, the index works a third of the time."""
        if self._news.is_set():
            await asyncio.sleep(min(2 * self._took_s, _LONGEST_PAUSE_S))

    async def _index_some(self) -> bool:
        """Indexes the oldest commits that it does not know; False when there are no others."""
        index = await self._opened()
        async with self._turn:
            commits = await self._scan(_COMMITS, [self._through] * 2)
            until, more = _of_one_round(commits)
            if until is None:
                return False
            rows = await self._scan(ROWS.format(spans="", events=""), [self._through, until] * 2)
            began = time.perf_counter()
            if len(self._remembered) > _REMEMBERED:
                self._remembered.clear()
            await self._in_thread(partial(index.add, _entries(rows, self._remembered)))
            self._took_s = time.perf_counter() - began
            self._through = until
            return more

    async def _renew(self, index: TextIndex, project: str, traces: Sequence[str]) -> None:
        for start in range(0, len(traces), _RENEWED):
            some = traces[start : start + _RENEWED]
            async with self._turn:
                window, narrow = [-1, self._through], [project, list(some)]
                rows = await self._scan(_ROWS_OF, [*window, *narrow, *window, *narrow])
                names = [(project, trace_id) for trace_id in some]
                await self._in_thread(partial(index.add, _entries(rows, set()), names))

    async def _opened(self) -> TextIndex:
        """The index; one that knows more than the facts (they come from a backup) is begun anew."""
        async with self._opening:
            if self._index is None:
                index = await self._in_thread(lambda: TextIndex(self._folder))
                through = await self._in_thread(index.newest)
                newest = (await self._scan(_NEWEST, []))[0]["newest_ns"]
                if through > (newest or 0):
                    await self._in_thread(index.clear)
                    through = -1
                self._index, self._through = index, through
                for project, traces in self._removals.unfinished():
                    await self._renew(index, project, traces)
                self._removals.end()
            return self._index

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))


def _entries(rows: Sequence[Mapping[str, Any]], seen: set[int]) -> Iterator[Entry]:
    """Every text of a trace once: conversations repeat in each call what was said before."""
    for row in rows:
        for text in texts_of(row):
            mark = hash((row["project"], row["trace_id"], text))
            if mark not in seen:
                seen.add(mark)
                yield Entry(row["project"], row["trace_id"], row["start_ns"], row["stored_ns"], text)


def _of_one_round(commits: Sequence[Mapping[str, Any]]) -> tuple[int | None, bool]:
    """(the `stored_ns` up to which to read, whether there are others behind it); never a part of a commit."""
    until, rows = None, 0
    for place, commit in enumerate(commits):
        if until is not None and rows + commit["n"] > _ROUND:
            return until, True
        until, rows = commit["stored_ns"], rows + int(commit["n"])
        if place + 1 == _MOST_COMMITS:
            return until, True
    return until, False


def _merged(indexed: Found, unread: Found, limit: int, whole: bool) -> Found:
    both = sorted({*indexed.traces, *unread.traces}, reverse=True)
    return Found(both[:limit], whole and indexed.complete and unread.complete and len(both) <= limit)
