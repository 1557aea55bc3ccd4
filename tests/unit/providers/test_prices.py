"""Prices: our arithmetic against the library's own, and unknown where nobody knows."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot

from assay_server.core.records import Tokens
from assay_server.providers import Prices

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
AT_NS = int(AT.timestamp()) * 10**9

prices = Prices()

CALLS = [
    Tokens(1000, 200, 50, 300, 40),
    Tokens(500_000, 1000, None, 300, None),  # over every tier
    Tokens(10, None, None, None, None),
]


def theirs(provider: str, model: str, tokens: Tokens) -> Decimal:
    usage = Usage(
        input_tokens=tokens.input_total,
        output_tokens=tokens.output_total,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        output_reasoning_tokens=tokens.reasoning,
    )
    return calc_price(usage, model, provider_id=provider, genai_request_timestamp=AT).total_price


@pytest.mark.parametrize("tokens", CALLS, ids=["buckets", "tiers", "input"])
def test_our_arithmetic_is_the_librarys(tokens: Tokens) -> None:
    compared = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            ours = prices.price(provider.id, model.id, tokens, AT_NS)
            if ours is not None:
                compared += 1
                assert ours[0] == pytest.approx(float(theirs(provider.id, model.id, tokens)), rel=1e-9), model.id
    assert compared > 1000


def test_a_cost_is_the_decimal_one_to_its_last_digit() -> None:
    """Two of five calls ended in digits that floats made up: 0.00013000000000000002 dollars."""
    for fresh in range(1, 400):
        tokens = Tokens(12 * fresh, fresh, None, 7 * fresh + 3)
        for provider, model in (("openai", "gpt-4o-2024-11-20"), ("google", "gemini-2.5-pro")):
            priced = prices.price(provider, model, tokens, AT_NS)
            assert priced is not None
            assert priced[0] == float(theirs(provider, model, tokens))


@pytest.mark.parametrize("model", ["claude-sonnet-4-5-20250929", "claude-opus-4-1"])
def test_what_stays_in_a_cache_for_an_hour_costs_what_the_library_says(model: str) -> None:
    """More than what stays for five minutes: that was charged for both."""
    tokens = Tokens(2000, None, 8000, 100)
    usage = Usage(input_tokens=10_000, cache_write_tokens=8000, cache_write_1h_tokens=6000, output_tokens=100)
    theirs = calc_price(usage, model, provider_id="anthropic", genai_request_timestamp=AT).total_price
    ours, all_of_it, short = (
        prices.price("anthropic", model, tokens, AT_NS, kept_an_hour=count) for count in (6000, 9999, 0)
    )
    assert ours is not None
    assert ours[0] == pytest.approx(float(theirs), rel=1e-9)
    assert all_of_it is not None
    assert short is not None
    assert all_of_it[0] > ours[0] > short[0]


def test_a_price_says_of_which_day_it_is() -> None:
    priced = prices.price("openai", "gpt-4o-2024-11-20", Tokens(1_000_000, None, None, 0), AT_NS)
    assert priced == (pytest.approx(2.5), "prices:2026-11-21")


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o"),
        ("OpenAI", "gpt-4o"),
        ("azure.ai.openai", "gpt-4o"),
        ("az.ai.inference", "gpt-4o"),
        ("openai.chat", "gpt-4o"),
        ("gcp.vertex_ai", "gemini-2.5-pro"),
        ("google_genai", "gemini-2.0-flash"),
        ("google", "models/gemini-2.5-flash"),
        (None, "models/gemini-2.5-flash"),
        ("vertex_ai", "publishers/google/models/gemini-2.5-pro"),
        ("gcp.vertex_ai", "projects/p-1/locations/eu-west1/publishers/google/models/gemini-2.5-pro"),
        ("aws.bedrock", "anthropic.claude-3-5-sonnet-20240620-v1:0"),
        ("mistral_ai", "mistral-large-latest"),
        ("x_ai", "grok-4"),
        (None, "gpt-4o"),
        (None, "openai/gpt-4o"),
        ("openai", "openai/gpt-4o"),
    ],
)
def test_the_names_clients_give_to_providers_are_known(provider: str | None, model: str) -> None:
    assert prices.price(provider, model, Tokens(100, None, None, 5), AT_NS) is not None


@pytest.mark.parametrize("model", ["text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"])
def test_embeddings_of_openai_are_known_by_their_names(model: str) -> None:
    """Langfuse's clients tell no provider."""
    tokens = Tokens(1000, None, None, None)
    listed = prices.price("openai", model, tokens, AT_NS)
    assert listed is not None
    assert prices.price(None, model, tokens, AT_NS) == listed
    assert prices.price("vllm", model, tokens, AT_NS) is None


@pytest.mark.parametrize(("provider", "model"), [("local", "SmolLM2-135M"), ("openai", "no-such-model"), (None, "x")])
def test_what_nobody_lists_is_unknown_and_not_free(provider: str | None, model: str) -> None:
    assert prices.price(provider, model, Tokens(100, None, None, 5), AT_NS) is None


def test_without_a_count_there_is_no_price() -> None:
    assert prices.price("openai", "gpt-4o", Tokens(), AT_NS) is None


def test_a_bucket_without_a_price_makes_the_sum_unknown() -> None:
    rates = prices.rates("openai", "text-embedding-3-small", AT_NS)
    assert rates is not None
    assert rates.cost(Tokens(100, None, None, None, None)) is not None
    if rates.output is None:
        assert rates.cost(Tokens(100, None, None, 5, None)) is None


def test_a_price_that_changed_is_that_of_its_day() -> None:
    """o3 became cheaper on 10 June 2025."""
    before = int(datetime(2025, 6, 1, tzinfo=UTC).timestamp()) * 10**9
    tokens = Tokens(1_000_000, None, None, 0)
    old, new = prices.price("openai", "o3", tokens, before), prices.price("openai", "o3", tokens, AT_NS)
    assert old is not None
    assert new is not None
    assert old[0] > new[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "proxy.mail-box.org", "proxy.mail-box.org:8080"])
@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("gpt-4o-mini-2024-07-18", "openai"),
        ("o3-mini", "openai"),  # Azure sells it too, at the same price
        ("text-embedding-3-small", "openai"),
        ("gemini-2.5-flash", "google"),
        ("openai/gpt-4o", "openai"),
    ],
)
def test_behind_a_host_that_is_no_vendors_the_name_says_whose_model_it_is(host: str, model: str, vendor: str) -> None:
    priced = prices.price(host, model, CALLS[2], AT_NS)
    assert priced is not None
    assert priced == prices.price(vendor, model.removeprefix("openai/"), CALLS[2], AT_NS)


@pytest.mark.parametrize(
    "model",
    [
        "gpt-oss-120b",  # sold by many, at different prices
        "command-r-plus",
        "qwen3-32b",  # of open weights: that one vendor lists it under this name says nothing
        "deepseek-r1:8b",
        "deepseek-chat",  # cheaper at night
        "nobodys-model",
    ],
)
def test_behind_such_a_host_no_price_is_guessed(model: str) -> None:
    assert prices.price("proxy.mail-box.org", model, CALLS[2], AT_NS) is None


def test_a_vendors_host_is_that_vendor() -> None:
    model = "llama-3.3-70b-versatile"
    priced = prices.price("api.groq.com", model, CALLS[2], AT_NS)
    assert priced is not None
    assert priced == prices.price("groq", model, CALLS[2], AT_NS)
    assert prices.price("api.groq.com", "gpt-4o", CALLS[2], AT_NS) is None


@pytest.mark.parametrize("provider", ["ibm.watsonx.ai", "azure.ai.inference", "x.ai", "our-proxy", "a b.c", "gpt.5:x"])
def test_a_provider_that_is_no_host_and_nobody_knows_has_no_prices(provider: str) -> None:
    assert prices.price(provider, "mistral-large-latest", CALLS[2], AT_NS) is None
