"""Which spans a match names, and where a trace stands when only a share is wanted."""

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from assay_server.governance.sampling_policy import Match

_HASH_BITS = 64

Getter = Callable[[str], Callable[[Any], Any]]
"""Name of a field -> a function that takes it out of a span."""


def fraction(trace_id: str) -> float:
    """Where a trace stands between 0 and 1, evenly, for ever."""
    return int.from_bytes(blake2b(trace_id.encode("utf-8", "replace"), digest_size=8).digest()) / 2.0**_HASH_BITS


def matcher(match: Match, getter: Getter = attrgetter) -> Callable[[Any], bool]:
    """True for spans of which every field matches one of its patterns, and none of those with '-' in front does; an
    empty match is true for all."""
    tests = [
        (getter(name.removeprefix("-")), _pattern(patterns), not name.startswith("-"))
        for name, patterns in match.items()
    ]

    def matches(span: Any) -> bool:
        return all(((value := get(span)) is not None and test(value)) is wanted for get, test, wanted in tests)

    return matches


def _pattern(patterns: Sequence[str]) -> Callable[[str], bool]:
    plain = frozenset(pattern for pattern in patterns if "*" not in pattern)
    wild = [".*".join(map(re.escape, pattern.split("*"))) for pattern in patterns if "*" in pattern]
    if not wild:
        return plain.__contains__
    fits = re.compile("|".join(wild), re.DOTALL).fullmatch
    return lambda value: value in plain or fits(value) is not None
