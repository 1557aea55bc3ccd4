"""Fields whose values are few and known.

What no fact can be (`kind=LLM`, `status=failed`) finds nothing, in silence and for ever: a monitor that never rings.
"""

from collections.abc import Mapping, Sequence
from typing import get_args

from assay_server.core.errors import InvalidInput
from assay_server.core.records import SPAN_KINDS, ScoreSource, SpanStatus
from assay_server.query.filters.one_of import OneOf, each_of

_KNOWN: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "kind": ("There is no such kind of span.", SPAN_KINDS),
    "status": ("There is no such status.", get_args(SpanStatus)),
    "source": ("There is no such source.", get_args(ScoreSource)),
}


def check_known(field: str, values: OneOf | None, at: str | None = None) -> None:
    """`at`: where they stand, if not in a field of that name. Raises InvalidInput for one that is none of `field`'s."""
    if field not in _KNOWN:
        return
    message, known = _KNOWN[field]
    for value in each_of(values):
        if value not in known:
            fix = f"use {', '.join(known[:-1])} or {known[-1]}"
            raise InvalidInput(message, field=at or field, value=value, fix=fix)


def refuse_unknown_values(narrow: Mapping[str, Sequence[str]], at: str = "filter") -> None:
    """Asked when a filter is written, not when it is read back: those that are there go on. Raises InvalidInput."""
    for word, values in narrow.items():
        check_known(word.removeprefix("-"), values, f"{at}.{word}")
