"""Whose prices hold for a call whose client names the host it called as the provider: Opik's SDK does so behind another
base URL, which is a vendor's own or that of a proxy."""

import re
from datetime import datetime
from typing import Any

_HOST = re.compile(r"(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::\d{1,5})?")
_NAMES = re.compile(r"(?:aws|az|azure|gcp|google|ibm)\.|x\.ai$")
"""How names of providers begin that have dots and are no hosts: OpenTelemetry's."""

_OF_TOKENS = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok", "output_reasoning_mtok")


def is_host(provider: str) -> bool:
    name = provider.lower()
    return _HOST.fullmatch(name) is not None and not _NAMES.match(name)


def found_at_host(snapshot: Any, host: str, model: str, claimed: Any | None, moment: datetime) -> Any | None:
    """The list's record of the model: that of the vendor whose host it is; else `claimed`, whose the name says it is,
    where all who sell a model of this name ask the same. Never a guess: None where they do not, where the price changes
    within a day, or where the name says a size (`deepseek-r1:8b`), as a local model's does."""
    name = model.lower()
    try:
        of_vendor = snapshot.find_provider(None, None, f"https://{host.lower()}")
    except LookupError:
        return None if ":" in name or claimed is None else _agreed(snapshot, name, claimed, moment)
    return of_vendor.find_model(name, all_providers=snapshot.providers)


def _agreed(snapshot: Any, name: str, claimed: Any, moment: datetime) -> Any | None:
    sold = [claimed, *(found for vendor in snapshot.providers if (found := vendor.find_model(name)))]
    if any(_by_the_hour(found) for found in sold):
        return None
    prices = {told for found in sold if any(told := _told(found, moment))}
    return claimed if len(prices) == 1 else None


def _told(found: Any, moment: datetime) -> tuple[str, ...]:
    """What a token costs there; empty texts where it is not said."""
    prices = found.get_prices(moment)
    return tuple(str(getattr(prices, field) or "") for field in _OF_TOKENS)


def _by_the_hour(found: Any) -> bool:
    from genai_prices.types import TimeOfDateConstraint

    conditions = found.prices if isinstance(found.prices, list) else []
    return any(isinstance(one.constraint, TimeOfDateConstraint) for one in conditions)
