"""Ids of other systems as ours: OpenTelemetry's where they are such, hashes where they are not."""

from hashlib import blake2b

_HEX = frozenset("0123456789abcdef")
_TRACE, _SPAN = 32, 16


def trace_id_of(told: str) -> str:
    """32 hex digits: the id itself where it is one (a UUID without its dashes is), else a hash of it."""
    return _id(told.lower().replace("-", ""), told, _TRACE)


def span_id_of(told: str) -> str:
    """16 hex digits: the id itself where it is one, else a hash of it."""
    return _id(told.lower(), told, _SPAN)


def _id(candidate: str, told: str, digits: int) -> str:
    if len(candidate) == digits and _HEX.issuperset(candidate) and candidate.strip("0"):
        return candidate
    return blake2b(told.encode("utf-8", "replace"), digest_size=digits // 2).hexdigest()
