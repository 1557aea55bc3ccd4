"""Which of a project's prices goes for a call, and what it makes of batches."""

import pytest

from assay_server.core.records import Tokens
from assay_server.providers import OwnPrice, Prices, Rate, Rates, applying


def price(id_: str, model: str, provider: str | None = None, since: int | None = None, **fields: float) -> OwnPrice:
    rate = Rate(2e-6, ((1000, 4e-6),))
    return OwnPrice(id_, model, provider, since, Rates(rate, rate, None, rate, rate, 0.01, f"project:{id_}"), **fields)


PRICES = [
    price("all", "my-*"),
    price("longer", "my-model-*"),
    price("exact", "my-model-1"),
    price("served", "my-model-1", "acme"),
    price("later", "my-model-1", "acme", since=100),
    price("path", "vendor/other"),
    price("tuned", "ft:base[1]?"),
]


@pytest.mark.parametrize(
    ("provider", "model", "at", "chosen"),
    [
        (None, "my-thing", 0, "all"),
        (None, "my-model-2", 0, "longer"),
        (None, "MY-model-1", 0, "exact"),
        ("acme", "my-model-1", 99, "served"),
        ("Acme", "my-model-1", 100, "later"),
        ("vendor", "other", 0, "path"),
        (None, "vendor/other", 0, "path"),
        (None, "ft:base[1]?", 0, "tuned"),
        (None, "ft:base1x", 0, None),
        (None, "unknown", 0, None),
    ],
)
def test_the_closest_price_goes(provider: str | None, model: str, at: int, chosen: str | None) -> None:
    found = applying(PRICES, provider, model, at)
    assert (None if found is None else found.id) == chosen


def test_tiers_go_for_the_whole_call_and_requests_are_added() -> None:
    assert PRICES[0].cost(Tokens(1000, None, None, 10), batch=False) == pytest.approx(0.01 + 1010 * 2e-6)
    assert PRICES[0].cost(Tokens(1001, None, None, 10), batch=False) == pytest.approx(0.01 + 1011 * 4e-6)


def test_what_has_no_rate_is_unknown() -> None:
    assert PRICES[0].cost(Tokens(10, None, 5, 10), batch=False) is None
    assert PRICES[0].cost(Tokens(10, None, None, 10), batch=True) is None
    half = price("half", "m", batch=0.5)
    assert half.cost(Tokens(1000), batch=True) == pytest.approx((0.01 + 1000 * 2e-6) / 2)


def test_the_public_list_does_not_guess_batch_prices() -> None:
    at = 1_795_248_000_000_000_000
    assert Prices().price("openai", "gpt-4o", Tokens(1000), at) is not None
    assert Prices().price("openai", "gpt-4o", Tokens(1000), at, batch=True) is None
