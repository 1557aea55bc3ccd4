"""What a new price takes the place of, and what of that would be lost with it.

A plain price set over one with tiers, cache rates or a batch factor changes what all those calls cost, also the stored
ones. So what a price has and the new one does not name is never dropped without a word.
"""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Connection, Row, or_, select

from assay_server.core.clock import rfc3339
from assay_server.core.errors import Conflict
from assay_server.ledger import tables
from assay_server.providers import OwnPrice, Rates
from assay_server.registry.price_rows import BUCKETS, rates_json

Unnamed = Literal["keep", "drop"]

_prices = tables.money.own_prices
_FIELDS = (*BUCKETS, "request", "batch", "tiers")
_FALLS_BACK = {"cache_read": "input", "cache_write": "input", "reasoning": "output"}
"""What a rate that is left out costs instead."""


def followed(connection: Connection, project: str, values: Mapping[str, Any]) -> Row[Any] | None:
    """The own price of the same model and provider that holds when the new one begins: it is replaced or ended."""
    same = [_prices.c[name].is_not_distinct_from(values[name]) for name in ("model", "provider")]
    always, begin = _prices.c.valid_from_ns.is_(None), values["valid_from_ns"]
    begun = always if begin is None else or_(always, _prices.c.valid_from_ns <= begin)
    query = (
        select(_prices)
        .where(_prices.c.project == project, *same, begun)
        .order_by(always, _prices.c.valid_from_ns.desc())
        .limit(1)
    )
    return connection.execute(query).one_or_none()


def completed(given: Mapping[str, Any], before: Row[Any] | None, unnamed: Unnamed | None) -> dict[str, Any]:
    """The rates with what is kept of the price before. A field that is given as null is named: the price has none.

    Raises Conflict where the price before has more and nobody said what becomes of it.
    """
    if before is None:
        return dict(given)
    had = {name: before.rates.get(name) for name in _FIELDS if name not in given}
    missing = {name: rate for name, rate in had.items() if rate is not None and rate != []}
    if not missing or unnamed == "drop":
        return dict(given)
    if unnamed == "keep":
        return {**missing, **given}
    since = "" if before.valid_from_ns is None else f" from {rfc3339(before.valid_from_ns)} on"
    raise Conflict(
        f"The price of {before.model}{since} has more than this one names: {_told(missing)}. It would be lost.",
        field=next(iter(missing)),
        value=next(iter(missing.values())),
        fix="say unnamed=keep or unnamed=drop (in the terminal --keep or --drop), or name them as well, null for none",
    )


def lost(before: Rates | OwnPrice, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """`{"source", "lost"}`: what calls had by a price that no longer goes for them; None where that is nothing."""
    rates = before.rates if isinstance(before, OwnPrice) else before
    had = rates_json(rates)
    gone = {
        name: had[name]
        for name, instead in _FALLS_BACK.items()
        if given.get(name) is None and had[name] is not None and had[name] != had[instead]
    }
    if rates.request and given.get("request") is None:
        gone["request"] = rates.request
    if isinstance(before, OwnPrice) and before.batch is not None and given.get("batch") is None:
        gone["batch"] = before.batch
    if had["tiered"] and not given.get("tiers"):
        gone["tiers"] = True
    return {"source": rates.source, "lost": gone} if gone else None


def _told(fields: Mapping[str, Any]) -> str:
    told = [f"{name} {value:g}" for name, value in fields.items() if name != "tiers"]
    if tiers := fields.get("tiers"):
        told.append("other rates over " + " and ".join(f"{tier['over']:,}" for tier in tiers) + " prompt tokens")
    return ", ".join(told)
