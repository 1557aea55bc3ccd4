"""A project's own prices: kept, checked, audited, and ahead of the public list."""

from typing import Any

import pytest

from assay_server.core.clock import SystemClock
from assay_server.core.errors import AssayError, Conflict, InvalidInput, NotFound
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


FULL: dict[str, Any] = {
    "input": 3.0, "output": 15.0, "cache_read": 0.0, "batch": 0.5, "tiers": [{"over": 200_000, "input": 6.0}],
}  # fmt: skip


@pytest.mark.parametrize("when", ["9999-12-31", "2262-06-01", "1969-12-31", "0001-01-01", "soon"])
async def test_a_price_begins_at_a_time_that_can_be_stored(prices: OwnPrices, when: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await prices.put(PROJECT, "key:a", "home", {"input": 2}, valid_from=when)
    assert (refused.value.field, refused.value.value) == ("valid_from", when)
    assert refused.value.fix


@pytest.mark.parametrize("valid_from", [None, "2026-06-01T00:00:00Z"])
async def test_what_a_new_price_does_not_name_is_not_lost_without_a_word(
    prices: OwnPrices, valid_from: str | None
) -> None:
    """Also not where the old price stays, and the new one only begins after it."""
    first = await prices.put(PROJECT, "key:a", "home", FULL)
    with pytest.raises(Conflict) as refusal:
        await prices.put(PROJECT, "key:a", "home", {"input": 2, "output": 10}, valid_from=valid_from)
    told = str(refusal.value)
    assert "cache_read 0, batch 0.5, other rates over 200,000 prompt tokens" in told
    assert ("unnamed=keep" in told, "--keep" in told, refusal.value.field) == (True, True, "cache_read")
    assert [price["id"] for price in await prices.list(PROJECT)] == [first["id"]]
    kept = await prices.put(PROJECT, "key:a", "home", {"input": 2}, valid_from=valid_from, unnamed="keep")
    assert {name: kept[name] for name in FULL} == FULL | {"input": 2}
    plain = await prices.put(
        PROJECT, "key:a", "home", {"input": 2, "output": 10}, valid_from=valid_from, unnamed="drop"
    )
    assert (plain["cache_read"], plain["batch"], plain["tiers"]) == (None, None, [])


async def test_what_is_named_as_none_is_gone_and_other_prices_are_not_asked(prices: OwnPrices) -> None:
    await prices.put(PROJECT, "key:a", "home", FULL, valid_from="2026-06-01T00:00:00Z")
    none = {"cache_read": None, "batch": None, "tiers": None}
    made = await prices.put(
        PROJECT, "key:a", "home", {"input": 2, "output": 1} | none, valid_from="2026-06-01T00:00:00Z"
    )
    assert (made["cache_read"], made["batch"], made["tiers"]) == (None, None, [])
    await prices.put(PROJECT, "key:a", "home", {"input": 1}, provider="other")
    await prices.put(PROJECT, "key:a", "home", {"input": 1})  # before the dated one
    await prices.put(PROJECT, "key:b", "home", {"input": 1}, valid_from="2026-05-01T00:00:00Z")


async def test_a_closer_price_tells_what_its_calls_no_longer_have(prices: OwnPrices) -> None:
    made = await prices.put(PROJECT, "key:a", "gpt-4o-2024-11-20", {"input": 2, "output": 8})
    assert made["instead_of"]["source"].startswith("prices:")
    assert made["instead_of"]["lost"] == {"cache_read": 1.25}
    wide = await prices.put(PROJECT, "key:a", "home-*", FULL)
    assert wide["instead_of"] is None
    close = await prices.put(PROJECT, "key:a", "home-1", {"input": 2, "output": 8})
    assert close["instead_of"] == {
        "source": f"project:{wide['id']}", "lost": {"cache_read": 0.0, "batch": 0.5, "tiers": True},
    }  # fmt: skip
    assert (await prices.put(PROJECT, "key:a", "home-2", FULL))["instead_of"] is None
    assert (await prices.put(PROJECT, "key:a", "elsewhere", {"input": 1}))["instead_of"] is None


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
