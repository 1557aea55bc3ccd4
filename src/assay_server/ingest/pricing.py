"""What a span costs when it comes in, and when prices change afterwards: one rule for both."""

from collections.abc import Mapping
from typing import Any, Protocol

from assay_server.core.records import Span, Tokens

ROLL_UPS = ("agent", "chain")
"""Kinds that often repeat the sum of their children: those are priced, these are not."""

BATCH_KEYS = (
    "assay.batch",
    "openai.request.service_tier",
    "openai.response.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.request.service_tier",
)
"""Attributes that say a call went through a vendor's batch API, by `batch` or `true`."""


class Prices(Protocol):
    """What `registry.OwnPrices` does: (US dollars, source), or None when unknown."""

    def price(
        self,
        provider: str | None,
        model: str,
        tokens: Tokens,
        at_ns: int,
        *,
        project: str | None = None,
        batch: bool = False,
    ) -> tuple[float, str] | None: ...


def price_span(span: Span, prices: Prices) -> None:
    """In place. A cost that the client told stays."""
    if span.cost is None and span.tokens is not None and span.model is not None and span.kind not in ROLL_UPS:
        batch = is_batch(span.attributes)
        priced = prices.price(span.provider, span.model, span.tokens, span.start_ns, project=span.project, batch=batch)
        if priced is not None:
            span.cost, span.cost_source = priced


def is_batch(attributes: Mapping[str, Any]) -> bool:
    return any(says_batch(attributes[key]) for key in BATCH_KEYS if key in attributes)


def says_batch(value: Any) -> bool:
    return str(value).lower() in {"batch", "true"}
