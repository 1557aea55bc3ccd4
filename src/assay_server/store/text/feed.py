"""One index, and how far it knows the facts: takes commits in their order, a round at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from assay_server.core.errors import Unavailable
from assay_server.store.faults import is_of_memory
from assay_server.store.seen import trace_key
from assay_server.store.text.documents import Entry
from assay_server.store.text.index import TextIndex
from assay_server.store.text.pending import Round
from assay_server.store.text.texts import ROWS, TRACES_SINCE
from assay_server.store.text.unread import Scan

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]

_ROUND = 4_000  # rows of one commit of the index, as a goal
_MOST_COMMITS = 500  # of the store, in one round
_REMEMBERED = 200_000  # texts
_RENEWED, _FORGOTTEN = 500, 10_000  # traces at once: of which something is left, and of which nothing is
_MOST_PENDING, _MOST_CHARACTERS = 60_000, 64_000_000
"""Rows in memory that are not indexed yet, and characters of their texts: half a minute of a busy server."""
_HURRIED_S, _CALM_S = 25.0, 12.0
"""Seconds behind: where others leave too little, from so far behind on the index takes its turn like everybody else,
until it is near again. Not where it is made anew: that takes minutes, and nobody waits for its last second."""
_AT_ONCE = 20_000  # rows, half a second, that the first who asks waits for; from the facts it would take longer

_COMMITS = f"""
SELECT stored_ns, sum(n) AS n FROM (
    SELECT stored_ns, count(*) AS n FROM spans WHERE stored_ns > ? GROUP BY stored_ns UNION ALL
    SELECT stored_ns, count(*) AS n FROM events WHERE stored_ns > ? GROUP BY stored_ns)
GROUP BY stored_ns ORDER BY stored_ns LIMIT {_MOST_COMMITS}
"""  # noqa: S608
_NEW = ROWS.format(spans="", events="", traces=TRACES_SINCE)
_STARTS = "SELECT project, trace_id, start_ns FROM traces WHERE key IN (SELECT unnest(?::UBIGINT[]))"
_OF_TRACES = "AND project = ? AND trace_id IN (SELECT unnest(?::VARCHAR[]))"
_LEFT = " UNION ".join(f"SELECT trace_id FROM {table} WHERE true {_OF_TRACES}" for table in ("traces", "events"))  # noqa: S608
_OLD = ROWS.format(spans=_OF_TRACES, events=_OF_TRACES, traces="traces")


class Feed:
    """`some` and `renew` take turns: whoever calls them sees to that. Anybody may read ahead meanwhile."""

    def __init__(self, index: TextIndex, scan: Scan, in_thread: InThread, through: int = -1) -> None:
        """`through`: the `stored_ns` up to which the index knows all. `in_thread` runs what blocks."""
        self.index = index
        self.through = through
        self.pending: list[Round] = []  # read and not indexed, oldest first
        self._scan = scan
        self._in_thread = in_thread
        self._seen: set[int] = set()  # texts that are indexed or pending
        self._was_near = False  # behind by seconds only
        self._reading = asyncio.Lock()

    async def some(self) -> bool:
        """Indexes the oldest commits that it does not know; False when there are no others."""
        more = True
        if sum(each.rows for each in self.pending) < _ROUND:
            more = await self._read_round() > 0
        rounds = _of_one_round(self.pending)
        if rounds:
            await self._in_thread(partial(self._pace, (time.time_ns() - rounds[0].until_ns) / 1e9))
            entries = chain.from_iterable(each.entries() for each in rounds)
            await self._in_thread(partial(self.index.add, entries))
            # Both at once: who asks meanwhile finds a row here or there.
            self.through = rounds[-1].until_ns
            self.pending = self.pending[len(rounds) :]
        return more or bool(self.pending)

    async def read_ahead(self) -> bool:
        """Reads all that was stored before into `pending`; False where that is too much, or would take too long.

        Then a part of it is read, so that the next who asks has less to wait for.
        """
        while self._has_room():
            left = await self._read_round()
            if left == 0:
                return True
            if left > _AT_ONCE:
                return False
        return False

    async def read_on(self) -> None:
        """Reads what there is room for into `pending`, however much that is: nobody waits for it."""
        while self._has_room() and await self._read_round():
            pass

    async def renew(self, project: str, traces: Sequence[str]) -> None:
        """Puts what is stored now of these traces in the place of what is indexed."""
        async with self._reading:  # what is being read may hold what was taken away
            self.pending = []
            self._seen.clear()
        left = await self._left(project, traces)
        gone = [(project, trace_id) for trace_id in traces if trace_id not in left]
        for start in range(0, len(gone), _FORGOTTEN):
            await self._in_thread(partial(self.index.add, (), gone[start : start + _FORGOTTEN]))
        kept = [trace_id for trace_id in traces if trace_id in left]
        for start in range(0, len(kept), _RENEWED):
            some = kept[start : start + _RENEWED]
            window, narrow = [-1, self.through], [project, some]
            rows = await self._scan(_OLD, [*window, *narrow, *window, *narrow])
            names = [(project, trace_id) for trace_id in some]
            await self._in_thread(partial(self.index.add, _entries(rows, self.through), names))

    def _pace(self, behind_s: float) -> None:
        self._was_near = self._was_near or behind_s < _CALM_S
        if behind_s < _CALM_S or (self._was_near and behind_s >= _HURRIED_S):
            self.index.hurry(behind_s >= _HURRIED_S)

    async def _left(self, project: str, traces: Sequence[str]) -> set[str]:
        """Those of which anything is stored."""
        left: set[str] = set()
        for start in range(0, len(traces), _FORGOTTEN):
            some = list(traces[start : start + _FORGOTTEN])
            left.update(row["trace_id"] for row in await self._scan(_LEFT, [project, some, project, some]))
        return left

    def _has_room(self) -> bool:
        rows, characters = sum(each.rows for each in self.pending), sum(each.characters for each in self.pending)
        return rows < _MOST_PENDING and characters < _MOST_CHARACTERS

    async def _read_round(self) -> int:
        """Reads the oldest commits that are neither indexed nor pending; how many rows are behind them, at least."""
        async with self._reading:
            after = self.pending[-1].until_ns if self.pending else self.through
            commits = await self._scan(_COMMITS, [after] * 2)
            if not commits:
                return 0
            rows, until, left = await self._read_some(after, commits)
            if len(self._seen) > _REMEMBERED:
                self._seen.clear()
            read = await asyncio.to_thread(Round, rows, until, self._seen)
            # Both at once: who stops waiting for it leaves no text that is known and stands nowhere.
            self._seen |= read.taken
            self.pending = [*self.pending, read]
            return left

    async def _read_some(
        self, after: int, commits: Sequence[Mapping[str, Any]]
    ) -> tuple[list[dict[str, Any]], int, int]:
        """The rows of the first commits, until when that is, and how many there are behind; fewer where they are so
        large that the store has no memory for all."""
        goal = _ROUND
        while True:
            until, left = _end_of_round(commits, goal)
            try:
                rows = await self._scan(_NEW, [after, until, after, until, after])
            except Unavailable as error:
                if goal == 1 or not is_of_memory(error.__cause__):
                    raise
                goal = max(1, goal // 8)
            else:
                return await self._placed(rows), until, left

    async def _placed(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of older traces get the starts of these."""
        strays = [row for row in rows if not row["placed"]]
        if strays:
            keys = list({trace_key(row["project"], row["trace_id"]) for row in strays})
            found = await self._scan(_STARTS, [keys])
            starts = {(row["project"], row["trace_id"]): row["start_ns"] for row in found}
            for row in strays:
                row["start_ns"] = starts.get((row["project"], row["trace_id"]), row["start_ns"])
        return rows


def _entries(rows: Sequence[Mapping[str, Any]], until_ns: int) -> Iterator[Entry]:
    return Round(rows, until_ns).entries()


def _of_one_round(pending: Sequence[Round]) -> Sequence[Round]:
    """The oldest, one at least; those who ask read a few rows each."""
    rows = 0
    for place, each in enumerate(pending):
        rows += each.rows
        if place and rows > _ROUND:
            return pending[:place]
    return pending


def _end_of_round(commits: Sequence[Mapping[str, Any]], goal: int) -> tuple[int, int]:
    """(the `stored_ns` up to which to read, how many rows there are behind it); whole commits, one at least."""
    until, rows = int(commits[0]["stored_ns"]), int(commits[0]["n"])
    for place, commit in enumerate(commits[1:], 1):
        if rows + commit["n"] > goal:
            return until, sum(int(other["n"]) for other in commits[place:])
        until, rows = int(commit["stored_ns"]), rows + int(commit["n"])
    return until, int(len(commits) == _MOST_COMMITS)
