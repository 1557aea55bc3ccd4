"""The parts add up, planted causes get all of it, and nothing else gets anything."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_server.stats import TERMS, Cell, attribute, rounded

BEFORE = {"a": Cell(600, [60_000, 6_000], [6.0, 2.4]), "b": Cell(400, [20_000, 8_000], [40.0, 64.0])}


def sums(after: dict[str, Cell], before: dict[str, Cell] = BEFORE) -> dict[str, float]:
    parts = attribute(before, after)
    return {term: math.fsum(part[term] for part in parts.values()) for term in TERMS}


def cost(cells: dict[str, Cell]) -> float:
    return math.fsum(math.fsum(cell.dollars) for cell in cells.values())


def scaled(cell: Cell, calls: float = 1.0, tokens: float = 1.0, price: float = 1.0) -> Cell:
    return Cell(
        round(cell.calls * calls),
        [count * calls * tokens for count in cell.tokens],
        [dollars * calls * tokens * price for dollars in cell.dollars],
    )


@pytest.mark.parametrize(
    ("cause", "change"), [("volume", {"calls": 1.31}), ("tokens", {"tokens": 1.31}), ("price", {"price": 1.31})]
)
def test_a_single_cause_gets_all_of_it(cause: str, change: dict[str, float]) -> None:
    after = {name: scaled(cell, **change) for name, cell in BEFORE.items()}
    found = sums(after)
    assert found.pop(cause) == pytest.approx(0.31 * cost(BEFORE))
    assert list(found.values()) == pytest.approx([0, 0, 0], abs=1e-9)


def test_calls_that_move_to_a_dearer_group_are_mix() -> None:
    after = {"a": scaled(BEFORE["a"], calls=0.5), "b": scaled(BEFORE["b"], calls=1.75)}
    found = sums(after)
    assert found.pop("mix") == pytest.approx(cost(after) - cost(BEFORE))
    assert list(found.values()) == pytest.approx([0, 0, 0], abs=1e-9)


def test_a_model_swapped_for_another_is_mix_and_its_growth_is_volume() -> None:
    swapped = {"new": Cell(2000, [200_000, 20_000], [40.0, 16.0])}
    found = sums(swapped, {"old": Cell(1000, [100_000, 10_000], [10.0, 4.0])})
    assert (found["tokens"], found["price"]) == (0, 0)
    assert found["volume"] == pytest.approx((14.0 + 28.0) / 2)  # the doubling, between the old price and the new
    assert found["mix"] == pytest.approx(42.0 - 21.0)


def test_the_first_day_is_all_volume() -> None:
    assert sums(BEFORE, {}) == pytest.approx({"volume": cost(BEFORE), "tokens": 0, "price": 0, "mix": 0})
    assert sums({}, BEFORE) == pytest.approx({"volume": -cost(BEFORE), "tokens": 0, "price": 0, "mix": 0})


def test_the_first_tokens_of_a_bucket_are_tokens() -> None:
    found = sums({"a": Cell(10, [100, 50], [1.0, 2.0])}, {"a": Cell(10, [100, 0], [1.0, 0.0])})
    assert found == pytest.approx({"volume": 0, "tokens": 2.0, "price": 0, "mix": 0})


@st.composite
def cells(draw: st.DrawFn) -> dict[str, Cell]:
    def cell() -> Cell:
        calls = draw(st.integers(0, 1000))
        tokens = [draw(st.integers(0, 10**6)) if calls else 0 for _ in range(3)]
        return Cell(calls, tokens, [draw(st.floats(0, 1e4)) if count else 0.0 for count in tokens])

    return {name: cell() for name in draw(st.sets(st.sampled_from("abcd")))}


@given(cells(), cells())
def test_the_parts_always_add_up(before: dict[str, Cell], after: dict[str, Cell]) -> None:
    change = cost(after) - cost(before)
    found = sums(after, before)
    assert math.fsum(found.values()) == pytest.approx(change, rel=1e-9, abs=1e-6)
    whole = rounded(found, change)
    assert round(math.fsum(whole.values()) * 100) == round(change / 0.01)
    assert all(abs(whole[term] - found[term]) <= 0.02 for term in TERMS)
