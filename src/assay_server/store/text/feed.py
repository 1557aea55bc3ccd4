"""One index, and how far it knows the facts: takes commits in their order, a round at a time."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from assay_server.store.text.index import Entry, TextIndex
from assay_server.store.text.texts import ROWS, texts_of
from assay_server.store.text.unread import Scan

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]

_ROUND = 4_000  # rows of one commit of the index, as a goal
_MOST_COMMITS = 500  # of the store, in one round
_REMEMBERED = 200_000  # texts
_RENEWED = 500  # traces at once

_COMMITS = f"""
SELECT stored_ns, sum(n) AS n FROM (
    SELECT stored_ns, count(*) AS n FROM spans WHERE stored_ns > ? GROUP BY stored_ns UNION ALL
    SELECT stored_ns, count(*) AS n FROM events WHERE stored_ns > ? GROUP BY stored_ns)
GROUP BY stored_ns ORDER BY stored_ns LIMIT {_MOST_COMMITS}
"""  # noqa: S608
_NEW = ROWS.format(spans="", events="")
_OF_TRACES = "AND project = ? AND trace_id IN (SELECT unnest(?::VARCHAR[]))"
_OLD = ROWS.format(spans=_OF_TRACES, events=_OF_TRACES)


class Feed:
    """Its methods take turns: whoever calls them sees to that."""

    def __init__(self, index: TextIndex, scan: Scan, in_thread: InThread, through: int = -1) -> None:
        """`through`: the `stored_ns` up to which the index knows all. `in_thread` runs what blocks."""
        self.index = index
        self.through = through
        self._scan = scan
        self._in_thread = in_thread
        self._remembered: set[int] = set()

    async def some(self) -> bool:
        """Indexes the oldest commits that it does not know; False when there are no others."""
        until, more = _of_one_round(await self._scan(_COMMITS, [self.through] * 2))
        if until is None:
            return False
        rows = await self._scan(_NEW, [self.through, until] * 2)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.clear()
        try:
            await self._in_thread(partial(self.index.add, _entries(rows, self._remembered)))
        except BaseException:
            self._remembered.clear()  # what was not stored is not known either
            raise
        self.through = until
        return more

    async def renew(self, project: str, traces: Sequence[str]) -> None:
        """Puts what is stored now of these traces in the place of what is indexed."""
        for start in range(0, len(traces), _RENEWED):
            some = list(traces[start : start + _RENEWED])
            window, narrow = [-1, self.through], [project, some]
            rows = await self._scan(_OLD, [*window, *narrow, *window, *narrow])
            names = [(project, trace_id) for trace_id in some]
            await self._in_thread(partial(self.index.add, _entries(rows, set()), names))


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
