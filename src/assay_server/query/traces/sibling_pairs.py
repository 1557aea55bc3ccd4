"""Which of the spans below one span answers to which below another."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

Row = Mapping[str, Any]
Key = tuple[str, str, int]
"""What a span is, and a number that both of a pair have."""

_MOST_ALIGNED = 500  # of one kind on one side: finding what is common takes the square of it


def numbered(a: Sequence[Row], b: Sequence[Row]) -> tuple[dict[Key, Row], dict[Key, Row]]:
    """Both sides in their order. Of as many of a kind the third answers to the third; where one side has more of them,
    they are laid beside each other so that most were asked the same: what one has more does not move all others.
    """
    left, right = _by_kind(a), _by_kind(b)
    numbers: dict[int, int] = {}
    for kind in left.keys() | right.keys():
        mine, others = left.get(kind, []), right.get(kind, [])
        pairs = _in_order(mine, others) if len(mine) == len(others) else _aligned(mine, others)
        for number, pair in enumerate(pairs):
            numbers.update((id(row), number) for row in pair)
    return _keyed(a, numbers), _keyed(b, numbers)


def _by_kind(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["kind"], row["name"]), []).append(row)
    return found


def _keyed(rows: Sequence[Row], numbers: Mapping[int, int]) -> dict[Key, Row]:
    return {(row["kind"], row["name"], numbers[id(row)]): row for row in rows}


def _in_order(a: Sequence[Row], b: Sequence[Row]) -> list[tuple[Row, ...]]:
    """Pairs as far as both go, then what is left of the longer."""
    both = min(len(a), len(b))
    return [*zip(a, b, strict=False), *((row,) for row in (*a[both:], *b[both:]))]


def _aligned(a: Sequence[Row], b: Sequence[Row]) -> list[tuple[Row, ...]]:
    begin = _same_from_the_start(a, b)
    end = _same_from_the_start(a[begin:][::-1], b[begin:][::-1])
    middle_a, middle_b = a[begin : len(a) - end], b[begin : len(b) - end]
    inside = _between(middle_a, middle_b) if max(len(middle_a), len(middle_b)) <= _MOST_ALIGNED else None
    found = _in_order(a[:begin], b[:begin])
    found += _in_order(middle_a, middle_b) if inside is None else inside
    return found + _in_order(a[len(a) - end :], b[len(b) - end :])


def _same_from_the_start(a: Sequence[Row], b: Sequence[Row]) -> int:
    n = 0
    for one, other in zip(a, b, strict=False):
        if one["input"] != other["input"]:
            break
        n += 1
    return n


def _between(a: Sequence[Row], b: Sequence[Row]) -> list[tuple[Row, ...]]:
    found: list[tuple[Row, ...]] = []
    at_a = at_b = 0
    asked = SequenceMatcher(None, [row["input"] for row in a], [row["input"] for row in b], autojunk=False)
    for block in asked.get_matching_blocks():
        found += _in_order(a[at_a : block.a], b[at_b : block.b])
        at_a, at_b = block.a + block.size, block.b + block.size
        found += _in_order(a[block.a : at_a], b[block.b : at_b])
    return found
