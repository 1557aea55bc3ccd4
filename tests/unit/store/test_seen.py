"""The filter in front of the exact look-up: it may say *perhaps* too often, never too seldom."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_server.store.seen import Seen, key_of, keys_array


@given(st.lists(st.integers(0, 2**64 - 1), max_size=300), st.integers(1, 50))
@settings(max_examples=50, deadline=None)
def test_what_was_added_is_never_denied(keys: list[int], step: int) -> None:
    seen = Seen()
    for start in range(0, len(keys), step):
        seen.add(keys_array(keys[start : start + step]))
    assert seen.perhaps(keys_array(keys)).all()


def test_it_grows_and_stays_precise() -> None:
    random = np.random.default_rng(1)
    keys = random.integers(0, 2**64, 60_000, dtype=np.uint64)
    seen = Seen()
    for start in range(0, len(keys), 1000):
        seen.add(keys[start : start + 1000])
    others = random.integers(0, 2**64, 100_000, dtype=np.uint64)
    assert seen.perhaps(keys).all()
    assert seen.perhaps(others).mean() < 1e-3


def test_counters_as_ids_are_told_apart() -> None:
    seen = Seen(np.arange(20_000, dtype=np.uint64))
    assert seen.perhaps(np.arange(20_000, 60_000, dtype=np.uint64)).mean() < 1e-3


def test_an_empty_filter_knows_nothing() -> None:
    assert not Seen().perhaps(keys_array([0, 1, 2**64 - 1])).any()


def test_keys_are_stable_between_versions_because_they_are_stored() -> None:
    assert key_of("prj_a", "1", "2") == 9612200364768656015
    assert key_of("a", "bc") != key_of("ab", "c")
