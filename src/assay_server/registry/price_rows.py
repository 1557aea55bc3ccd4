"""A project's own prices between JSON, rows and arithmetic."""

import math
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from assay_server.core.clock import LATEST_NS, parse_rfc3339, rfc3339
from assay_server.core.errors import InvalidInput
from assay_server.core.seen import revision_of
from assay_server.providers import OwnPrice, Rate, Rates
from assay_server.registry.fields import check_text

BUCKETS = ("input", "output", "cache_read", "cache_write", "reasoning")

_MOST_TIERS = 20
_DEAREST = 1e6  # dollars per million tokens, and per call
_MODEL = re.compile(r"[^\x00-\x1f\x7f]{1,200}")  # spaces too: deployments have the names that people give them
_KNOWN = {*BUCKETS, "request", "batch", "tiers"}


def checked_model(model: str) -> str:
    if not _MODEL.fullmatch(model) or not model.replace("*", "").strip():
        raise InvalidInput(
            "A model's name has 1 to 200 characters that can be seen, and more than '*'.",
            field="model",
            value=model,
            fix="write it as in the traces, for example my-model-* for all that begin so",
        )
    return check_text(model, "model")


def checked_rates(given: Mapping[str, Any]) -> dict[str, Any]:
    """Only what was given. Raises InvalidInput naming the field."""
    unknown = sorted(set(given) - _KNOWN)
    if unknown:
        raise InvalidInput("A price has no such field.", field=unknown[0], fix=f"use {', '.join(sorted(_KNOWN))}")
    rates: dict[str, Any] = {
        name: _amount(given[name], name) for name in (*BUCKETS, "request", "batch") if given.get(name) is not None
    }
    if not {"input", "output", "request"} & set(rates):
        raise InvalidInput(
            "A price needs at least one rate.",
            field="input",
            fix="give input and output, in dollars per million tokens",
        )
    if rates.get("batch", 0) > 1:
        raise InvalidInput(
            "'batch' is a factor: what a batch call costs, as a share of the price.",
            field="batch",
            value=rates["batch"],
            fix="0.5 is half the price; nothing above 1",
        )
    tiers = sorted((_tier(tier, rates) for tier in given.get("tiers") or ()), key=lambda tier: int(tier["over"]))
    if len(tiers) > _MOST_TIERS or len({tier["over"] for tier in tiers}) < len(tiers):
        raise InvalidInput(f"Tiers are at most {_MOST_TIERS}, each over another size.", field="tiers")
    return {**rates, "tiers": tiers}


def moment(text: str | None) -> int | None:
    if text is None:
        return None
    like = "write it like 2026-11-01T00:00:00Z"
    try:
        found = parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("'valid_from' is not a time.", field="valid_from", value=text, fix=like) from error
    if not 0 <= found < LATEST_NS:
        raise InvalidInput("A price begins between 1970 and 2261.", field="valid_from", value=text, fix=like)
    return found


def price_of(row: Row[Any]) -> OwnPrice:
    given = row.rates
    fresh, output = _rate(given, "input"), _rate(given, "output")
    if not set(BUCKETS) & set(given):  # calls cost the same whatever their tokens
        fresh = output = Rate(0.0)
    rates = Rates(
        fresh,
        _rate(given, "cache_read") or fresh,
        _rate(given, "cache_write") or fresh,
        output,
        _rate(given, "reasoning") or output,
        given.get("request") or 0.0,
        f"project:{row.id}",
    )
    return OwnPrice(row.id, row.model, row.provider, row.valid_from_ns, rates, given.get("batch"))


def price_json(row: Row[Any]) -> dict[str, Any]:
    given = row.rates
    return {
        "id": row.id,
        "revision": revision_of(given),
        "model": row.model,
        "provider": row.provider,
        **{name: given.get(name) for name in (*BUCKETS, "request", "batch")},
        "tiers": given.get("tiers", []),
        "valid_from": None if row.valid_from_ns is None else rfc3339(row.valid_from_ns),
        "created_at": rfc3339(row.created_ns),
        "created_by": row.created_by,
    }


def rates_json(rates: Rates) -> dict[str, Any]:
    """Dollars per million tokens below all tiers."""
    per_bucket = {
        "input": rates.fresh_input,
        "output": rates.output,
        "cache_read": rates.cache_read,
        "cache_write": rates.cache_write,
        "reasoning": rates.reasoning,
    }
    shown = {name: None if rate is None else round(rate.base * 1e6, 9) for name, rate in per_bucket.items()}
    return {
        **shown,
        "request": rates.request,
        "tiered": any(rate is not None and rate.tiers for rate in per_bucket.values()),
    }


def repricing_json(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "model": row.model,
        "provider": row.provider,
        "since": None if row.since_ns is None else rfc3339(row.since_ns),
        "calls": row.calls,
        "created_at": rfc3339(row.created_ns),
        "ended_at": None if row.ended_ns is None else rfc3339(row.ended_ns),
    }


def _tier(tier: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    over = tier.get("over")
    if not isinstance(over, int) or isinstance(over, bool) or not 0 < over <= 1_000_000_000:
        raise InvalidInput("A tier says over how many prompt tokens it begins.", field="tiers.over", value=over)
    made = {name: _amount(tier[name], f"tiers.{name}") for name in BUCKETS if tier.get(name) is not None}
    lost = sorted(set(made) - set(base))
    if lost or set(tier) - {"over", *BUCKETS}:
        raise InvalidInput(
            "A tier changes rates that the price itself has.",
            field=f"tiers.{lost[0]}" if lost else "tiers",
            fix="give the rate below the tier as well",
        )
    return {"over": over, **made}


def _amount(value: Any, field: str) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not math.isfinite(value) or not 0 <= value <= _DEAREST:
        raise InvalidInput(f"'{field}' is not an amount from 0 to 1,000,000.", field=field, value=value)
    return float(value)


def _rate(given: Mapping[str, Any], bucket: str) -> Rate | None:
    """Dollars a token, out of dollars per million."""
    if given.get(bucket) is None:
        return None
    tiers = tuple((tier["over"], tier[bucket] / 1e6) for tier in given.get("tiers", ()) if bucket in tier)
    return Rate(given[bucket] / 1e6, tiers)
