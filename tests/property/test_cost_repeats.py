"""What a cache would have answered, found for all calls at once, is what one finds going through them one by one."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assay_server.query.costs.repeats import Again, repeats, together

MOST = 3
Call = tuple[int, int, int, float]  # what it asked, start, duration, cost

CALLS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(0, 12), st.sampled_from([0.25, 1.0, math.nan])),
    max_size=40,
)


def one_by_one(calls: list[tuple[int, Call]], ttl: int) -> dict[int, list[tuple[int, float]]]:
    """Question -> (key, cost) of the calls that the cache would have answered."""
    answered: dict[int, list[tuple[int, float]]] = {}
    filled: dict[int, int] = {}
    for key, (asked, start, took, cost) in calls:
        at = filled.get(asked)
        if at is not None and at <= start <= at + ttl:
            answered.setdefault(asked, []).append((key, cost))
        elif at is None or start > at:
            filled[asked] = start + took
    return answered


def columns(calls: list[tuple[int, Call]]) -> dict[str, np.ndarray]:
    return {
        "k": np.array([asked for _, (asked, *_) in calls], dtype=np.uint64),
        "key": np.array([key for key, _ in calls], dtype=np.uint64),
        "start_ns": np.array([start for _, (_, start, *_) in calls], dtype=np.int64),
        "end_ns": np.array([start + took for _, (_, start, took, _) in calls], dtype=np.int64),
        "cost": np.array([cost for _, (*_, cost) in calls], dtype=np.float64),
    }


@given(CALLS, st.integers(0, 30))
def test_all_at_once_is_one_by_one(given_calls: list[Call], ttl: int) -> None:
    calls = sorted(enumerate(given_calls), key=lambda call: (call[1][:2], call[0]))
    answered = one_by_one(calls, ttl)

    found = repeats(columns(calls), ttl, MOST)

    hits = [cost for group in answered.values() for _, cost in group]
    known = [cost for cost in hits if not math.isnan(cost)]
    assert (found.calls, found.unknown, found.usd) == (len(hits), len(hits) - len(known), sum(known))
    worth = {asked: [cost for _, cost in group if not math.isnan(cost)] for asked, group in answered.items()}
    order = sorted(answered, key=lambda asked: (-sum(worth[asked]), asked))[:MOST]
    assert found.most == tuple(
        Again(answered[asked][0][0], len(answered[asked]), sum(worth[asked]) if worth[asked] else None)
        for asked in order
    )


@given(CALLS, st.integers(0, 30))
def test_questions_in_parts_are_all_of_them(given_calls: list[Call], ttl: int) -> None:
    calls = sorted(enumerate(given_calls), key=lambda call: (call[1][:2], call[0]))
    parts = [repeats(columns([call for call in calls if call[1][0] % 2 == part]), ttl, MOST) for part in range(2)]

    joined, whole = together(parts, MOST), repeats(columns(calls), ttl, MOST)

    assert (joined.calls, joined.unknown, joined.usd) == (whole.calls, whole.unknown, whole.usd)
    assert sorted(again.usd or 0.0 for again in joined.most) == sorted(again.usd or 0.0 for again in whole.most)
