"""Calls that a cache would have answered, out of the times of all calls that asked the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
"""Nanoseconds, shape (calls,)."""


@dataclass(slots=True, frozen=True)
class Again:
    """One question that was asked again: the key of the first call a cache would have answered, how many those are,
    and what they cost; None where nobody knows of any."""

    key: int
    times: int
    usd: float | None


@dataclass(slots=True, frozen=True)
class Repeats:
    """What a cache would have answered: calls, of how many the cost is unknown, what the others cost, and the
    questions that cost most, most first."""

    calls: int = 0
    unknown: int = 0
    usd: float = 0.0
    most: tuple[Again, ...] = ()


def repeats(calls: Mapping[str, NDArray[Any]], ttl_ns: int, most: int) -> Repeats:
    """Of `calls` by column, shape (calls,) each, in the order of `k`, what they asked, and then of `start_ns`; `key`
    and `end_ns` beside them, and `cost`, which is NaN where it is unknown.

    An answer is there from its call's end on, for `ttl_ns`; a call that begins before it runs beside the first one, one
    that begins after it asks the model and fills the cache anew.
    """
    asked, starts, ends = calls["k"], calls["start_ns"], calls["end_ns"]
    if not len(asked):
        return Repeats()
    group = np.cumsum(np.concatenate([[0], asked[1:] != asked[:-1]]))
    after = _After(group, starts)
    served = np.maximum(after.at_or_after(ends), np.arange(1, len(asked) + 1))
    filled_anew = after.behind(ends + ttl_ns)
    fills = _followed(filled_anew)
    hit = _within(served[fills], filled_anew[fills], len(asked))
    return _told(group[hit], calls["key"][hit], calls["cost"][hit], most)


def together(parts: Sequence[Repeats], most: int) -> Repeats:
    """Of questions that were looked at in parts."""
    best = sorted((again for part in parts for again in part.most), key=lambda again: -(again.usd or 0.0))
    return Repeats(
        sum(part.calls for part in parts),
        sum(part.unknown for part in parts),
        sum(part.usd for part in parts),
        tuple(best[:most]),
    )


class _After:
    """Finds, within the same group, the first row that starts after a moment; where there is none, the next group's
    first row."""

    def __init__(self, group: Times, starts: Times) -> None:
        self._sorted = np.sort(starts)
        self._of_group = group * (len(starts) + 1)
        self._places = self._of_group + np.searchsorted(self._sorted, starts, "left")

    def at_or_after(self, moments: Times) -> Times:
        return self._first(np.searchsorted(self._sorted, moments, "left"))

    def behind(self, moments: Times) -> Times:
        return self._first(np.searchsorted(self._sorted, moments, "right"))

    def _first(self, ranks: NDArray[np.intp]) -> Times:
        found: Times = np.searchsorted(self._places, self._of_group + ranks, "left")
        return found


def _followed(following: Times) -> Times:
    """0, what follows it, and so on to the end."""
    steps, rows, row = following.tolist(), [], 0
    while row < len(steps):
        rows.append(row)
        row = steps[row]
    return np.array(rows, dtype=np.int64)


def _within(begins: Times, ends: Times, size: int) -> NDArray[np.bool_]:
    """The rows of half-open ranges that do not overlap."""
    change = np.zeros(size + 1, dtype=np.int64)
    np.add.at(change, np.minimum(begins, ends), 1)
    np.add.at(change, ends, -1)
    inside: NDArray[np.bool_] = np.cumsum(change)[:size] > 0
    return inside


def _told(group: Times, keys: NDArray[np.uint64], usd: NDArray[np.float64], most: int) -> Repeats:
    if not len(group):
        return Repeats()
    known = ~np.isnan(usd)
    firsts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    times = np.diff(np.concatenate([firsts, [len(group)]]))
    costs, of_known = (
        np.add.reduceat(np.where(known, usd, 0.0), firsts),
        np.add.reduceat(known.astype(np.int64), firsts),
    )
    order = np.argsort(-costs, kind="stable")[:most]
    best = (Again(int(keys[firsts[i]]), int(times[i]), float(costs[i]) if of_known[i] else None) for i in order)
    return Repeats(len(group), int((~known).sum()), float(usd[known].sum()), tuple(best))
