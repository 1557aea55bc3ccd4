"""Texts that were read from the facts and wait to be indexed: kept in memory, and searched there meanwhile.

A row is read and taken apart once, for the index and for every question that comes before the index knows it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from assay_server.store.text.documents import Entry
from assay_server.store.text.index import Bounds, Found
from assay_server.store.text.texts import Text, texts_of, words_in
from assay_server.store.text.words import LONGEST, Phrase, Wanted

_EDGE = "\xa6"
"""Between the pieces of an ASCII text, where it does not occur: no phrase goes over it."""


class _Words:
    """One text, and how to look for words in it. Most are indexed before anybody asks, so nothing is made ready."""

    __slots__ = ("_line", "_lower", "stored_ns", "text")

    def __init__(self, stored_ns: int, text: Text) -> None:
        self.stored_ns = stored_ns
        self.text = text
        self._lower: str | None = None
        self._line: str | None = None

    def hold(self, want: "_Want") -> bool:
        """In ASCII there is nothing to fold, so words are told by what stands beside them: a tenth of the time."""
        if self._lower is None and self._line is None and all(map(str.isascii, self.text)):
            self._lower = _EDGE.join(self.text).lower()
        lower = self._lower
        if lower is not None:
            return all(word in lower for word in want.words) and all(_stands(lower, one) for one in want.patterns)
        if self._line is None:
            self._line = _line_of(self.text)
        return all(part in self._line for part in want.parts)


class _Want:
    """What is wanted, ready for many texts."""

    def __init__(self, want: Wanted) -> None:
        self.words = [word for phrase in want.phrases for word in phrase.words]
        self.patterns = [_pattern(phrase) for phrase in want.phrases]
        self.parts = [_line_part(phrase) for phrase in want.phrases]


@dataclass(slots=True)
class _Trace:
    """What a round holds of a trace; its start is what was known of it then."""

    start_ns: int
    texts: list[_Words] = field(default_factory=list)


class Round:
    """Rows that were read together, never a part of a commit; it does not change any more."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], until_ns: int, seen: Set[int] = frozenset()) -> None:
        """Every text of a trace once: conversations repeat in each call what was said before. `seen`: in others."""
        self.rows = len(rows)
        self.taken: set[int] = set()
        self.until_ns = until_ns
        self.characters = 0
        self._projects: dict[str, dict[str, _Trace]] = {}
        for row in rows:
            self._take(row, seen)

    def entries(self) -> Iterator[Entry]:
        for project, traces in self._projects.items():
            for trace_id, trace in traces.items():
                for one in trace.texts:
                    yield Entry(project, trace_id, trace.start_ns, one.stored_ns, one.text)

    def traces(self, project: str) -> Mapping[str, _Trace]:
        return self._projects.get(project, {})

    def _take(self, row: Mapping[str, Any], seen: Set[int]) -> None:
        project, trace_id = row["project"], row["trace_id"]
        trace = self._projects.setdefault(project, {}).setdefault(trace_id, _Trace(row["start_ns"]))
        for text in texts_of(row):
            mark = hash((project, trace_id, text))
            if mark not in seen and mark not in self.taken:
                self.taken.add(mark)
                trace.texts.append(_Words(row["stored_ns"], text))
                self.characters += sum(map(len, text))


def find_in(rounds: Sequence[Round], project: str, want: Wanted, bounds: Bounds, limit: int) -> Found:
    """The newest traces with one text, in one of the rounds (oldest first), that holds what is wanted."""
    looked_for = _Want(want)
    found: list[tuple[int, str]] = []
    for place, texts in sorted(_within(rounds, project, bounds).items(), reverse=True):
        if any(one.hold(looked_for) for one in texts):
            if len(found) == limit:
                return Found(found, complete=False)
            found.append(place)
    return Found(found, complete=True)


def _within(rounds: Sequence[Round], project: str, bounds: Bounds) -> dict[tuple[int, str], list[_Words]]:
    """By (start_ns, trace_id). A trace whose log records came before its spans has its start from the later round."""
    starts: dict[str, int] = {}
    texts: dict[str, list[_Words]] = {}
    among = None if bounds.within is None else set(bounds.within)
    for each in rounds:
        for trace_id, trace in each.traces(project).items():
            if among is None or trace_id in among:
                starts[trace_id] = trace.start_ns
                texts.setdefault(trace_id, []).extend(trace.texts)
    since, until = bounds.since_ns, bounds.until_ns
    return {
        (start, trace_id): texts[trace_id]
        for trace_id, start in starts.items()
        if (since is None or start >= since) and (until is None or start < until)
    }


def _pattern(phrase: Phrase) -> re.Pattern[str]:
    """The phrase in ASCII without capitals; what stands before it is looked at by `_stands`, which is faster."""
    *_, last = phrase.words
    rest = f"[a-z0-9]{{0,{max(0, LONGEST - 1 - len(last))}}}" if phrase.open_end else ""
    return re.compile(f"[^a-z0-9{_EDGE}]+".join(map(re.escape, phrase.words)) + rest + "(?![a-z0-9])")


def _stands(lower: str, pattern: re.Pattern[str]) -> bool:
    found = pattern.search(lower)
    while found and found.start() > 0 and lower[found.start() - 1].isalnum():
        found = pattern.search(lower, found.start() + 1)
    return found is not None


def _line_of(text: Text) -> str:
    """The words of a text with one space around each, and two where no phrase goes over."""
    return f" {' '.join(words_in(text))} "


def _line_part(phrase: Phrase) -> str:
    """What stands in the line of a text that holds this phrase, and in no other."""
    return f" {' '.join(phrase.words)}" + ("" if phrase.open_end else " ")
