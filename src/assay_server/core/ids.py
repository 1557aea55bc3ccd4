"""Prefixed, sortable ids: `rel_01k9…` sorts by the time it was made (ULID, 48-bit ms + 80 random bits)."""

import hashlib
import json
import secrets
import time
from typing import Any

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32, lower case


def new_id(prefix: str, *, at_ms: int | None = None) -> str:
    """A new id such as `rel_01k9zq3v7e8m4t2x6c5b1n0d9f`; later ids sort after earlier ones."""
    millis = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    value = (millis << 80) | secrets.randbits(80)
    return f"{prefix}_{_base32(value)}"


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text, so their hashes agree."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any) -> str:
    """`sha256:<64 hex digits>` of the canonical JSON of `value`."""
    return "sha256:" + hashlib.sha256(canonical_json(value).encode()).hexdigest()


def salted_hash(salt: str, text: str) -> str:
    """`sha256:<hex>` by which who knows the text can tell that it was this one, and nobody without the salt."""
    return "sha256:" + hashlib.sha256((salt + text).encode("utf-8", "replace")).hexdigest()


def digest_id(prefix: str, said: bytes) -> str:
    """An id such as `scr_…` that follows from what a fact says: sent twice it is the same one."""
    return f"{prefix}_{hashlib.blake2b(said, digest_size=13).hexdigest()}"


def _base32(value: int) -> str:
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
