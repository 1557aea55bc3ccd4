"""Which traces a list shows: the newest that the filter keeps, found without looking at all that is older.

Traces are looked through in the order of their start, first a window of the newest, then all. No span of a trace was
stored before the trace's own row, so the spans of a window are among those stored since its first row, whatever their
times say.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query.filters.one_of import each_of
from assay_server.query.filters.traces import TraceFilter, attributes_of, is_of_trace, trace_conditions
from assay_server.query.sql import Where, cut, lines
from assay_server.query.traces.known import AMONG, Known, ids
from assay_server.store import Bounds, Found, Store, asks_for_words

MOST_COUNTED = 10_000
MOST_COUNTED_WITH_WORDS = 200

_WINDOWS = (20_000, 200_000, None)
"""Newest traces: a filter that keeps enough of them is answered from these. Nothing is counted behind the second."""

_BOUND_S = 10.0  # how long a window may begin where it began
_CHUNK, _LARGEST_CHUNK = 500, 8_000  # traces with the words, whose other conditions are looked up together
_FEW = 8_000  # traces in which words are looked for by name; chunk by chunk, words that few of them hold take seconds
_SHARED_BY_FEW = ("user", "session", "run")

Place = tuple[int, str]
"""(start_ns, trace_id): the order of the list."""


@dataclass(slots=True, frozen=True)
class Listed:
    """Places, newest first, one more than asked for where there are more; `total` is exact or at least so many."""

    places: list[Place]
    total: int
    exact: bool

    def page(self, limit: int) -> tuple[list[str], list[Any] | None]:
        """(trace ids, the place of the last where there are more)"""
        rows = [{"start_ns": start_ns, "trace_id": trace_id} for start_ns, trace_id in self.places]
        kept, following = cut(rows, limit, "start_ns", "trace_id")
        return [row["trace_id"] for row in kept], following


@dataclass(slots=True, frozen=True)
class _Bound:
    """A window's oldest trace and its first commit; `whole` where nothing is left outside."""

    since_ns: int
    stored_ns: int
    whole: bool


_ALL = _Bound(0, 0, whole=True)


class TraceFinder:
    """Finds traces of one project at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = Known(store)
        self._windows: dict[tuple[str, int], tuple[float, _Bound]] = {}

    async def find(self, project: str, narrow: TraceFilter, limit: int, after: Sequence[Any] | None = None) -> Listed:
        """Behind the first page nothing is counted: `total` is then at least 0.

        Raises `InvalidInput` for a condition that cannot be read and a place that another list made.
        """
        place = _place(after)
        if narrow.text is not None and asks_for_words(narrow.text):
            return await self._with_words(project, narrow, narrow.text, limit, place)
        narrow = replace(narrow, text=None, begun_before=await self._known.begun_before(project, narrow))
        return await self._narrowed(project, narrow, limit, place)

    async def _narrowed(
        self,
        project: str,
        narrow: TraceFilter,
        limit: int,
        after: Place | None,
        windows: Sequence[int | None] | None = None,
    ) -> Listed:
        if is_of_trace(narrow):
            return await self._select(project, narrow, _ALL, limit, after)
        named = await self._known.named(project, narrow, _behind(narrow, after))
        if named is not None and named.complete:
            return await self._select(project, narrow, _ALL, limit, after, ids(named))
        found = Listed([], 0, exact=True)
        for size in windows or _WINDOWS:
            bound = await self._bound(project, narrow, after, size)
            found = await self._select(project, narrow, bound, limit, after)
            counted = after is not None or found.total >= MOST_COUNTED or size != _WINDOWS[0]
            # Attributes take longest to read: where a page is full, nobody waits for more of a count.
            if bound.whole or (len(found.places) > limit and (counted or attributes_of(narrow))):
                break
            if named is not None and limit < len(named.traces):
                newest = await self._select(project, narrow, _ALL, limit, after, ids(named))
                if len(newest.places) > limit:
                    return replace(newest, exact=False)
                named = None
        return found

    async def _bound(self, project: str, narrow: TraceFilter, after: Place | None, size: int | None) -> _Bound:
        """Of all traces the bound holds for some seconds: what comes meanwhile is newer, and was stored later."""
        if size is None and narrow.since_ns is None:
            return _ALL
        if size is None or after is not None or narrow.since_ns is not None or narrow.until_ns is not None:
            return await self._read_bound(project, narrow, after, size)
        kept = self._windows.get((project, size))
        if kept is not None and time.monotonic() - kept[0] < _BOUND_S:
            return kept[1]
        asked_s, bound = time.monotonic(), await self._read_bound(project, narrow, after, size)
        if not bound.whole:  # outside of one that is whole nothing is looked for, but an older trace may yet come
            self._windows[project, size] = asked_s, bound
        return bound

    async def _read_bound(self, project: str, narrow: TraceFilter, after: Place | None, size: int | None) -> _Bound:
        ranged = TraceFilter(narrow.since_ns, narrow.until_ns, begun_before=narrow.begun_before)
        where = trace_conditions(project, ranged)
        if after is not None:
            where.add("start_ns <= ?", after[0])
        newest = "" if size is None else f"ORDER BY start_ns DESC LIMIT {size}"
        sql = lines(
            "SELECT count(*) AS n, coalesce(min(start_ns), 0) AS since_ns, coalesce(min(stored_ns), 0) AS stored_ns",
            *("FROM (SELECT start_ns, stored_ns FROM traces WHERE", str(where), newest, ")"),
        )
        row = (await self._store.scan(sql, where.params))[0]
        return _Bound(row["since_ns"], row["stored_ns"], whole=size is None or row["n"] < size)

    async def _select(
        self,
        project: str,
        narrow: TraceFilter,
        bound: _Bound,
        limit: int,
        after: Place | None,
        among: list[str] | None = None,
    ) -> Listed:
        if among == []:
            return Listed([], 0, exact=after is None)
        sets = await self._known.key_sets(project, narrow)
        where = trace_conditions(project, narrow, bound.stored_ns, "spans" if among is None else "mine", sets)
        where.add("start_ns >= ?", bound.since_ns)
        if after is not None:
            where.follows(("start_ns", "trace_id"), after, (int, str), "<")
        if among is None and (after is not None or is_of_trace(narrow)):
            return await self._newest(where, limit, counted=after is None, whole=bound.whole)
        mine, params = "", list[Any]()
        if among is not None:
            where.add(AMONG, among)
            mine, params = await self._known.mine(project, among)
        sql = lines(
            "WITH " + mine,
            *("found AS MATERIALIZED (SELECT trace_id, start_ns FROM traces WHERE", str(where), ")"),
            "SELECT trace_id, start_ns, (SELECT count(*) FROM found) AS total FROM found",
            "ORDER BY start_ns DESC, trace_id DESC LIMIT " + str(limit + 1),
        )
        rows = await self._store.scan(sql, [*params, *where.params])
        places = [(row["start_ns"], row["trace_id"]) for row in rows]
        if after is not None:
            return Listed(places, 0, exact=False)
        return _counted(places, rows[0]["total"] if rows else 0, bound.whole)

    async def _newest(self, where: Where, limit: int, *, counted: bool, whole: bool) -> Listed:
        """Counted by itself: with the count inside, the engine reads and sorts the ids of all there are."""
        order = "ORDER BY start_ns DESC, trace_id DESC LIMIT " + str(limit + 1)
        places = lines("SELECT trace_id, start_ns FROM traces WHERE", str(where), order)
        rows = await self._store.scan(places, where.params)
        found = [(row["start_ns"], row["trace_id"]) for row in rows]
        if not counted:
            return Listed(found, 0, exact=False)
        count = await self._store.scan(lines("SELECT count(*) AS n FROM traces WHERE", str(where)), where.params)
        return _counted(found, count[0]["n"], whole)

    async def _with_words(
        self, project: str, narrow: TraceFilter, text: str, limit: int, after: Place | None
    ) -> Listed:
        bounds = _behind(narrow, after)
        if narrow.trace_id is not None:
            bounds = replace(bounds, within=each_of(narrow.trace_id))
        others = replace(narrow, text=None)
        if is_of_trace(others):
            return await self._words_alone(project, text, bounds, limit, after)
        return await self._both(project, others, text, bounds, limit, after)

    async def _words_alone(self, project: str, text: str, bounds: Bounds, limit: int, after: Place | None) -> Listed:
        most = max(limit + 1, MOST_COUNTED_WITH_WORDS) if after is None else limit + 2
        found = await self._store.texts.find(project, text, bounds, most)
        places = [place for place in found.traces if after is None or place < after]
        total = len(places) if after is None else 0
        return Listed(places[: limit + 1], total, exact=found.complete and after is None)

    async def _both(
        self, project: str, others: TraceFilter, text: str, bounds: Bounds, limit: int, after: Place | None
    ) -> Listed:
        """Traces with the words, chunk by chunk, until a page of them meets the other conditions too.

        Where the others keep few, it is those few that are searched: at once where few is to be expected, otherwise
        when a chunk held too little. Where they keep more, the newest of those are searched, and chunks go on behind
        them: the words may have come every second, and what the others keep not for hours.
        """
        unlikely = any(getattr(others, name) is not None for name in _SHARED_BY_FEW)
        if unlikely:
            some = (await self._narrowed(project, others, _FEW, None, _WINDOWS[-1:])).places
            if len(some) <= _FEW:
                return _listed(*await self._among(project, some, text, bounds, after), limit, after)
        kept: list[Place] = []
        chunk, behind = _CHUNK, after
        while True:
            found = await self._store.texts.find(project, text, bounds, chunk + 1)
            places = [place for place in found.traces if behind is None or place < behind]
            kept += await self._meeting(project, others, places)
            if found.complete or not places or len(kept) > limit:
                break
            behind = places[-1]
            if chunk == _CHUNK and not unlikely:
                some = (await self._narrowed(project, others, _FEW, after, _WINDOWS)).places
                if len(some) <= _FEW:
                    return _listed(*await self._among(project, some, text, bounds, after), limit, after)
                if some[-1] < behind:
                    (kept, _), behind = await self._among(project, some, text, bounds, after), some[-1]
                    if len(kept) > limit:
                        break
            bounds = replace(bounds, until_ns=behind[0] + 1)
            chunk = min(2 * chunk, _LARGEST_CHUNK)
        return _listed(kept, found, limit, after)

    async def _among(
        self, project: str, some: Sequence[Place], text: str, bounds: Bounds, after: Place | None
    ) -> tuple[list[Place], Found]:
        """Those of the traces that have the words, behind a place."""
        if not some:
            return [], Found([], complete=True)
        within = tuple(trace_id for _, trace_id in some)
        found = await self._store.texts.find(project, text, replace(bounds, within=within), len(within))
        return [place for place in found.traces if after is None or place < after], found

    async def _meeting(self, project: str, others: TraceFilter, places: list[Place]) -> list[Place]:
        """Those of the places that meet the conditions, in their order."""
        if not places:
            return []
        bound = await self._bound(project, TraceFilter(since_ns=places[-1][0]), None, None)
        sets = await self._known.key_sets(project, others)
        where = trace_conditions(project, others, bound.stored_ns, key_sets=sets)
        where.add(AMONG, [trace_id for _, trace_id in places])
        rows = await self._store.scan(lines("SELECT trace_id FROM traces WHERE", str(where)), where.params)
        meeting = {row["trace_id"] for row in rows}
        return [place for place in places if place[1] in meeting]


def _behind(narrow: TraceFilter, after: Place | None) -> Bounds:
    """Of the filter's range what is not before that place; traces of the same start are to be sorted out."""
    until_ns = narrow.until_ns if after is None else min(narrow.until_ns or after[0] + 1, after[0] + 1)
    return Bounds(narrow.since_ns, until_ns)


def _counted(places: list[Place], total: int, whole: bool) -> Listed:
    return Listed(places, total if whole else min(total, MOST_COUNTED), whole)


def _listed(kept: list[Place], found: Found, limit: int, after: Place | None) -> Listed:
    return Listed(kept[: limit + 1], len(kept) if after is None else 0, exact=found.complete and after is None)


def _place(after: Sequence[Any] | None) -> Place | None:
    if after is None:
        return None
    if len(after) != 2 or type(after[0]) is not int or not isinstance(after[1], str) or abs(after[0]) >= 1 << 62:
        raise InvalidInput("This cursor was not made by this list.", field="cursor", fix="leave it out to start anew")
    return after[0], after[1]
