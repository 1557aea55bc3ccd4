"""The spans of one trace that count, of those that are read already: `store.counting` is the same in SQL."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from assay_server.store import GATEWAY


def those_that_count(spans: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The same of the spans of one trace that are read already."""
    using = [span for span in spans if _uses(span)]
    parts = any(span["kind"] not in _ROLL_UPS for span in using)
    repeated = told_again(spans) if parts else {span["parent_id"] for span in using}
    return [span for span in using if span["span_id"] not in repeated and not (parts and span["kind"] in _ROLL_UPS)]


def told_again(spans: Sequence[Mapping[str, Any]]) -> set[str | None]:
    """Ids of spans that a model call stands directly beneath, the gateway's also beneath the client's HTTP request, and
    of those beside which another instrument tells of the call: where they are calls, it is the same one."""
    beside = _told_beside(spans)
    above = {span["span_id"]: span["parent_id"] for span in spans if span["kind"] == "span" and not _uses(span)}
    found: set[str | None] = set()
    for span in spans:
        if span["kind"] == "llm" and _uses(span):
            over_http = above.get(span["parent_id"]) if span["service"] == GATEWAY else None
            found.add(over_http or beside.get(span["span_id"]) or span["parent_id"])
    return found


def _told_beside(spans: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By a call, another instrument's span of it that stands beside it."""
    nth: dict[Any, int] = defaultdict(int)
    chains: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: (span["start_ns"], span["span_id"])):
        asked = any(span[name] is not None for name in _SENT)
        if span["kind"] == "llm" and span["parent_id"] is not None and asked and _uses(span):
            alike = span["parent_id"], _added(span, _SENT)
            chains[alike, nth[alike, _who(span)]].append(span)
            nth[alike, _who(span)] += 1
    found: dict[str, str] = {}
    for chain in chains.values():
        chain.sort(key=lambda span: span["span_id"])
        chain.sort(key=lambda span: (_who(span) == "", span["start_ns"]), reverse=True)
        found |= {span["span_id"]: told["span_id"] for span, told in pairwise(chain) if _is_one_call(span, told)}
    return found


def _is_one_call(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    at_once = one["start_ns"] <= other["end_ns"] and other["start_ns"] <= one["end_ns"]
    same_model = one["model"] is not None and one["model"] == other["model"]
    return at_once and (same_model or _added(one, _GOT) == _added(other, _GOT))


def _who(span: Mapping[str, Any]) -> str:
    """Which instrument tells of a call."""
    return "" if span["service"] == GATEWAY else span["scope"] or "-"


def _added(span: Mapping[str, Any], names: Sequence[str]) -> int:
    return sum(span[name] or 0 for name in names)


def _uses(span: Mapping[str, Any]) -> bool:
    return any(span[name] is not None for name in _USED)


_SENT, _GOT = ("fresh_input", "cache_read", "cache_write"), ("output_tokens", "reasoning")
_USED = ("cost", *_SENT, *_GOT)
_ROLL_UPS = ("agent", "chain")
