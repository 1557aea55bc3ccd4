"""Planted causes in stored traffic are found, and the terms add up to the cent."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Span, Tokens
from assay_server.providers import Prices, Rate, Rates
from assay_server.query import CostChanges, CostFilter, Costs, forecast_costs
from assay_server.query.costs import why as cost_why
from assay_server.store import DuckStore

DAY = 86_400_000_000_000
BEFORE = 1_795_132_800_000_000_000  # 2026-11-20
AFTER = BEFORE + DAY
CHEAP = {"fresh_input": 1e-3, "output": 4e-3}


class PriceList:
    """Two models of our own; what else there is, the public list says."""

    def rates(self, provider: str | None, model: str, at_ns: int, *, project: str | None = None) -> Any:
        factor = {"small": 1.0, "large": 10.0}.get(model)
        if factor is None:
            return Prices().rates(provider, model, at_ns)
        into, out = Rate(1e-3 * factor), Rate(4e-3 * factor)
        return Rates(into, into, into, out, out, 0.0, "project:x")

    def price(self, *args: Any, **more: Any) -> Any:
        raise AssertionError("the stored cost goes")


def day(
    start: int, calls: int, model: str = "small", into: int = 1000, out: int = 100, price: float = 1.0
) -> list[Span]:
    factor = 10.0 if model == "large" else 1.0
    cost = (into * 1e-3 + out * 4e-3) * factor * price
    ids = (f"{start + number:x}{model}" for number in range(calls))
    return [
        Span(
            "prj_a", one, one, None, "answer", "llm", start + number * 1000, start + number * 1000 + 9,
            model=model, tokens=Tokens(into, None, None, out), cost=cost, cost_source="project:x",
        )
        for number, one in enumerate(ids)
    ]  # fmt: skip


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


async def why(store: DuckStore, before: list[Span], after: list[Span]) -> dict[str, Any]:
    await store.append(Facts([*before, *after]))
    found = await CostChanges(store, PriceList()).why("prj_a", AFTER, BEFORE, CostFilter(0, 1))
    terms = {term["term"]: term["usd"] for term in found["terms"]}
    cost = found["cost"]
    if cost["change"] is not None:
        assert round(sum(terms.values()) * 100) == round(cost["change"] * 100)
        assert round((cost["after"]["usd"] - cost["before"]["usd"]) * 100) == round(cost["change"] * 100)
    return {**found, "by_term": terms}


@pytest.mark.parametrize(
    ("cause", "after"),
    [
        ("volume", {"calls": 131}),
        ("tokens", {"calls": 100, "out": 190}),
        ("tokens", {"calls": 100, "into": 1500}),
        ("price", {"calls": 100, "price": 1.31}),
    ],
)
async def test_a_planted_cause_is_recovered(store: DuckStore, cause: str, after: dict[str, Any]) -> None:
    found = await why(store, day(BEFORE, 100), day(AFTER, **after))
    change = found["cost"]["change"]
    assert change > 10
    assert found["by_term"] == {**dict.fromkeys(("volume", "tokens", "price", "mix"), 0), cause: change}
    assert cause == "volume" or found["drivers"][0]["term"] == cause


async def test_a_move_to_the_dear_model_is_mix(store: DuckStore) -> None:
    before = day(BEFORE, 90) + day(BEFORE, 10, "large")
    found = await why(store, before, day(AFTER, 80) + day(AFTER, 20, "large"))
    assert found["by_term"] == {"volume": 0, "tokens": 0, "price": 0, "mix": found["cost"]["change"]}
    assert (found["drivers"][0]["model"], found["drivers"][0]["usd"] > 0) == ("large", True)


async def test_two_causes_are_told_apart(store: DuckStore) -> None:
    found = await why(store, day(BEFORE, 100), day(AFTER, 120, price=1.5))
    terms = found["by_term"]
    assert (terms["tokens"], terms["mix"]) == (0, 0)
    assert terms["volume"] == pytest.approx(0.2 * 140 * 1.25, abs=0.02)
    assert terms["price"] == pytest.approx(0.5 * 140 * 1.1, abs=0.02)
    assert "more than 2026-11-20: price +$77.00, number of calls +$35.00" in found["sentence"]


async def test_endpoints_beyond_those_told_apart_are_the_same_on_both_days(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest of each day are others. Every call takes twice the tokens, and nothing else costs more."""
    monkeypatch.setattr(cost_why, "_MOST_GROUPS", 3)

    def traffic(start: int, calls: range, into: int) -> list[Span]:
        made = []
        for endpoint, number in enumerate(calls):
            for span in day(start + endpoint * 10**9, number, into=into, out=0):
                span.attributes = {"http.route": f"/{endpoint}"}
                made.append(span)
        return made

    found = await why(store, traffic(BEFORE, range(12, 0, -1), 1000), traffic(AFTER, range(1, 13), 2000))
    assert found["by_term"] == {"volume": 0, "tokens": 78, "price": 0, "mix": 0}


async def test_calls_without_a_price_are_told_and_change_nothing(store: DuckStore) -> None:
    lost = [replace(span, cost=None, cost_source=None, model="new") for span in day(AFTER, 7, "large")]
    found = await why(store, day(BEFORE, 10), day(AFTER, 10) + lost)
    assert (found["cost"]["change"], found["cost"]["after"]["unknown"]) == (0, 7)
    assert "7 calls without a price" in found["sentence"]


async def test_costs_without_tokens_and_unlisted_models_are_explained_too(store: DuckStore) -> None:
    bare = [replace(span, tokens=None, model="unlisted") for span in day(BEFORE, 10)]
    more = [replace(span, tokens=None, model="unlisted", cost=span.cost * 2) for span in day(AFTER, 10)]  # type: ignore[operator]
    found = await why(store, bare, more)
    assert found["by_term"] == {"volume": 0, "tokens": 0, "price": found["cost"]["change"], "mix": 0}


async def test_a_day_without_calls_cost_nothing_and_is_not_unknown(store: DuckStore) -> None:
    found = await CostChanges(store, PriceList()).why("prj_a", AFTER, BEFORE, CostFilter(0, 1))
    assert (found["cost"]["after"]["usd"], found["cost"]["change"]) == (0, 0)
    assert found["sentence"] == "There were no calls on 2026-11-21 and 2026-11-20."
    found = await why(store, day(BEFORE, 10), [])
    assert (found["cost"]["after"]["usd"], found["by_term"]["volume"]) == (0, -14)
    assert found["sentence"].startswith(
        "2026-11-21 cost nothing, as it had no calls, $14.00 (100 %) less than 2026-11-20:"
    )


async def test_a_day_after_one_without_calls_says_so(store: DuckStore) -> None:
    found = await why(store, [], day(AFTER, 10))
    assert "$14.00 more than 2026-11-20, which had no calls: number of calls +$14.00" in found["sentence"]


async def test_a_day_of_which_no_call_has_a_price_is_no_saving(store: DuckStore) -> None:
    lost = [replace(span, cost=None, cost_source=None) for span in day(AFTER, 7)]
    found = await why(store, day(BEFORE, 10), lost)
    assert found["sentence"] == (
        "The cost of 2026-11-21 is unknown: none of its 7 calls has a price. 2026-11-20 cost $14.00."
    )
    assert (found["cost"]["after"]["usd"], found["cost"]["change"], found["cost"]["relative"]) == (None, None, None)
    assert (found["terms"], found["drivers"]) == ([], [])


async def test_small_change_is_told_in_millionths(store: DuckStore) -> None:
    found = await why(store, day(BEFORE, 1, into=1, out=0), day(AFTER, 1, into=3, out=0))
    assert found["by_term"] == {"volume": 0, "tokens": 0.002, "price": 0, "mix": 0}


@pytest.mark.parametrize(("quiet", "known"), [(13, True), (14, False), (40, False)])
async def test_of_who_stopped_weeks_ago_nobody_knows_what_they_will_spend(
    store: DuckStore, quiet: int, known: bool
) -> None:
    await store.append(Facts([span for nth in range(quiet, 70) for span in day(AFTER - nth * DAY, 1)]))
    window = CostFilter(AFTER - 83 * DAY, AFTER + DAY)
    found = await forecast_costs(Costs(store), "prj_a", window, 7)
    assert (bool(found["forecast"]), found["total"] is not None) == (known, known)
    assert ("There have been no calls since" in found["sentence"]) is not known


@pytest.mark.parametrize(("pause", "days"), [(16, 84), (33, 3)])
async def test_of_who_began_again_this_week_nobody_knows_what_they_will_spend(
    store: DuckStore, pause: int, days: int
) -> None:
    """Fourteen days were said to cost what one does, between tight bounds: the month without calls went on in them."""
    with_calls = [*range(3), *range(3 + pause, 84)]
    await store.append(Facts([span for nth in with_calls for span in day(AFTER - nth * DAY, 1)]))
    found = await forecast_costs(Costs(store), "prj_a", CostFilter(AFTER - 83 * DAY, AFTER + DAY), 14)
    assert (len(found["history"]), bool(found["forecast"])) == (days, days == 84)
    told = "there are 3, since calls began again after 33 days without any."
    assert (told in found["sentence"]) is (days == 3)


async def test_who_calls_once_a_month_has_not_stopped_after_two_weeks(store: DuckStore) -> None:
    await store.append(Facts([span for nth in (20, 50, 80) for span in day(AFTER - nth * DAY, 1)]))
    found = await forecast_costs(Costs(store), "prj_a", CostFilter(AFTER - 83 * DAY, AFTER + DAY), 7)
    assert found["forecast"]


async def test_a_forecast_uses_full_days_behind_the_last_unknown_one(store: DuckStore) -> None:
    spans = [span for nth in range(40) for span in day(AFTER - nth * DAY, 1 + nth % 7)]
    unknown = [replace(span, cost=None) for span in day(AFTER - 40 * DAY, 1)]
    await store.append(Facts([*spans, *unknown]))
    window = CostFilter(AFTER - 100 * DAY, AFTER + DAY)
    found = await forecast_costs(Costs(store), "prj_a", window, 7)
    assert len(found["history"]) == 40
    assert (found["forecast"][0]["day"], len(found["forecast"])) == ("2026-11-22", 7)
    assert found["total"]["lower"] <= found["total"]["usd"] <= found["total"]["upper"]
    assert "next 7 days" in found["sentence"]
    short = await forecast_costs(Costs(store), "prj_a", replace(window, since_ns=AFTER - 20 * DAY), 7)
    assert (short["forecast"], short["total"]) == ([], None)
    assert "needs 28 full days" in short["sentence"]
