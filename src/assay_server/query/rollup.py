"""The spans of one trace that count, of those that are read already: `store.counting` is the same in SQL."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.store import GATEWAY


def those_that_count(spans: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The same of the spans of one trace that are read already."""
    using = [span for span in spans if _uses(span)]
    parts = any(span["kind"] not in _ROLL_UPS for span in using)
    repeated = told_again(spans)
    return [span for span in using if span["span_id"] not in repeated and not (parts and span["kind"] in _ROLL_UPS)]


def told_again(spans: Sequence[Mapping[str, Any]]) -> set[str | None]:
    """Ids of spans that a model call stands directly beneath, the gateway's also beneath the client's HTTP request or
    beside the client's span: where they are calls, it is the same one."""
    beside = _told_beside(spans)
    above = {span["span_id"]: span["parent_id"] for span in spans if span["kind"] == "span" and not _uses(span)}
    found: set[str | None] = set()
    for span in spans:
        if span["kind"] == "llm" and _uses(span):
            over_http = above.get(span["parent_id"]) if span["service"] == GATEWAY else None
            found.add(over_http or beside.get(span["span_id"]) or span["parent_id"])
    return found


def _told_beside(spans: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The client's span of the same call by the gateway's, where both stand under one span and used the same."""
    alike: dict[Any, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for span in sorted(spans, key=lambda span: (span["start_ns"], span["span_id"])):
        if span["kind"] == "llm" and span["parent_id"] is not None and _uses(span):
            used = (sum(span[name] or 0 for name in _SENT), sum(span[name] or 0 for name in _GOT))
            alike[span["parent_id"], used][span["service"] == GATEWAY].append(span)
    return {
        ours["span_id"]: theirs["span_id"]
        for told, called in alike.values()
        for theirs, ours in zip(told, called, strict=False)
        if theirs["start_ns"] <= ours["end_ns"] and theirs["end_ns"] >= ours["start_ns"]
    }


def _uses(span: Mapping[str, Any]) -> bool:
    return any(span[name] is not None for name in _USED)


_USED = ("cost", "fresh_input", "output_tokens")
_SENT, _GOT = ("fresh_input", "cache_read", "cache_write"), ("output_tokens", "reasoning")
_ROLL_UPS = ("agent", "chain")
