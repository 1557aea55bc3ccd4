"""What could have been saved: counted by hand on small traffic."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Span, Thin, Tokens
from assay_server.providers import Rate, Rates
from assay_server.query import CostFilter, Savings
from assay_server.query.costs import savings as cost_savings
from assay_server.store import DuckStore

START = 1_795_219_200_000_000_000
SECOND = 1_000_000_000
WINDOW = CostFilter(START, START + 86_400 * SECOND)


class PriceList:
    """`large` costs a dollar a token, `small` a tenth of it, from cache a hundredth; nothing else has a price."""

    def rates(self, provider: str | None, model: str, at_ns: int, *, project: str | None = None) -> Any:
        dollars = {"large": 1.0, "small": 0.1}.get(model)
        if dollars is None:
            return None
        rate = Rate(dollars)
        return Rates(rate, Rate(dollars / 100), rate, rate, rate, 0.0, "project:x")

    def price(self, *args: Any, **more: Any) -> Any:
        raise AssertionError("rates are enough")


def call(number: int, at_s: float, text: str, into: int = 100, took_s: float = 1.0, **fields: Any) -> Span:
    tokens = fields.pop("tokens", Tokens(into, 0, None, 10))
    plain = {"model": "large", "provider": "p", "output": "yes", "cost": float(into + 10), "cost_source": "x"}
    begin = START + int(at_s * SECOND)
    made = Span("prj_a", f"t{number}", f"s{number}", None, "ask", "llm", begin, begin + int(took_s * SECOND))
    made.input, made.tokens = json.dumps([{"role": "user", "content": text}]), tokens
    for field, value in {**plain, **fields}.items():
        setattr(made, field, value)
    return made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


async def find(store: DuckStore, spans: list[Span], **more: Any) -> dict[str, Any]:
    await store.append(Facts(spans))
    return await Savings(store, PriceList()).find("prj_a", WINDOW, **more)


async def test_a_cache_answers_what_was_answered_before_and_not_too_long_ago(store: DuckStore) -> None:
    spans = [
        call(1, 0, "a"),
        call(2, 0.5, "a"),  # while the first one runs: nothing is in the cache yet
        call(3, 50, "a"),  # a hit
        call(4, 200, "a"),  # too late: fills the cache anew
        call(5, 210, "a", cost=None),  # a hit of unknown worth
        call(6, 3, "b"),
        call(7, 4.5, "b", attributes={"gen_ai.request.temperature": 0.5}),  # another request
        call(8, 4.5, "b", model="small"),  # another model
        call(9, 4.6, "b", output=None),  # no answer to keep
    ]
    found = await find(store, spans, ttl_s=60)
    caching = found["caching"]
    assert (caching["calls"], caching["saved"]) == (2, {"usd": 110.0, "unknown": 1})
    assert (caching["top"][0]["times"], caching["top"][0]["name"]) == (2, "ask")
    assert found["calls"] == 9
    assert "within 1 min" in caching["sentence"]


async def test_more_repeats_than_are_looked_at_at_once_are_all_counted(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = [call(5 * n + again, 10 * again, f"question {n}", into=n) for n in range(40) for again in range(5)]
    whole = (await find(store, spans))["caching"]
    monkeypatch.setattr(cost_savings, "_AT_ONCE", 30)
    parts = (await find(store, []))["caching"]
    assert (whole["calls"], whole["looked_at"], parts["saved"]["usd"]) == (
        160,
        200,
        sum(4 * (n + 10) for n in range(40)),
    )
    assert parts == whole


async def test_what_was_asked_again_is_told_by_its_question_and_not_by_its_beginning(store: DuckStore) -> None:
    asked = '[{"role": "system", "content": "You are kind."}, {"role": "user", "content": "Where is my order?"}]'
    parts = '[{"role": "user", "parts": [{"type": "text", "content": "And the invoice?"}]}]'
    texts = [asked, asked, parts, parts, "{}", "{}"]
    spans = [call(i, 5.0 * (i % 2), "", input=text) for i, text in enumerate(texts)]
    found = await find(store, spans, ttl_s=60)
    previews = {one["preview"] for one in found["caching"]["top"]}
    assert previews == {"Where is my order?", "And the invoice?", "{}"}


async def test_small_calls_would_have_been_cheaper(store: DuckStore) -> None:
    spans = [call(1, 0, "a"), call(2, 1, "b", into=5000), call(3, 2, "c", model="small", cost=11.0)]
    found = await find(store, spans, under=1000, cheaper="p/small")
    cheaper = found["cheaper"]
    assert (cheaper["calls"], cheaper["usd_now"], cheaper["usd_then"]) == (1, 110.0, pytest.approx(11.0))
    assert cheaper["saved"] == {"usd": pytest.approx(99.0), "unknown": 0}


class Tiered(PriceList):
    """`tiered` costs a hundredth, or a tenth for prompts over 1,000 tokens; before the second hour nobody knows."""

    def rates(self, provider: str | None, model: str, at_ns: int, *, project: str | None = None) -> Any:
        if model != "tiered":
            return super().rates(provider, model, at_ns)
        rate = Rate(0.01, ((1000, 0.1),))
        return Rates(rate, rate, rate, rate, rate, 0.0, "project:x") if at_ns >= START + 3600 * SECOND else None


async def test_each_call_has_the_price_of_its_own_length_and_its_own_hour(store: DuckStore) -> None:
    spans = [call(1, 4000, "a", into=100), call(2, 4001, "b", into=1001), call(3, 4002, "c", into=1000)]
    await store.append(Facts([*spans, call(4, 10, "d")]))
    found = await Savings(store, Tiered()).find("prj_a", WINDOW, under=5000, cheaper="p/tiered")
    cheaper = found["cheaper"]
    assert cheaper["calls"] == 4
    assert cheaper["usd_then"] == pytest.approx((110 + 1010) * 0.01 + 1011 * 0.1)
    assert cheaper["saved"] == {"usd": pytest.approx(110 + 1011 + 1010 - cheaper["usd_then"]), "unknown": 1}


async def test_long_prompts_save_at_the_rate_of_long_prompts(store: DuckStore) -> None:
    spans = [call(n, 4000 + n, "c" * 8000 + str(n) * 2000, into=10_000, model="tiered") for n in range(5)]
    await store.append(Facts(spans))
    prefix = (await Savings(store, Tiered()).find("prj_a", WINDOW))["prefix"]
    assert prefix["saved_per_tenth"]["usd"] == pytest.approx(40_000 * 0.1 / 10, rel=0.01)


async def test_a_model_without_a_price_saves_nobody_knows_what(store: DuckStore) -> None:
    found = await find(store, [call(1, 0, "a")], cheaper="p/unheard-of")
    assert found["cheaper"]["saved"] == {"usd": None, "unknown": 1}
    assert (await Savings(store, PriceList()).find("prj_a", WINDOW))["cheaper"] is None


async def test_the_common_beginning_of_prompts_could_be_kept(store: DuckStore) -> None:
    common = "c" * 8000
    spans = [call(n, n, common + str(n) * 2000, into=10_000) for n in range(5)]
    prefix = (await find(store, spans))["prefix"]
    assert prefix["share"] == pytest.approx(0.8, abs=0.01)
    assert prefix["tokens"] == pytest.approx(40_000, rel=0.01)
    assert prefix["saved_by_prefix_cache"]["usd"] == pytest.approx(40_000 * 0.99, rel=0.01)
    assert prefix["saved_per_tenth"]["usd"] == pytest.approx(4_000, rel=0.01)
    assert (prefix["calls"], prefix["sampled"], len(prefix["groups"])) == (5, 5, 1)


async def test_what_the_provider_keeps_already_is_not_saved_again(store: DuckStore) -> None:
    tokens = Tokens(2_000, 8_000, None, 10)
    spans = [call(n, n, "c" * 8000 + str(n) * 2000, tokens=tokens) for n in range(5)]
    prefix = (await find(store, spans))["prefix"]
    assert prefix["saved_by_prefix_cache"]["usd"] == pytest.approx(0, abs=400)


async def test_short_prompts_have_no_prefix_to_keep(store: DuckStore) -> None:
    prefix = (await find(store, [call(n, n, "same", into=500) for n in range(3)]))["prefix"]
    assert prefix["saved_by_prefix_cache"] == {"usd": 0, "unknown": 0}


async def test_no_calls_no_savings(store: DuckStore) -> None:
    found = await find(store, [])
    assert (found["cost"], found["calls"]) == ({"usd": None, "unknown": 0}, 0)
    assert (found["caching"]["saved"]["usd"], found["prefix"]["share"]) == (0, None)


async def test_what_calls_asked_whose_text_is_not_there_nobody_knows(store: DuckStore) -> None:
    """Sampled out, or never sent. Nothing found among nothing looked at is not nothing saved."""
    thin = Thin("sampled_out", {})
    found = await find(store, [call(1, 0, "a", thin=thin), call(2, 50, "a", thin=thin), call(3, 60, "a", input=None)])
    caching = found["caching"]
    assert (caching["calls"], caching["looked_at"], caching["unread"]) == (0, 0, 3)
    assert (caching["saved"], caching["share"]) == ({"usd": None, "unknown": 0}, None)
    assert caching["sentence"] == (
        "What a cache would have saved is computed from the texts of calls."
        " 3 calls have no stored text and are not included."
    )
    caching = (await find(store, [call(4, 100, "b"), call(5, 110, "b"), call(6, 120, "b", status="error")]))["caching"]
    assert (caching["calls"], caching["looked_at"], caching["unread"]) == (1, 2, 3)
    assert caching["sentence"].endswith("3 calls have no stored text and are not included.")


async def test_counts_from_before_there_was_a_limit_spoil_no_savings(store: DuckStore) -> None:
    absurd = [call(n, n, "a" * 100, tokens=Tokens(2**62, 2**62, 2**62, 2**62), cost=None) for n in range(3)]
    found = await find(store, [*absurd, call(9, 9, "b")], cheaper="small")
    assert found["calls"] == 4
