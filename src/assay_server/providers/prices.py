"""What a call cost: dated prices from genai-prices, resolved once for each (provider, model, day).

The library takes about 190 µs a call; after the first call of a day it is arithmetic on four numbers here.
`tests/unit/providers/test_prices.py` holds this arithmetic against the library's own for every model it knows.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from assay_server.core.clock import DAY_NS
from assay_server.core.records import Tokens
from assay_server.providers.price_hosts import found_at_host, is_host

_REMEMBERED = 4096

_OTHER_NAMES = {
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google",
    "google_genai": "google",
    "vertexai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "xai": "x-ai",
    "x_ai": "x-ai",
}
"""Names OpenTelemetry, OpenInference and Vercel give to providers that genai-prices knows by another."""

_OPENAIS = re.compile(r"text-embedding-(?:3-|ada-)")
"""Names that are OpenAI's, though the list finds them only by their provider. `text-embedding-004` is Google's."""

# How Google's own APIs name a model: `models/gemini-2.5-flash`, `projects/p/locations/l/publishers/google/models/…`.
_PATH = re.compile(r"^(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/[^/]+/)?models/")


@dataclass(slots=True, frozen=True)
class Rate:
    """US dollars a token up to a prompt size; tiers are (over how many prompt tokens, dollars), ascending."""

    base: float
    tiers: tuple[tuple[int, float], ...] = ()

    def at(self, prompt_tokens: int) -> float:
        """A tier's rate goes for all tokens of the call once the prompt is over its size."""
        rate = self.base
        for over, price in self.tiers:
            if prompt_tokens > over:
                rate = price
        return rate


def in_dollars(total: float) -> float:
    """A sum of products as decimals have it, without the last digits that floats make up. No price needs fourteen."""
    return round(total, 14)


@dataclass(slots=True, frozen=True)
class Rates:
    """The price of each bucket of `Tokens`; None where the price list has none."""

    fresh_input: Rate | None
    cache_read: Rate | None
    cache_write: Rate | None
    output: Rate | None
    reasoning: Rate | None
    request: float
    source: str  # `prices:<day>`: the day whose prices these are
    kept_an_hour: Rate | None = None  # of what is written to a cache to stay there that long; None: as `cache_write`

    def cost(self, tokens: Tokens, kept_an_hour: int = 0) -> float | None:
        """US dollars; None when a bucket that was used has no price, or nobody counted any tokens. `kept_an_hour`: so
        many of those written to a cache."""
        written = tokens.cache_write
        long = None if written is None else min(kept_an_hour, written)
        buckets = (
            (tokens.fresh_input, self.fresh_input),
            (tokens.cache_read, self.cache_read),
            (None if written is None or long is None else written - long, self.cache_write),
            (long, self.kept_an_hour or self.cache_write),
            (tokens.output, self.output),
            (tokens.reasoning, self.reasoning),
        )
        if all(count is None for count, _ in buckets):
            return None
        prompt = tokens.input_total or 0
        total = self.request
        for count, rate in buckets:
            if count:
                if rate is None:
                    return None
                total += count * rate.at(prompt)
        return in_dollars(total)


class Prices:
    """Prices by provider, model and day, from the list inside the installed genai-prices. Fetches nothing."""

    def __init__(self) -> None:
        self._rates = lru_cache(_REMEMBERED)(_look_up)
        self._by_hour = lru_cache(1024)(_varies_within_a_day)

    def price(
        self,
        provider: str | None,
        model: str,
        tokens: Tokens,
        at_ns: int,
        *,
        project: str | None = None,  # the list is the same for all
        batch: bool = False,
        audio: bool = False,
        kept_an_hour: int = 0,
    ) -> tuple[float, str] | None:
        """(US dollars, `prices:<day>`), or None when it is unknown. `at_ns`: when the call was made.

        `kept_an_hour`: how many of the tokens that were written to a cache stay there so long, which costs more.

        The model may be written `provider/model`. Without a provider the model's name must say whose it is; where the
        provider is a host, all who sell a model of that name must ask the same, unless it is the host of one of them.
        The list knows no prices of batch calls, so those are unknown: own prices have a field for them. So are calls
        with `audio`: what a text costs would be a tenth of what they do.
        """
        if batch or audio:
            return None
        rates = self.rates(provider, model, at_ns)
        if rates is None:
            return None
        cost = rates.cost(tokens, kept_an_hour)
        return None if cost is None else (cost, rates.source)

    def rates(self, provider: str | None, model: str, at_ns: int) -> Rates | None:
        """Dollars a token at that moment, or None for a model nobody listed."""
        step_ns = DAY_NS if not self._by_hour(provider, model) else DAY_NS // 1440
        return self._rates(provider, model, at_ns // step_ns * step_ns)


def _find(provider: str | None, model: str) -> Any | None:
    """The library's record of a model, or None."""
    from genai_prices import data_snapshot

    snapshot = data_snapshot.get_snapshot()
    for provider_id, name in _spellings(provider, model):
        try:
            return snapshot.find_provider_model(name, None, provider_id, None)[1]
        except LookupError:
            continue
    return None


def _find_at_host(provider: str | None, model: str, moment: datetime) -> Any | None:
    """The same where what a client names as the provider is the host that it called."""
    from genai_prices import data_snapshot

    if provider is None or not is_host(provider):
        return None
    return found_at_host(data_snapshot.get_snapshot(), provider, model, _find(None, model), moment)


def _spellings(provider: str | None, model: str) -> list[tuple[str | None, str]]:
    """As it was sent; then, where the name brings its provider along (`openai/gpt-4o`), split."""
    known = None if provider is None else provider.lower().removesuffix(".chat").removesuffix(".responses")
    known = _OTHER_NAMES.get(known, known) if known else None
    model = _PATH.sub("", model)
    spellings: list[tuple[str | None, str]] = [(known, model)]
    owner, slash, rest = model.partition("/")
    if slash and known in {None, owner.lower(), "litellm"}:
        spellings.append((_OTHER_NAMES.get(owner.lower(), owner.lower()), rest))
    if known is None and _OPENAIS.match(model):
        spellings.append(("openai", model))
    return spellings


def _look_up(provider: str | None, model: str, at_ns: int) -> Rates | None:
    moment = datetime.fromtimestamp(at_ns / 1e9, UTC)
    found = _find(provider, model) or _find_at_host(provider, model, moment)
    if found is None:
        return None
    prices = found.get_prices(moment)
    fresh, output = _rate(prices.input_mtok), _rate(prices.output_mtok)
    if fresh is None and output is None:
        return None
    request = prices.requests_kcount
    return Rates(
        fresh,
        _rate(prices.cache_read_mtok) or fresh,
        _rate(prices.cache_write_mtok) or fresh,
        output,
        _rate(prices.output_reasoning_mtok) or output,
        0.0 if request is None else float(getattr(request, "base", request)) / 1000,
        f"prices:{moment:%Y-%m-%d}",
        _rate(prices.cache_write_1h_mtok),
    )


def _rate(price: Any) -> Rate | None:
    if price is None:
        return None
    tiers = tuple((tier.start, float(tier.price) / 1e6) for tier in getattr(price, "tiers", ()))
    return Rate(float(getattr(price, "base", price)) / 1e6, tiers)


def _varies_within_a_day(provider: str | None, model: str) -> bool:
    """Some vendors charge less at night; those prices are resolved by the minute."""
    from genai_prices.types import TimeOfDateConstraint

    found = _find(provider, model)
    prices = [] if found is None or not isinstance(found.prices, list) else found.prices
    return any(isinstance(conditional.constraint, TimeOfDateConstraint) for conditional in prices)
