"""Two traces side by side: their spans matched from the roots down, and what differs."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from assay_server.core.errors import NotFound
from assay_server.query.commits import IN_COMMITS, commits_of
from assay_server.query.shapes import tokens_json, tokens_of
from assay_server.query.sql import lines
from assay_server.query.traces.pair_words import sentence_of
from assay_server.query.traces.sibling_pairs import Row, numbered
from assay_server.query.traces.traces import Traces
from assay_server.store import Limits, Store

_MOST_SPANS = Limits(rows=100_000, seconds=60)
_COMPARED = ("status", "model", "prompt", "release", "input", "output")

_SPANS = lines(
    "SELECT span_id, parent_id, kind, name, status, start_ns, end_ns, model, prompt, prompt_version, release, cost,",
    "fresh_input, cache_read, cache_write, output_tokens, reasoning, md5(input) AS input, md5(output) AS output",
    "FROM spans WHERE project = ? AND trace_id = ? AND " + IN_COMMITS + " ORDER BY start_ns, end_ns DESC, span_id",
)

Pair = tuple[Row | None, Row | None]


class TracePairs:
    """Compares two traces of one project."""

    def __init__(self, store: Store, traces: Traces) -> None:
        self._store = store
        self._traces = traces
        # Two traces of 100,000 spans take ten seconds of CPU: six at once held all others up.
        self._turn = asyncio.Lock()

    async def compare(self, project: str, a: str, b: str) -> dict[str, Any]:
        """Both trace rows, their spans in pairs depth first, and what differs in a sentence. Raises NotFound."""
        first, second = await self._traces.row(project, a), await self._traces.row(project, b)
        async with self._turn:
            spans = [await self._spans(project, trace_id) for trace_id in (a, b)]
            rows = await asyncio.to_thread(paired, *spans)
        counts = {
            "matched": sum(1 for row in rows if row["a"] and row["b"]),
            "only_a": sum(1 for row in rows if not row["b"]),
            "only_b": sum(1 for row in rows if not row["a"]),
        }
        return {"a": first, "b": second, "sentence": sentence_of(first, second, rows, counts), "rows": rows, **counts}

    async def _spans(self, project: str, trace_id: str) -> list[dict[str, Any]]:
        commits = await commits_of(self._store, project, [trace_id])
        found = await self._store.scan(_SPANS, [project, trace_id, commits], limits=_MOST_SPANS)
        if not found:
            raise NotFound(f"There is no trace {trace_id}.", field="trace_id", value=trace_id)
        return found


def paired(a: Sequence[Row], b: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows of the comparison, depth first, in the order of `b`; what only `a` has stands behind its neighbours.

    Children are matched by what they are and how many of that came before: the third search with the third search.
    Where one side has more of them, by what they were asked (`sibling_pairs`). Roots are matched in their order
    whatever they are called.
    """
    below_a, below_b = _children(a), _children(b)
    begun_a, begun_b = (min((row["start_ns"] for row in rows), default=0) for rows in (a, b))
    found = []
    roots = zip_longest(below_a[None], below_b[None])
    waiting: list[tuple[Pair, int]] = [(pair, 0) for pair in roots][::-1]
    while waiting:
        (left, right), depth = waiting.pop()
        either = right or left or {}
        sides = {"a": _side(left, begun_a), "b": _side(right, begun_b)}
        _tell_sameness(left, right, sides)
        about = {"depth": depth, "kind": either["kind"], "name": either["name"]}
        found.append({**about, **sides, "changed": _changed(left, right)})
        inside = list(_matched(_of(below_a, left), _of(below_b, right)))
        waiting.extend((pair, depth + 1) for pair in reversed(inside))
    return found


def _children(rows: Sequence[Row]) -> dict[str | None, list[Row]]:
    """Spans by their parent, None for those without one in the trace. A circle of parents is cut at its first span."""
    known = {row["span_id"]: row["parent_id"] for row in rows}
    below: dict[str | None, list[Row]] = {None: []}
    rooted: set[str | None] = {None}
    for row in rows:
        path: dict[str, None] = {}
        at: str | None = row["span_id"]
        while at in known and at not in rooted and at not in path:
            path[str(at)] = None
            at = known[str(at)]
        if at in path:  # a circle: whoever is met first in it hangs under nobody
            known[str(at)] = None
        rooted.update(path)
    for row in rows:
        parent = known[row["span_id"]]
        below.setdefault(parent if parent in known else None, []).append(row)
    return below


def _of(below: Mapping[str | None, list[Row]], row: Row | None) -> Sequence[Row]:
    return below.get(row["span_id"], ()) if row else ()


def _matched(a: Sequence[Row], b: Sequence[Row]) -> Iterator[Pair]:
    """In the order of `b`; what only `a` has comes behind the span of `a` that it followed, or first."""
    left, right = numbered(a, b)
    behind: dict[Any, list[Row]] = {}
    last: Any = None
    for key, row in left.items():
        if key in right:
            last = key
        else:
            behind.setdefault(last, []).append(row)
    for row in behind.get(None, ()):
        yield row, None
    for key, row in right.items():
        yield left.get(key), row
        for other in behind.get(key, ()):
            yield other, None


def _side(row: Row | None, begun: int) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "span_id": row["span_id"],
        "start_ms": (row["start_ns"] - begun) / 1e6,
        "latency_ms": (row["end_ns"] - row["start_ns"]) / 1e6,
        "tokens": tokens_json(tokens_of(dict(row))),
        **{name: row[name] for name in ("status", "model", "cost", "prompt", "prompt_version", "release")},
    }


def _tell_sameness(a: Row | None, b: Row | None, sides: Mapping[str, dict[str, Any] | None]) -> None:
    for side in sides.values():
        if side is not None:
            side["input_same"] = a["input"] == b["input"] if a and b else None
            side["output_same"] = a["output"] == b["output"] if a and b else None


def _changed(a: Row | None, b: Row | None) -> list[str]:
    if not a or not b:
        return []
    return [name for name in _COMPARED if _told(a, name) != _told(b, name)]


def _told(row: Row, name: str) -> Any:
    return (row["prompt"], row["prompt_version"]) if name == "prompt" else row[name]
