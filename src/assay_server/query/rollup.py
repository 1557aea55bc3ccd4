"""The spans of one trace that count, of those that are read already: `store.counting` is the same in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any


def those_that_count(spans: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The same of the spans of one trace that are read already."""
    using = [span for span in spans if any(span[name] is not None for name in _USED)]
    parts = any(span["kind"] not in _ROLL_UPS for span in using)
    repeated = told_again(using)
    return [span for span in using if span["span_id"] not in repeated and not (parts and span["kind"] in _ROLL_UPS)]


def told_again(spans: Sequence[Mapping[str, Any]]) -> set[str | None]:
    """Ids of spans that a model call stands directly beneath: where they are calls, it is the same one."""
    return {
        span["parent_id"] for span in spans if span["kind"] == "llm" and any(span[name] is not None for name in _USED)
    }


_USED = ("cost", "fresh_input", "output_tokens")
_ROLL_UPS = ("agent", "chain")
