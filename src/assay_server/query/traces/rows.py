"""The rows of a list of traces, out of the narrow columns of one page's spans.

Added up here and not in SQL: the statement that did took longer to plan than the page to read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.query.sql import lines
from assay_server.query.traces.rollup import those_that_count
from assay_server.store import HEAD, Store

Row = Mapping[str, Any]

SPANS = lines(
    "SELECT key, stored_ns, trace_id, span_id, parent_id, name, kind, service, scope, start_ns, end_ns, status, model,",
    "session, release, channel, arm, fresh_input, cache_read, cache_write, output_tokens, reasoning, cost, pii,",
    'environment, tags, run, canary, let_go_ns, "user", feature, tenant, cost_center, input_head, output_head',
    "FROM spans",
    "WHERE project = ? AND trace_id IN (SELECT unnest(?::VARCHAR[])) AND stored_ns IN (SELECT unnest(?::BIGINT[]))",
)
"""Parameters: project, trace ids, their commits."""

_OF_ROOTS = lines(
    "FROM spans WHERE project = ? AND stored_ns IN (SELECT unnest(?::BIGINT[]))",
    "AND key IN (SELECT unnest(?::UBIGINT[]))",
)
_HEADS = lines(
    "SELECT key, nullif(input_head, '') AS input, nullif(output_head, '') AS output",
    _OF_ROOTS,
    "AND input_head IS NOT NULL",
)
_TEXTS = lines(f"SELECT key, left(input, {HEAD}) AS input, left(output, {HEAD}) AS output", _OF_ROOTS)

NO_TEXTS: dict[str, str | None] = {"input": None, "output": None}
"""Of a root that was removed, or written anew, since it was found."""


async def texts_of(store: Store, project: str, roots: Sequence[tuple[int, int]]) -> dict[int, Row]:
    """What a list shows of roots, by their key: the beginning of `input` and `output`.

    A root is (`stored_ns`, `key`): by key alone every row there is would be read, since keys are hashes and lie
    anywhere, and commits lie together. Only where there is no head the whole texts are read.
    """
    found: dict[int, Row] = dict.fromkeys((key for _, key in roots), NO_TEXTS)
    missing = list(roots)
    for sql in (_HEADS, _TEXTS):
        if missing:
            stored_ns, keys = map(list, zip(*missing, strict=True))
            rows = {row["key"]: row for row in await store.scan(sql, [project, stored_ns, keys])}
            found |= rows
            missing = [root for root in missing if root[1] not in rows]
    return found


async def shown_of(store: Store, project: str, roots: Sequence[Row]) -> dict[int, Row]:
    """The same of roots that were read by `SPANS`, most of them with their heads."""
    heads = {
        root["key"]: {"input": root["input_head"] or None, "output": root["output_head"] or None}
        for root in roots
        if root["input_head"] is not None
    }
    headless = [(root["stored_ns"], root["key"]) for root in roots if root["key"] not in heads]
    return {**heads, **await texts_of(store, project, headless)}


async def beginnings_of(store: Store, project: str, spans: Sequence[Row]) -> dict[int, Row]:
    """The same of spans beneath a root, which have no heads."""
    if not spans:
        return {}
    commits, keys = sorted({span["stored_ns"] for span in spans}), [span["key"] for span in spans]
    return {row["key"]: row for row in await store.scan(_TEXTS, [project, commits, keys])}


_SAID_FIRST = (
    *("user", "session", "feature", "tenant", "cost_center", "release", "channel", "arm", "canary", "run"),
    "environment",
)
_INPUT = ("fresh_input", "cache_read", "cache_write")
_OUTPUT = ("output_tokens", "reasoning")


def by_trace(spans: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for span in spans:
        found.setdefault(span["trace_id"], []).append(span)
    return found


def root_of(spans: Sequence[Row]) -> Row:
    """The first span without a parent, otherwise the first."""
    return min(spans, key=lambda span: (span["parent_id"] is not None, span["start_ns"], span["span_id"]))


def shown_texts(root: Row) -> Row:
    """What a list shows of a root that is read in full."""
    return {name: None if root[name] is None else root[name][:HEAD] for name in ("input", "output")}


def trace_row(spans: Sequence[Row], texts: Row, scores: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The JSON of a trace; its status is error when any of its spans failed, otherwise the root's."""
    root = root_of(spans)
    start_ns, end_ns = min(span["start_ns"] for span in spans), max(span["end_ns"] for span in spans)
    errors = sum(span["status"] == "error" for span in spans)
    calls = those_that_count(spans)
    return {
        "trace_id": root["trace_id"],
        "root_span_id": root["span_id"],
        "name": root["name"],
        "kind": root["kind"],
        "service": root["service"],
        "start": rfc3339(start_ns),
        "latency_ms": (end_ns - start_ns) / 1e6,
        "status": "error" if errors else root["status"],
        "spans": len(spans),
        "errors": errors,
        "models": sorted({span["model"] for span in spans if span["model"] is not None}),
        "tokens": {"input": _tokens(calls, _INPUT), "output": _tokens(calls, _OUTPUT)},
        "cost": {"usd": _sum([call["cost"] for call in calls]), "unknown": sum(call["cost"] is None for call in calls)},
        "scores": scores,
        "pii": _all(spans, "pii"),
        "let_go": sum(span["let_go_ns"] is not None for span in spans),
        **_said_first(spans),
        "tags": _all(spans, "tags"),
        "input": texts["input"],
        "output": texts["output"],
    }


def _said_first(spans: Sequence[Row]) -> dict[str, Any]:
    """For each of these fields what the earliest span says that says anything."""
    said: dict[str, Any] = dict.fromkeys(_SAID_FIRST)
    for span in sorted(spans, key=lambda span: span["start_ns"], reverse=True):
        said |= {name: span[name] for name in _SAID_FIRST if span[name] is not None}
    return said


def _all(spans: Sequence[Row], name: str) -> list[str]:
    return sorted({value for span in spans for value in span[name] or ()})


def _tokens(calls: Sequence[Row], names: tuple[str, ...]) -> Any:
    return _sum([call[name] for call in calls for name in names])


def _sum(values: Sequence[Any]) -> Any:
    """What is known in none stays unknown."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
