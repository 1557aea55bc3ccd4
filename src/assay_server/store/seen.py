"""Has this key been stored? A Bloom filter answers *no* for sure in microseconds and *perhaps* very rarely.

DuckDB's own index would stall appends for seconds once it is large (see docs/decisions.md), so the few *perhaps* are
looked up exactly and all others are never looked up at all.
"""

from collections.abc import Iterable
from hashlib import blake2b, md5

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

_BITS_PER_KEY = 24
_PROBES = 12
"""24 bits and 12 probes a key: about one false *perhaps* in 70,000 when a filter is full."""

_SMALLEST = 1 << 12


def key_of(*parts: str) -> int:
    """A 64-bit key of an identity; stable between processes and versions, because it is stored."""
    return int.from_bytes(blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=8).digest(), "little")


def md5_number_lower(text: str) -> int:
    """As DuckDB's function of that name has it, for keys that SQL makes too."""
    return int.from_bytes(md5(text.encode("utf-8", "replace"), usedforsecurity=False).digest()[8:], "little")


def trace_key(project: str, trace_id: str) -> int:
    """The key of a trace's row."""
    return key_of(project, trace_id)


def keys_array(keys: Iterable[int]) -> Keys:
    return np.fromiter(keys, dtype=np.uint64)


class Seen:
    """Grows by adding a filter twice as large; memory is about 3 to 6 bytes a key."""

    def __init__(self, keys: Keys | None = None) -> None:
        count = 0 if keys is None else len(keys)
        self._filters = [_Filter(max(_SMALLEST, 2 * count))]
        if keys is not None and count:
            self._filters[0].add(keys)

    def perhaps(self, keys: Keys) -> NDArray[np.bool_]:
        """For each key: False when it was certainly never added."""
        answers = np.stack([bloom.perhaps(keys) for bloom in self._filters])
        return np.asarray(answers.any(axis=0), dtype=np.bool_)

    def add(self, keys: Keys) -> None:
        if len(keys) == 0:
            return
        newest = self._filters[-1]
        if newest.count + len(keys) > newest.capacity:
            newest = _Filter(2 * max(newest.capacity, len(keys)))
            self._filters.append(newest)
        newest.add(keys)


class _Filter:
    """One Bloom filter with probes by double hashing (Kirsch and Mitzenmacher 2006)."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.count = 0
        size = 1 << (capacity * _BITS_PER_KEY - 1).bit_length()
        self._bits = np.zeros(size >> 3, dtype=np.uint8)
        self._mask = np.uint64(size - 1)

    def add(self, keys: Keys) -> None:
        for start in range(0, len(keys), 65_536):
            places = self._places(keys[start : start + 65_536]).ravel()
            np.bitwise_or.at(self._bits, places >> np.uint64(3), _bit(places))
        self.count += len(keys)

    def perhaps(self, keys: Keys) -> NDArray[np.bool_]:
        places = self._places(keys)
        hits: NDArray[np.bool_] = (self._bits[places >> np.uint64(3)] & _bit(places)) != 0
        return np.asarray(hits.all(axis=1), dtype=np.bool_)

    def _places(self, keys: Keys) -> Keys:
        """Bit positions, shape (keys, probes)."""
        first = _mix(keys)
        second = _mix(first) | np.uint64(1)
        steps = np.arange(_PROBES, dtype=np.uint64)
        places: Keys = (first[:, None] + steps[None, :] * second[:, None]) & self._mask
        return places


def _bit(places: Keys) -> NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (places & np.uint64(7)).astype(np.uint8))


def _mix(keys: Keys) -> Keys:
    """SplitMix64's finalizer: poor ids (counters, zeros) spread over all bits. Wraps around on purpose."""
    x = keys + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Keys = x ^ (x >> np.uint64(31))
    return mixed
