"""Why a cost changed: an exact split into volume, tokens per call, price and mix.

    cost = N · Σ_g share_g · Σ_b tokens_gb · price_gb

N calls; share_g of them in group g (a model, an endpoint); tokens_gb per call in bucket b; price_gb dollars a token.
The change between two periods is split by Shapley's value over the four factors (Shapley 1953; Sun 1998 for sums of
products): each factor's part is its effect averaged over all orders in which the factors could have changed. The parts
add up exactly, zeros need no care, and a factor that did not change gets nothing.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeVar, get_args

Term = Literal["volume", "tokens", "price", "mix"]
TERMS: tuple[Term, ...] = get_args(Term)

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True, frozen=True)
class Cell:
    """One group in one period: calls, the sum of tokens and the dollars of each bucket. All have equal buckets."""

    calls: int
    tokens: Sequence[float]
    dollars: Sequence[float]


@dataclass(slots=True, frozen=True)
class _Factors:
    volume: float
    mix: float  # the group's share of all calls
    tokens: Sequence[float]
    price: Sequence[float]

    def cost(self) -> float:
        return self.volume * self.mix * math.fsum(map(_product, self.tokens, self.price))


def attribute(before: Mapping[K, Cell], after: Mapping[K, Cell]) -> dict[K, dict[Term, float]]:
    """Dollars by group and term; summed over all they are the change in cost, up to rounding of floats."""
    volumes = sum(cell.calls for cell in before.values()), sum(cell.calls for cell in after.values())
    groups = dict.fromkeys((*before, *after))
    return {group: _shapley(*_pair(before.get(group), after.get(group), *volumes)) for group in groups}


def rounded(parts: Mapping[K, float], total: float, unit: float = 0.01) -> dict[K, float]:
    """The parts in whole units that add up to `total` in whole units: largest remainders first (Hamilton)."""
    floors = {name: math.floor(part / unit) for name, part in parts.items()}
    missing = round(total / unit) - sum(floors.values())
    by_remainder = sorted(parts, key=lambda name: floors[name] - parts[name] / unit)
    for nth in range(abs(missing)):
        name = by_remainder[nth % len(by_remainder)] if missing > 0 else by_remainder[-1 - nth % len(by_remainder)]
        floors[name] += 1 if missing > 0 else -1
    digits = max(-math.floor(math.log10(unit)), 0)
    return {name: round(count * unit, digits) for name, count in floors.items()}


def _pair(before: Cell | None, after: Cell | None, volume_before: int, volume_after: int) -> tuple[_Factors, _Factors]:
    """A group that is not there in one period has no share in it; its tokens and prices are those of the other."""
    known = before or after
    if known is None:
        raise ValueError("a group must be in one of the periods")
    none = Cell(0, known.tokens, known.dollars)
    early, late = before or none, after or none
    # Where a period has no calls at all, the mix is the other's: the whole change is one of volume.
    shares = [
        cell.calls / volume if volume else other.calls / other_volume if other_volume else 0.0
        for cell, volume, other, other_volume in (
            (early, volume_before, late, volume_after),
            (late, volume_after, early, volume_before),
        )
    ]
    return (
        _factors(early, volume_before, shares[0], known.calls),
        _factors(late, volume_after, shares[1], known.calls),
    )


def _factors(cell: Cell, volume: int, share: float, calls_elsewhere: int) -> _Factors:
    calls = cell.calls or calls_elsewhere or 1
    return _Factors(
        volume,
        share,
        [count / calls for count in cell.tokens],
        [dollars / count if count else 0.0 for dollars, count in zip(cell.dollars, cell.tokens, strict=True)],
    )


def _shapley(before: _Factors, after: _Factors) -> dict[Term, float]:
    before, after = _with_prices_of_each_other(before, after)
    size = len(TERMS)
    costs = {chosen: _blend(before, after, chosen).cost() for chosen in _subsets(TERMS)}
    parts: dict[Term, float] = {}
    for term in TERMS:
        others = [other for other in TERMS if other != term]
        parts[term] = math.fsum(
            math.factorial(len(chosen)) * math.factorial(size - len(chosen) - 1) / math.factorial(size)
            * (costs[frozenset((*chosen, term))] - costs[chosen])
            for chosen in _subsets(others)
        )  # fmt: skip
    return parts


def _with_prices_of_each_other(before: _Factors, after: _Factors) -> tuple[_Factors, _Factors]:
    """A bucket without tokens has no price; the other period's goes: first tokens are no change of price."""
    early = [
        mine if count else other for mine, count, other in zip(before.price, before.tokens, after.price, strict=True)
    ]
    late = [
        mine if count else other for mine, count, other in zip(after.price, after.tokens, before.price, strict=True)
    ]
    return (
        _Factors(before.volume, before.mix, before.tokens, early),
        _Factors(after.volume, after.mix, after.tokens, late),
    )


def _blend(before: _Factors, after: _Factors, changed: frozenset[Term]) -> _Factors:
    return _Factors(
        (after if "volume" in changed else before).volume,
        (after if "mix" in changed else before).mix,
        (after if "tokens" in changed else before).tokens,
        (after if "price" in changed else before).price,
    )


def _subsets(terms: Sequence[Term]) -> list[frozenset[Term]]:
    return [frozenset(chosen) for size in range(len(terms) + 1) for chosen in combinations(terms, size)]


def _product(left: float, right: float) -> float:
    return left * right
