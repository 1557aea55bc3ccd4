"""Prices that hold for some calls of a model only: more of these is mix, and no price has changed."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Span, Tokens
from assay_server.providers import OwnPrice, Rate, Rates
from assay_server.query import CostChanges, CostFilter
from assay_server.store import DuckStore

DAY = 86_400_000_000_000
BEFORE = 1_795_132_800_000_000_000  # 2026-11-20
AFTER = BEFORE + DAY
INTO = Rate(1e-3, ((5_000, 2e-3),))
OUT = Rate(4e-3, ((5_000, 6e-3),))
TIERED = Rates(INTO, Rate(1e-4), INTO, OUT, OUT, 0.05, "project:x")
_TIER = "gen_ai.openai.response.service_tier"
NONE = {"volume": 0, "tokens": 0, "price": 0, "mix": 0}


class PriceList:
    """A price with two tiers, a batch factor and so much a call; from `later` on, if given, other rates."""

    def __init__(self, rates: Rates = TIERED, later: Rates | None = None) -> None:
        self._rates = rates
        self._later = later

    def rates(self, provider: str | None, model: str, at_ns: int, *, project: str | None = None) -> Rates:
        return self._later if self._later is not None and at_ns >= AFTER else self._rates

    def price(self, *args: Any, **more: Any) -> Any:
        raise AssertionError("the stored cost goes")

    def day(self, start: int, *kinds: tuple[int, Tokens, bool]) -> list[Span]:
        """(how many, tokens of each, whether they were batch calls)."""
        own = OwnPrice("x", "m", None, None, self.rates(None, "m", start), 0.5)
        made = []
        for count, tokens, batch in kinds:
            for _ in range(count):
                at = start + len(made) * 1000
                said = {"assay.batch": True} if batch and len(made) % 2 else {_TIER: "batch" if batch else "default"}
                span = Span("prj_a", f"{at:x}", f"{at:x}", None, "answer", "llm", at, at + 9, model="m", tokens=tokens)
                span.attributes, span.cost, span.cost_source = said, own.cost(tokens, batch=batch), "project:x"
                made.append(span)
        return made


SHORT, LONG = Tokens(1_000, None, None, 100), Tokens(9_000, None, None, 100)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


async def why(store: DuckStore, prices: PriceList, before: Any, after: Any) -> dict[str, Any]:
    await store.append(Facts([*prices.day(BEFORE, *before), *prices.day(AFTER, *after)]))
    found = await CostChanges(store, prices).why("prj_a", AFTER, BEFORE, CostFilter(0, 1))
    terms = {term["term"]: term["usd"] for term in found["terms"]}
    assert round(sum(terms.values()) * 100) == round(found["cost"]["change"] * 100)
    return {**found, "by_term": terms}


async def test_prompts_that_cross_a_tier_are_mix(store: DuckStore) -> None:
    found = await why(
        store, PriceList(), [(90, SHORT, False), (10, LONG, False)], [(60, SHORT, False), (40, LONG, False)]
    )
    assert found["by_term"] == NONE | {"mix": found["cost"]["change"]}
    assert [(row["term"], row["model"]) for row in found["drivers"]] == [("mix", "m")]  # the tiers' shares together


async def test_a_smaller_share_of_batch_calls_is_mix(store: DuckStore) -> None:
    found = await why(
        store, PriceList(), [(50, SHORT, True), (50, SHORT, False)], [(10, SHORT, True), (90, SHORT, False)]
    )
    assert found["by_term"] == NONE | {"mix": found["cost"]["change"]}


async def test_more_of_what_is_cached_is_tokens(store: DuckStore) -> None:
    cold, warm = Tokens(1_000, 0, None, 100), Tokens(100, 900, None, 100)
    found = await why(store, PriceList(), [(100, cold, False)], [(50, cold, False), (50, warm, False)])
    assert found["by_term"] == NONE | {"tokens": found["cost"]["change"]}


async def test_longer_answers_at_so_much_a_call_are_tokens_and_cost_nothing_more_by_the_call_alone(
    store: DuckStore,
) -> None:
    longer = [(100, Tokens(1_000, None, None, 300), False)]
    found = await why(store, PriceList(), [(100, SHORT, False)], longer)
    assert found["by_term"] == NONE | {"tokens": 80}


async def test_a_price_of_the_call_alone_moves_with_nothing_but_calls(store: DuckStore) -> None:
    free = Rate(0.0)
    prices = PriceList(Rates(free, free, free, free, free, 0.25, "project:x"))
    found = await why(store, prices, [(100, SHORT, False)], [(100, LONG, False)])
    assert found["by_term"] == NONE
    more = await CostChanges(store, prices).why("prj_a", AFTER + DAY, AFTER, CostFilter(0, 1))
    assert more["terms"][0]["usd"] == -25


async def test_a_price_that_changed_is_told_from_the_tokens_that_changed_with_it(store: DuckStore) -> None:
    """Answers three times as long and output twice as dear: Shapley's parts of 100·1e-3·(300·8 − 100·4)."""
    flat, dearer = (Rates(Rate(1e-3), None, None, Rate(out), None, 0.0, "project:x") for out in (4e-3, 8e-3))
    longer = [(100, Tokens(1_000, None, None, 300), False)]
    found = await why(store, PriceList(flat, dearer), [(100, SHORT, False)], longer)
    assert found["by_term"] == NONE | {"tokens": 200 * 100 * 6e-3, "price": 200 * 100 * 4e-3}


async def test_a_tier_that_became_dearer_is_price(store: DuckStore) -> None:
    into = Rate(1e-3, ((5_000, 3e-3),))
    dearer = Rates(into, Rate(1e-4), into, OUT, OUT, 0.05, "project:x")
    kinds = [(80, SHORT, False), (20, LONG, False)]
    found = await why(store, PriceList(later=dearer), kinds, kinds)
    assert found["by_term"] == NONE | {"price": 20 * 9}


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_changes_but_the_prices_is_not_told_as_price(store: DuckStore, seed: int) -> None:
    rng = random.Random(seed)

    def some() -> list[tuple[int, Tokens, bool]]:
        most = (9_000, 3_000, 900, 500, 90)
        return [(rng.randrange(1, 9), Tokens(*map(rng.randrange, most)), rng.random() < 0.3) for _ in range(12)]

    found = await why(store, PriceList(), some(), some())
    assert found["by_term"]["price"] == 0
    assert not any(row["term"] == "price" for row in found["drivers"])
