"""A project's own prices: kept, checked, audited, and ahead of the public list."""

from typing import Any

import pytest

from assay_server.core.clock import SystemClock
from assay_server.core.errors import AssayError, InvalidInput, NotFound
from assay_server.core.records import Tokens
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.providers import Prices
from assay_server.registry import OwnPrices

PROJECT, OTHER = "prj_test", "prj_other"
AT = 1_795_248_000_000_000_000
MILLION = Tokens(1_000_000, None, None, 0)


def opened(ledger: Ledger) -> OwnPrices:
    clock = SystemClock()
    return OwnPrices(ledger, Audit(ledger, clock, lambda text: (text, [])), clock, Prices())


@pytest.fixture
async def prices(any_ledger: Ledger) -> OwnPrices:
    made = opened(any_ledger)
    await made.load()
    return made


async def test_an_own_price_goes_before_the_list_in_its_project_alone(prices: OwnPrices) -> None:
    listed = prices.price("openai", "gpt-4o-2024-11-20", MILLION, AT, project=PROJECT)
    made = await prices.put(PROJECT, "key:a", "gpt-4o*", {"input": 1.0, "output": 2.0}, reason="our contract")
    assert prices.price("openai", "gpt-4o-2024-11-20", MILLION, AT, project=PROJECT) == (1.0, f"project:{made['id']}")
    assert prices.price("openai", "gpt-4o-2024-11-20", MILLION, AT, project=OTHER) == listed
    assert (made["repricing"]["status"], made["repricing"]["since"]) == ("queued", None)
    assert [price["model"] for price in await prices.list(PROJECT)] == ["gpt-4o*"]
    assert await prices.list(OTHER) == []


async def test_prices_are_there_after_a_restart_and_gone_after_deletion(prices: OwnPrices, any_ledger: Ledger) -> None:
    made = await prices.put(PROJECT, "key:a", "home", {"input": 3, "tiers": [{"over": 10, "input": 6}]})
    again = opened(any_ledger)
    await again.load()
    assert again.price(None, "home", MILLION, AT, project=PROJECT) == (6.0, f"project:{made['id']}")
    await again.delete(PROJECT, "key:a", made["id"])
    assert again.price(None, "home", MILLION, AT, project=PROJECT) is None
    with pytest.raises(NotFound):
        await again.delete(PROJECT, "key:a", made["id"])
    with pytest.raises(NotFound):
        await again.delete(OTHER, "key:a", made["id"])


async def test_a_price_of_the_same_model_and_date_is_replaced(prices: OwnPrices) -> None:
    for dollars in (1, 2):
        await prices.put(PROJECT, "key:a", "home", {"input": dollars}, valid_from="2026-01-01T00:00:00Z")
    await prices.put(PROJECT, "key:a", "home", {"input": 9}, valid_from="2026-06-01T00:00:00Z")
    assert [price["input"] for price in await prices.list(PROJECT)] == [9, 2]
    assert prices.lookup(PROJECT, None, "home", AT)["rates"]["input"] == 9
    assert prices.lookup(PROJECT, None, "elsewhere", AT) == {"source": None, "rates": None}


async def test_dollars_per_call_alone_are_a_price_whatever_the_tokens(prices: OwnPrices) -> None:
    made = await prices.put(PROJECT, "key:a", "pictures", {"request": 0.04, "batch": 0.5})
    told = f"project:{made['id']}"
    assert prices.price(None, "pictures", Tokens(10, None, None, 1), AT, project=PROJECT) == (0.04, told)
    assert prices.price(None, "pictures", Tokens(10, 5, 2, 1, 7), AT, project=PROJECT, batch=True) == (0.02, told)


async def test_the_queue_holds_what_is_not_done(prices: OwnPrices) -> None:
    await prices.put(PROJECT, "key:a", "home-*", {"input": 1}, valid_from="2026-01-01T00:00:00Z")
    ((repricing, project, since, pattern),) = await prices.unfinished()
    assert (project, since, pattern.covers(None, "home-1"), pattern.covers(None, "other")) == (
        PROJECT, 1_767_225_600_000_000_000, True, False,
    )  # fmt: skip
    await prices.reached(PROJECT, repricing, None)
    assert [row["status"] for row in await prices.repricings(PROJECT)] == ["running"]
    assert len(await prices.unfinished()) == 1
    await prices.reached(PROJECT, repricing, 7)
    ((row),) = await prices.repricings(PROJECT)
    assert (row["status"], row["calls"], row["ended_at"] is None) == ("done", 7, False)
    assert await prices.unfinished() == []


@pytest.mark.parametrize(
    ("model", "rates", "field"),
    [
        ("*", {"input": 1}, "model"),
        ("two\nlines", {"input": 1}, "model"),
        ("m", {}, "input"),
        ("m", {"input": -1}, "input"),
        ("m", {"input": float("nan")}, "input"),
        ("m", {"input": True}, "input"),
        ("m", {"input": 1, "colour": 2}, "colour"),
        ("m", {"input": 1, "tiers": [{"over": 0, "input": 2}]}, "tiers.over"),
        ("m", {"input": 1, "tiers": [{"over": 5, "output": 2}]}, "tiers.output"),
        ("m", {"input": 1, "tiers": [{"over": 5, "input": 2}, {"over": 5, "input": 3}]}, "tiers"),
        ("m", {"input": 1, "batch": 50}, "batch"),
    ],
)
async def test_what_is_no_price_is_refused(ledger: Ledger, model: str, rates: dict[str, Any], field: str) -> None:
    prices = opened(ledger)
    with pytest.raises(InvalidInput) as refusal:
        await prices.put(PROJECT, "key:a", model, rates)
    assert refusal.value.field == field
    with pytest.raises(AssayError):
        await prices.put(PROJECT, "key:a", "m", {"input": 1}, valid_from="yesterday")
    assert await prices.list(PROJECT) == []
