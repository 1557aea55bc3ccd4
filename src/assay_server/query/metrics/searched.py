"""A search as a filter: what monitors and panels count is narrowed to the traces that a line of the list finds.

So whatever the list of traces can be narrowed by narrows figures too: bounds of latency, cost and tokens, scores,
words, attributes compared by any operator. Windows and ranges have times of their own, so a line has none here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.core.known import check_known
from assay_server.query.filters.attributes import read_condition
from assay_server.query.filters.line import Line, read_excluded, read_line
from assay_server.query.filters.scores import read_score_condition
from assay_server.query.filters.traces import TraceFilter, filter_of, is_of_trace, trace_conditions
from assay_server.query.sql import lines
from assay_server.query.traces.known import AMONG, Known, ids
from assay_server.store import Bounds, Store, asks_for_words

SEARCH = "search"
"""The word of a filter whose values are lines, of which one must find the trace."""

MOST_WITH_WORDS = 50_000
"""Traces of a window that have the words of a line: where there are more, nobody counts on a part of them."""

_NOW_NS = 1_800_000_000 * 1_000_000_000  # of a line without times nothing depends on it
_TIMES = ("since", "until")


@dataclass(slots=True, frozen=True)
class Found:
    """SQL that gives the ids of the traces a line finds, and its parameters."""

    sql: str
    params: tuple[Any, ...]


Searched = Mapping[str, Found]
"""By line."""


@lru_cache(maxsize=512)
def line_of(text: str) -> Line:
    """Raises `InvalidInput` for a line that cannot be read here."""
    line = read_line(text, _NOW_NS)
    timed = next((part for part in line.parts if part.field in _TIMES), None)
    if timed is not None:
        raise InvalidInput(
            "A search that narrows figures has no times: their windows have.",
            value=text,
            fix=f"leave out {timed.field}:{timed.value}",
        )
    if not line.parts:
        raise InvalidInput("A search says what is looked for.", value=text, fix="for example latency>3s")
    narrow = filter_of_line(line)
    for each in (narrow, *narrow.exclude):
        check_known("status", each.status)
    words = narrow.text
    if words is not None and not asks_for_words(words):
        raise InvalidInput("These are no words that could be found.", value=text, fix="letters or digits")
    return line


def filter_of_line(line: Line) -> TraceFilter:
    """Raises `InvalidInput` for a condition that cannot be read."""
    wanted = {name: value for name, value in line.filter.items() if name != "exclude"}
    excluded = [filter_of(read_excluded(text, _NOW_NS)) for text in line.filter.get("exclude", ())]
    narrow = replace(filter_of(wanted), exclude=tuple(excluded))
    for each in (narrow, *narrow.exclude):
        list(map(read_condition, each.attributes))
        list(map(read_score_condition, each.scores))
    return narrow


def names_runs(text: str) -> bool:
    """Whether the line asks for runs: then their traffic counts, too."""
    return "run" in line_of(text).filter


class Searches:
    """Works out what lines find, for one project at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = Known(store)

    async def found(self, project: str, texts: Iterable[str], since_ns: int | None, until_ns: int | None) -> Searched:
        """`since_ns` and `until_ns` bound when the traces began; None does not.

        Raises `InvalidInput` where more traces have the words of a line than can be counted.
        """
        return {text: await self._one(project, text, since_ns, until_ns) for text in sorted(set(texts))}

    async def _one(self, project: str, text: str, since_ns: int | None, until_ns: int | None) -> Found:
        narrow = replace(filter_of_line(line_of(text)), since_ns=since_ns, until_ns=until_ns)
        among = None
        if narrow.text is not None and asks_for_words(narrow.text):
            among = await self._with_words(project, text, narrow)
        narrow = replace(narrow, text=None)
        sets = await self._known.key_sets(project, narrow)
        stored_ns = 0 if is_of_trace(narrow) else await self._stored_since(project, since_ns)
        where = trace_conditions(project, narrow, stored_ns, key_sets=sets)
        if among is not None:
            where.add(AMONG, among)
        return Found(lines("SELECT trace_id FROM traces WHERE", str(where)), tuple(where.params))

    async def _with_words(self, project: str, text: str, narrow: TraceFilter) -> list[str]:
        bounds = Bounds(narrow.since_ns, narrow.until_ns)
        found = await self._store.texts.find(project, narrow.text or "", bounds, MOST_WITH_WORDS)
        if not found.complete:
            raise InvalidInput(
                f"More than {MOST_WITH_WORDS:,} traces of this time have these words.",
                field=SEARCH,
                value=text,
                fix="search for rarer words, or look at a shorter time",
            )
        return ids(found)

    async def _stored_since(self, project: str, since_ns: int | None) -> int:
        """No span of these traces was stored before: no older one need be looked at."""
        if since_ns is None:
            return 0
        sql = "SELECT coalesce(min(stored_ns), 0) AS stored_ns FROM traces WHERE project = ? AND start_ns >= ?"
        return int((await self._store.scan(sql, [project, since_ns]))[0]["stored_ns"])
