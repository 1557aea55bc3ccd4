"""Re-pricing of stored calls, on the real store, the real ledger and the real prices."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_server.checks.pii import Scrubber
from assay_server.core.clock import SystemClock
from assay_server.core.records import Facts, Span, Tokens
from assay_server.governance import Audit
from assay_server.ingest import Ingest, Repricer, repricing
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.sampling.policy import Labels
from assay_server.ledger import Ledger
from assay_server.providers import Prices
from assay_server.registry import OwnPrices
from assay_server.store import DuckStore, Thinned

PROJECT = "prj_test"
START = 1_795_248_000_000_000_000


def call(number: int, model: str = "home-1", **fields: Any) -> Span:
    made = Span(PROJECT, f"{number:032x}", f"{number:016x}", None, "chat", "llm", START + number, START + number + 9)
    return replace(made, **{"model": model, "tokens": Tokens(1_000_000, None, None, 0), **fields})


class House:
    def __init__(self, store: DuckStore, prices: OwnPrices) -> None:
        self.store, self.prices = store, prices
        self.ingest = Ingest(store, Scrubber(), prices)
        self.repricer = Repricer(store, prices, settle_s=0)

    async def costs(self) -> list[float | None]:
        rows = await self.store.scan("SELECT cost FROM spans ORDER BY start_ns")
        return [row["cost"] for row in rows]


@pytest.fixture
async def house(ledger: Ledger, tmp_path: Path) -> AsyncIterator[House]:
    store, clock = await DuckStore.open(tmp_path / "facts"), SystemClock()
    made = House(store, OwnPrices(ledger, Audit(ledger, clock, lambda text: (text, [])), clock, Prices()))
    yield made
    await made.repricer.close()
    await made.ingest.close()
    await store.close()


async def test_unknown_calls_get_their_price_back_in_time(house: House) -> None:
    told = call(3, cost=5.0, cost_source="client")
    await house.ingest.write(Facts([call(1), call(2, kind="agent"), told, call(4, "other"), call(5, tokens=None)]))
    assert await house.costs() == [None, None, 5.0, None, None]
    await house.prices.put(PROJECT, "key:a", "home-*", {"input": 2})
    assert await house.repricer.work() == 1
    assert await house.costs() == [2.0, None, 5.0, None, None]
    assert [row["calls"] for row in await house.prices.repricings(PROJECT)] == [1]
    await house.ingest.write(Facts([call(6)]))
    assert (await house.costs())[-1] == 2.0


@pytest.mark.parametrize("model", ["My GPT 4 (Berlin)", "ft:x[1]?", "a/b c", "Zoë-1"])
async def test_whatever_a_model_is_called_it_can_be_priced(house: House, model: str) -> None:
    await house.ingest.write(Facts([call(1, model), call(2, model + "x")]))
    await house.prices.put(PROJECT, "key:a", model, {"input": 2})
    await house.repricer.work()
    assert await house.costs() == [2.0, None]


async def test_a_price_goes_from_its_date_on_and_the_list_comes_back_when_it_is_deleted(house: House) -> None:
    await house.ingest.write(Facts([call(1, "gpt-4o-2024-11-20"), call(2_000_000_000, "gpt-4o-2024-11-20")]))
    listed = await house.costs()
    made = await house.prices.put(PROJECT, "key:a", "gpt-4o*", {"input": 1}, valid_from="2026-11-21T08:00:01Z")
    await house.repricer.work()
    assert await house.costs() == [listed[0], 1.0]
    await house.prices.delete(PROJECT, "key:a", made["id"])
    await house.repricer.work()
    assert await house.costs() == listed


@pytest.mark.parametrize(
    "said",
    [
        {"llm.token_count.prompt_details.audio": 400_000},
        {"gen_ai.usage.details.output_audio_tokens": 3},
        {"langfuse.observation.usage_details": '{"input": 600000, "input_audio_tokens": 400000}'},
        {"langsmith.metadata.usage_metadata": '{"input_tokens": 9, "input_token_details": {"audio": 4}}'},
    ],
)
async def test_sound_is_not_priced_as_text(house: House, said: dict[str, Any]) -> None:
    """The list's audio rates are 10 to 30 times those of text: such a call was told a tenth of its cost."""
    none = {key: str(value).replace("4", "0").replace("3", "0") for key, value in said.items()}
    spans = [
        call(1, "gpt-audio", provider="openai", attributes=said),
        call(2, "gpt-audio", provider="openai", attributes=none),
    ]
    await house.ingest.write(Facts(spans))
    assert await house.costs() == [None, 2.5]
    made = await house.prices.put(PROJECT, "key:a", "gpt-audio", {"input": 32})
    await house.repricer.work()
    assert await house.costs() == [32.0, 32.0]
    await house.prices.delete(PROJECT, "key:a", made["id"])
    await house.repricer.work()
    assert await house.costs() == [None, 2.5]


@pytest.mark.parametrize(
    "said",
    [
        {"assay.cache_write_1h_tokens": 1_000_000},
        {"langfuse.observation.usage_details": '{"input": 0, "input_ephemeral_1h_input_tokens": 1000000}'},
        {"langsmith.metadata.usage_metadata": '{"input_token_details": {"ephemeral_1h_input_tokens":1000000}}'},
        {"langsmith.metadata.usage_metadata": {"input_token_details": {"ephemeral_1hr_input_tokens": 1_000_000}}},
    ],
)
async def test_what_stays_in_a_cache_for_an_hour_has_its_own_rate(house: House, said: dict[str, Any]) -> None:
    """Anthropic takes twice the input's rate for it, and 1.25 times for five minutes."""
    claude: Any = {"provider": "anthropic", "tokens": Tokens(0, None, 1_000_000, 0)}
    model = "claude-opus-4-1"
    await house.ingest.write(Facts([call(1, model, attributes=said, **claude), call(2, model, **claude)]))
    assert await house.costs() == [30.0, 18.75]
    made = await house.prices.put(PROJECT, "key:a", model, {"input": 1, "cache_write": 2})
    await house.repricer.work()
    assert await house.costs() == [2.0, 2.0]
    await house.prices.delete(PROJECT, "key:a", made["id"])
    await house.repricer.work()
    assert await house.costs() == [30.0, 18.75]


async def test_prices_that_change_after_texts_are_gone_know_of_sound_and_of_an_hour(house: House) -> None:
    """A usage object is a long text, and goes with the others; then the list's price for text came in its place."""

    def said(**usage: int) -> dict[str, Any]:
        return {"langfuse.observation.usage_details": json.dumps({"input": 1, **usage, "x" * 100: 1})}

    claude: Any = {"provider": "anthropic", "tokens": Tokens(0, None, 1_000_000, 0)}
    sound = call(1, "gpt-audio", provider="openai", attributes=said(input_audio_tokens=4))
    hour = call(2, "claude-opus-4-1", attributes=said(input_ephemeral_1h_input_tokens=1_000_000), **claude)
    await house.ingest.write(Facts([sound, hour]))
    assert await house.costs() == [None, 30.0]
    labels, keys = Labels(aliases()), await house.store.scan("SELECT key FROM spans ORDER BY start_ns")
    thin = [
        Thinned("spans", row["key"], {"attributes": labels.of(span)}, 30)
        for row, span in zip(keys, (sound, hour), strict=True)
    ]
    assert await house.store.let_go(PROJECT, thin, 5) == 2
    made = [await house.prices.put(PROJECT, "key:a", model, {"input": 1}) for model in ("gpt-audio", "claude*")]
    await house.repricer.work()
    assert await house.costs() == [1.0, 1.0]
    for one in made:
        await house.prices.delete(PROJECT, "key:a", one["id"])
    await house.repricer.work()
    assert await house.costs() == [None, 30.0]


async def test_batch_calls_are_known_by_what_they_say(house: House) -> None:
    batch = {"openai.request.service_tier": "batch"}
    await house.ingest.write(Facts([call(1, "gpt-4o-2024-11-20", attributes=batch), call(2, attributes=batch)]))
    assert await house.costs() == [None, None]
    await house.prices.put(PROJECT, "key:a", "home-1", {"input": 2, "batch": 0.5})
    await house.repricer.work()
    assert await house.costs() == [None, 1.0]


async def test_all_pages_are_priced(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repricing, "_BATCH", 3)
    same_moment = [replace(call(number), start_ns=START) for number in range(8)]
    await house.ingest.write(Facts(same_moment))
    await house.prices.put(PROJECT, "key:a", "home-1", {"input": 2})
    assert await house.repricer.work() == 8
    assert await house.costs() == [2.0] * 8


async def test_what_was_interrupted_is_taken_up_at_the_start(house: House) -> None:
    await house.ingest.write(Facts([call(1)]))
    await house.prices.put(PROJECT, "key:a", "home-1", {"input": 2})
    ((id_, *_),) = await house.prices.unfinished()
    await house.prices.reached(PROJECT, id_, None)  # and then the process was killed
    house.repricer.start()
    async with asyncio.timeout(30):
        while await house.prices.unfinished():
            await asyncio.sleep(0.01)
    assert await house.costs() == [2.0]
