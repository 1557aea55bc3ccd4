"""How a call says that it went through a vendor's batch API."""

from typing import Any

BATCH_KEYS = (
    "assay.batch",
    "openai.request.service_tier",
    "openai.response.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.request.service_tier",
)
"""Attributes that say it, by one of `BATCH_WORDS`."""

BATCH_WORDS = ("batch", "true")


def says_batch(value: Any) -> bool:
    """Whether the value of one of `BATCH_KEYS` says so."""
    return str(value).lower() in BATCH_WORDS
