"""Fields whose values are few and known.

What no fact can be (`kind=LLM`, `status=failed`) finds nothing, in silence and for ever: a monitor that never rings, a
rule of sampling that keeps nothing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import get_args

from assay_server.core.errors import InvalidInput
from assay_server.core.records import SPAN_KINDS, ScoreSource, SpanStatus

_KNOWN: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "kind": ("There is no such kind of span.", SPAN_KINDS),
    "status": ("There is no such status.", get_args(SpanStatus)),
    "source": ("There is no such source.", get_args(ScoreSource)),
}


def check_known(
    field: str, values: str | Sequence[str] | None, at: str | None = None, *, patterns: bool = False
) -> None:
    """`at`: where they stand, if not in a field of that name. `patterns`: `*` stands for anything in them.

    Raises InvalidInput for one that is none of `field`'s.
    """
    if field not in _KNOWN or values is None:
        return
    message, known = _KNOWN[field]
    for value in [values] if isinstance(values, str) else values:
        if value not in known and not (patterns and _is_of(value, known)):
            fix = f"use {', '.join(known[:-1])} or {known[-1]}"
            raise InvalidInput(message, field=at or field, value=value, fix=fix)


def refuse_unknown_values(narrow: Mapping[str, Sequence[str]], at: str = "filter", *, patterns: bool = False) -> None:
    """Asked when a filter is written, not when it is read back: those that are there go on. Raises InvalidInput."""
    for word, values in narrow.items():
        check_known(word.removeprefix("-"), values, f"{at}.{word}", patterns=patterns)


def _is_of(pattern: str, known: Sequence[str]) -> bool:
    wild = ".*".join(map(re.escape, pattern.split("*")))
    return any(re.fullmatch(wild, value) for value in known)
