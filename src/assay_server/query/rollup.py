"""The spans of one trace that count, of those that are read already: `store.counting` is the same in SQL."""

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
    """Ids of spans that a model call stands directly beneath, the gateway's also beneath the client's HTTP request:
    where they are calls, it is the same one."""
    above = {span["span_id"]: span["parent_id"] for span in spans if span["kind"] == "span" and not _uses(span)}
    found: set[str | None] = set()
    for span in spans:
        if span["kind"] == "llm" and _uses(span):
            over_http = above.get(span["parent_id"]) if span["service"] == GATEWAY else None
            found.add(over_http or span["parent_id"])
    return found


def _uses(span: Mapping[str, Any]) -> bool:
    return any(span[name] is not None for name in _USED)


_USED = ("cost", "fresh_input", "output_tokens")
_ROLL_UPS = ("agent", "chain")
