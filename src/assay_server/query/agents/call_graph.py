"""The graph of an agent out of its spans: which steps there are, and which came after which.

An edge is the shortest way of saying what happened before a call: either nothing inside its caller had ended yet
(`call`, from the caller), or those calls had ended that nothing else came behind (`then`). That is the transitive
reduction of "ended before it began" among the calls of one caller, so branches side by side stay side by side.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.query.costs.sql import money, token_sums

Row = Mapping[str, Any]
Key = tuple[str | None, str]

OTHERS: Key = (None, "others")
_MOST_NODES = 100
_MOST_SPANS = 1_000  # ids told of one node
_MOST_BEFORE = 200  # calls looked at in search of those that ended last
_SUMS = ("fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning")


def call_graph(traces: Iterable[Sequence[Row]], *, ids: bool) -> dict[str, Any]:
    """`{"nodes", "edges"}` over the spans of each trace, in order of their start; `ids` tells the spans of each node.

    A row has trace_id, span_id, parent_id, kind, name, status, start_ns, end_ns, `step` (LangGraph's name for it, or
    None), `counts` (tokens and cost count, see `rollup`), `empty` (a tool found nothing, None: unknown), cost, tokens.
    """
    forests = [_forest(rows) for rows in traces]
    names = _names(call for forest in forests for call in forest)
    nodes: dict[Key, _Node] = {}
    edges: dict[tuple[Key, Key, str], int] = {}
    for forest in forests:
        for call in forest:
            nodes.setdefault(names[call.key], _Node()).take(call, ids)
        for key, before, kind in _links(forest, names):
            edges[before, key, kind] = edges.get((before, key, kind), 0) + 1
    numbers = {key: f"n{number}" for number, key in enumerate(nodes, 1)}
    folded = sum(1 for name in names.values() if name == OTHERS)
    return {
        "nodes": [node.json(numbers[key], folded if key == OTHERS else 1) for key, node in nodes.items()],
        "edges": [
            {"from": numbers[before], "to": numbers[key], "kind": kind, "count": count}
            for (before, key, kind), count in edges.items()
        ],
    }


@dataclass(slots=True, eq=False)
class _Call:
    """One call of a step: a span, or all spans inside one visit of a LangGraph node."""

    top: Row
    key: Key
    parent: "_Call | None"
    rows: list[Row]
    children: list["_Call"] = field(default_factory=list)
    is_retry: bool = False

    @property
    def start(self) -> int:
        return int(self.top["start_ns"])

    @property
    def end(self) -> int:
        """A call that took no time still ends after it began: two such at one moment are side by side."""
        return max(int(self.top["end_ns"]), self.start + 1)

    @property
    def failed(self) -> bool:
        return bool(self.top["status"] == "error")

    @property
    def lasted_ns(self) -> int:
        return int(self.top["end_ns"]) - self.start

    @property
    def own_ns(self) -> int:
        """What no call inside covers; calls side by side cover their time once."""
        covered, reached = 0, self.start
        for child in self.children:
            begin, end = max(child.start, reached), min(int(child.top["end_ns"]), int(self.top["end_ns"]))
            covered += max(0, end - begin)
            reached = max(reached, end)
        return self.lasted_ns - covered


@dataclass(slots=True)
class _Node:
    """What is summed over the calls of one step."""

    kind: str | None = None
    name: str = ""
    calls: int = 0
    errors: int = 0
    retries: int = 0
    time_ns: int = 0
    own_ns: int = 0
    empty: int = 0
    tools: int = 0  # whose results are known
    usd: float | None = None
    unknown: int = 0
    tokens: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(_SUMS))
    traces: set[str] = field(default_factory=set)
    span_ids: list[str] = field(default_factory=list)

    def take(self, call: _Call, ids: bool) -> None:
        self.kind = call.top["kind"] if self.calls == 0 or self.kind == call.top["kind"] else None
        self.name = call.key[1] if self.calls == 0 or self.name == call.key[1] else OTHERS[1]
        self.calls += 1
        self.errors += call.failed
        self.retries += call.is_retry
        self.time_ns += call.lasted_ns
        self.own_ns += call.own_ns
        self.traces.add(call.top["trace_id"])
        for row in call.rows:
            self._count(row)
        if ids and len(self.span_ids) < _MOST_SPANS:
            self.span_ids.extend(row["span_id"] for row in call.rows)

    def _count(self, row: Row) -> None:
        self.tools += row["kind"] == "tool" and row["empty"] is not None
        self.empty += bool(row["empty"])
        if not row["counts"]:
            return
        self.unknown += row["cost"] is None
        self.usd = _plus(self.usd, row["cost"])
        for name in _SUMS:
            self.tokens[name] = _plus(self.tokens[name], row[name])

    def json(self, number: str, names: int) -> dict[str, Any]:
        return {
            "id": number,
            "kind": self.kind,
            "name": self.name,
            "calls": self.calls,
            "traces": len(self.traces),
            "errors": self.errors,
            "retries": self.retries,
            "time_ms": self.time_ns / 1e6,
            "own_ms": self.own_ns / 1e6,
            "tokens": token_sums(self.tokens),
            "cost": money({"usd": self.usd, "unknown": self.unknown}),
            "empty_results": self.empty if self.tools else None,
            "names": names,
            "span_ids": self.span_ids[:_MOST_SPANS],
        }


def _forest(rows: Sequence[Row]) -> list[_Call]:
    """All calls, callers before what they called, siblings in order of their start."""
    known = {row["span_id"] for row in rows}
    inside: dict[str, list[Row]] = {}
    for row in rows:
        if row["parent_id"] in known:
            inside.setdefault(row["parent_id"], []).append(row)
    calls: list[_Call] = []
    reached: set[str] = set()
    for root in (*(row for row in rows if row["parent_id"] not in known), *rows):  # then circles of parents
        if root["span_id"] not in reached:
            _walk(root, inside, reached, calls)
    for call in calls:
        call.children.sort(key=lambda child: (child.start, child.end))
        _mark_retries(call.children)
    return calls


def _walk(root: Row, inside: Mapping[str, Sequence[Row]], reached: set[str], calls: list[_Call]) -> None:
    reached.add(root["span_id"])
    waiting: list[tuple[Row, _Call | None]] = [(root, None)]
    while waiting:
        row, caller = waiting.pop()
        call = _call(row, caller)
        if call is not caller:
            calls.append(call)
        for child in reversed(inside.get(row["span_id"], ())):
            if child["span_id"] not in reached:
                reached.add(child["span_id"])
                waiting.append((child, call))


def _call(row: Row, caller: _Call | None) -> _Call:
    """The call that a span is: one of its own, or the visit of the LangGraph node around it."""
    if caller is not None and caller.top["step"] is not None and row["step"] in (None, caller.top["step"]):
        caller.rows.append(row)
        return caller
    key = (row["kind"], row["name"]) if row["step"] is None else (None, row["step"])
    call = _Call(row, key, caller, [row])
    if caller is not None:
        caller.children.append(call)
    return call


def _names(calls: Iterable[_Call]) -> dict[Key, Key]:
    """Each key's node: itself, or `OTHERS` for what is left when the hundred that take most time have theirs."""
    own: dict[Key, int] = {}
    for call in calls:
        own[call.key] = own.get(call.key, 0) + call.own_ns
    if len(own) <= _MOST_NODES:
        return {key: key for key in own}
    kept = set(sorted(own, key=lambda key: -own[key])[: _MOST_NODES - 1])
    return {key: key if key in kept else OTHERS for key in own}


def _links(forest: Sequence[_Call], names: Mapping[Key, Key]) -> Iterable[tuple[Key, Key, str]]:
    """(node, node before it, kind of edge), once for each call and node before it."""
    roots = [call for call in forest if call.parent is None]
    yield from _among(sorted(roots, key=lambda call: (call.start, call.end)), None, names)
    for call in forest:
        yield from _among(call.children, names[call.key], names)


def _among(calls: Sequence[_Call], caller: Key | None, names: Mapping[Key, Key]) -> Iterable[tuple[Key, Key, str]]:
    ended = sorted(calls, key=lambda call: call.end)
    ends = [call.end for call in ended]
    latest: list[int] = []  # the latest start among those that ended up to here
    for call in ended:
        latest.append(max(call.start, latest[-1]) if latest else call.start)
    for call in calls:
        before = bisect_right(ends, call.start)
        if before:
            for key in _last_of(ended, before, latest[before - 1], names):
                yield names[call.key], key, "then"
        elif caller is not None:
            yield names[call.key], caller, "call"


def _last_of(ended: Sequence[_Call], before: int, begun: int, names: Mapping[Key, Key]) -> Iterable[Key]:
    """The nodes of those that ended when no later one had begun: nothing came between them and what is next."""
    found: dict[Key, None] = {}
    for at in range(before - 1, max(-1, before - 1 - _MOST_BEFORE), -1):
        if ended[at].end <= begun:
            break
        found.setdefault(names[ended[at].key])
    return found


def _mark_retries(calls: Sequence[_Call]) -> None:
    """A call is a retry when the call of the same step before it, inside the same caller, had ended with an error."""
    last: dict[Key, _Call] = {}
    for call in calls:
        before = last.get(call.key)
        call.is_retry = before is not None and before.failed and before.end <= call.start
        last[call.key] = call


def _plus(one: Any, other: Any) -> Any:
    return one if other is None else other if one is None else one + other
