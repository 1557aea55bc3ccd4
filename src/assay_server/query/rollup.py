"""The spans of one trace that count, of those that are read already: `store.counting` is the same in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any


def those_that_count(spans: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The same of the spans of one trace that are read already."""
    using = [span for span in spans if any(span[name] is not None for name in _USED)]
    parts = any(span["kind"] not in _ROLL_UPS for span in using)
    repeated = {span["parent_id"] for span in using if span["kind"] == "llm"}
    return [span for span in using if span["span_id"] not in repeated and not (parts and span["kind"] in _ROLL_UPS)]


_USED = ("cost", "fresh_input", "output_tokens")
_ROLL_UPS = ("agent", "chain")
