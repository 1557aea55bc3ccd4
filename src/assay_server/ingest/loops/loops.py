"""Agents that go in circles: the same tool with the same arguments, again and again.

A trace gets the score `tool_loop` (value 1, source `code`) at the first call that begins a circle: so it is found by
filters (`tool_loop:ge:1`), counted by monitors, and shown where scores are shown. The score's metadata has the spans
of the first cycle and how often it came until then; how far the circle went in the end is told when the trace is read
(`loop_counted`), since a score is never changed.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.errors import AssayError
from assay_server.core.ports import Sink
from assay_server.core.records import Facts, Score, Span
from assay_server.ingest.loops.sameness import Arguments, alike, canonical
from assay_server.ingest.scrub import is_scrubbed

TOOL_LOOP = "tool_loop"
VERSION = "2"
FIRST_CYCLE = "first_cycle"

_REPEATS = 3  # of a cycle, one right after the other
_SAME_CALLS = 5  # of one call, whatever came between
_LONGEST_CYCLE = 4
_MOST_TRACES = 2000
_MOST_CALLS = 500
_MOST_TEXT = 2000

Key = tuple[str, Arguments | None]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Call:
    """One call of a tool, in the order in which calls began. `arguments` is None where nobody knows them."""

    start_ns: int
    span_id: str
    tool: str
    arguments: str | None
    parent_id: str | None = None
    _key: Key | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def key(self) -> Key:
        """The tool and its arguments without what is mere spelling."""
        if self._key is None:
            self._key = (self.tool, None if self.arguments is None else canonical(self.arguments))
        return self._key


@dataclass(frozen=True, slots=True)
class Loop:
    """`first` are the span ids of the first cycle, `spans` all that belong to it; `repeats` counts cycles."""

    tools: tuple[str, ...]
    first: tuple[str, ...]
    spans: tuple[str, ...]
    repeats: int


def find(calls: Sequence[Call]) -> Loop | None:
    """The earliest loop among a trace's calls, None where there is none.

    Either a cycle of up to four calls that comes three times in a row, each like its predecessor, or one call that
    was made five times in the trace. Two calls are alike when the tool is the same and the arguments differ in
    spelling only (`sameness`), so paging through results is no loop. A call whose arguments nobody recorded is like
    no other, and one that two instruments told, one inside the other, is one.
    """
    if len(calls) < _REPEATS:
        return None
    ordered = _told_once(sorted(calls, key=lambda call: (call.start_ns, call.span_id)))
    keys = [call.key for call in ordered]
    for length in range(1, _LONGEST_CYCLE + 1):
        found = _in_a_row(ordered, keys, length)
        if found is not None:
            return found
    return _scattered(ordered, keys)


def gone_on(first: Sequence[str], calls: Sequence[Call]) -> Loop | None:
    """The loop whose first cycle are the spans `first`, as far as it went among all calls of its trace.

    None where that cycle is not among them, or the arguments are not known any more.
    """
    ordered = _told_once(sorted(calls, key=lambda call: (call.start_ns, call.span_id)))
    start = next((at for at, call in enumerate(ordered) if call.span_id == first[0]), None)
    if start is None or tuple(call.span_id for call in ordered[start : start + len(first)]) != tuple(first):
        return None
    keys = [call.key for call in ordered]
    row = _loop(ordered, range(start, _end_of_run(keys, start + len(first) - 1, len(first)) + 1), len(first))
    anywhere = _like(ordered, keys, keys[start]) if len(first) == 1 else None
    return anywhere if anywhere is not None and anywhere.repeats >= max(_SAME_CALLS, row.repeats) else row


def _told_once(calls: Sequence[Call]) -> list[Call]:
    by_id = {call.span_id: call for call in calls}
    return [
        call for call in calls if (above := by_id.get(call.parent_id or "")) is None or not _same(above.key, call.key)
    ]


class LoopWatch:
    """A listener of ingest: keeps the tool calls of the newest traces, and scores a trace once per loop's beginning.

    What it keeps is bounded, and lost with the process: a trace that spans a restart may go unflagged.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._traces: OrderedDict[tuple[str, str], list[Call]] = OrderedDict()
        self._flagged: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._writing: set[asyncio.Task[None]] = set()

    async def heard(self, facts: Facts) -> None:
        touched = {key for span in facts.spans if (key := self._keep(span)) is not None}
        scores = [score for key in sorted(touched) if (score := self._judge(*key)) is not None]
        if scores:
            # Behind the listener: the committer that calls us is the one that would have to take it.
            task = asyncio.create_task(self._write(scores), name="loops")
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Waits for what is being written."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    def _keep(self, span: Span) -> tuple[str, str] | None:
        key = (span.project, span.trace_id)
        if span.kind != "tool" or key in self._flagged:
            return None
        calls = self._traces.setdefault(key, [])
        self._traces.move_to_end(key)
        if len(calls) < _MOST_CALLS:
            arguments = known(span.input, span.pii)
            calls.append(Call(span.start_ns, span.span_id, span.name, arguments, span.parent_id))
        if len(self._traces) > _MOST_TRACES:
            self._traces.popitem(last=False)
        return key

    def _judge(self, project: str, trace_id: str) -> Score | None:
        calls = self._traces.get((project, trace_id), [])
        loop = find(calls)
        if loop is None:
            return None
        self._flag((project, trace_id))
        return score_of(project, trace_id, loop, max(call.start_ns for call in calls))

    def _flag(self, key: tuple[str, str]) -> None:
        self._traces.pop(key, None)
        self._flagged[key] = None
        if len(self._flagged) > _MOST_TRACES:
            self._flagged.popitem(last=False)

    async def _write(self, scores: list[Score]) -> None:
        try:
            await self._sink.write(Facts(scores=scores))
        except AssayError as error:
            _log.warning("%d traces with loops could not be flagged: %s", len(scores), error)


def known(text: str | None, pii: Sequence[str]) -> str | None:
    """A call's arguments, long ones by their hash: two programs may begin alike. None where something was scrubbed of
    them: behind three `[EMAIL_ADDRESS]` may stand three customers."""
    if text is None or is_scrubbed(text, pii):
        return None
    if len(text) <= _MOST_TEXT:
        return text
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def score_of(project: str, trace_id: str, loop: Loop, time_ns: int) -> Score:
    """The flag, on the span where the loop begins; the same trace always gets the same id."""
    tools = " → ".join(loop.tools)
    return Score(
        project=project,
        id=f"scr_loop_{trace_id}",
        name=TOOL_LOOP,
        time_ns=time_ns,
        source="code",
        value=1.0,
        label=tools,
        reason=f"{tools} was called at least {loop.repeats} times with the same arguments",
        author=TOOL_LOOP,
        version=VERSION,
        trace_id=trace_id,
        span_id=loop.first[0],
        metadata={FIRST_CYCLE: list(loop.first), **_extent(loop)},
    )


def loop_counted(score: dict[str, Any], calls: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The flag as the API shows it, with all that its loop has among the stored tool `calls` of its trace."""
    first, flagged = score["metadata"].get(FIRST_CYCLE), score["metadata"].get("repeats")
    if not (isinstance(first, list) and first and isinstance(flagged, int)):
        return score
    loop = gone_on(first, [_stored(call) for call in calls])
    if loop is None or loop.repeats < flagged:
        return score
    reason = f"{score['label']} was called {loop.repeats} times with the same arguments"
    return {**score, "reason": reason, "metadata": {**score["metadata"], **_extent(loop), "counted": True}}


def _stored(row: Mapping[str, Any]) -> Call:
    return Call(row["start_ns"], row["span_id"], row["name"], known(row["input"], row["pii"]), row["parent_id"])


def _extent(loop: Loop) -> dict[str, Any]:
    return {"spans": list(loop.spans), "repeats": loop.repeats}


def _in_a_row(calls: Sequence[Call], keys: Sequence[Key], length: int) -> Loop | None:
    """The earliest run in which every call is like the one `length` before it, long enough for the repeats."""
    run = 0
    for at in range(length, len(calls)):
        run = run + 1 if _same(keys[at - length], keys[at]) else 0
        if run >= length * (_REPEATS - 1):
            start = at - run - length + 1
            return _loop(calls, range(start, _end_of_run(keys, at, length) + 1), length)
    return None


def _end_of_run(keys: Sequence[Key], at: int, length: int) -> int:
    """How far the circle goes on among the calls that are known."""
    while at + 1 < len(keys) and _same(keys[at + 1 - length], keys[at + 1]):
        at += 1
    return at


def _scattered(calls: Sequence[Call], keys: Sequence[Key]) -> Loop | None:
    seen: dict[Key, list[int]] = {}
    for at, key in enumerate(keys):
        if key[1] is None:
            continue
        places = seen.setdefault(key, [])
        places.append(at)
        if len(places) >= _SAME_CALLS:
            return _like(calls, keys, key)
    return None


def _like(calls: Sequence[Call], keys: Sequence[Key], key: Key) -> Loop | None:
    """Every call like one, whatever came between."""
    places = [place for place, other in enumerate(keys) if other == key]
    return None if key[1] is None else _loop(calls, places, 1)


def _loop(calls: Sequence[Call], places: Sequence[int], length: int) -> Loop:
    spans = tuple(calls[at].span_id for at in places)
    tools = tuple(calls[at].tool for at in places[:length])
    return Loop(tools, spans[:length], spans, len(spans) // length)


def _same(one: Key, other: Key) -> bool:
    return one[0] == other[0] and alike(one[1], other[1])
