"""What the smaller calls would have cost at a cheaper model, with as many tokens."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.query.amounts import dollars
from assay_server.query.costs.groups import PriceList
from assay_server.query.costs.sql import BUCKETS, LARGE, SUMS, CostFilter, calls
from assay_server.query.sql import lines
from assay_server.store import INPUT, TOKENS, Store

_STEP_NS = 900_000_000_000
"""Prices begin at some moment of a day, and some are others at night: each quarter of an hour has its own."""


async def at_cheaper(
    store: Store, prices: PriceList, project: str, narrow: CostFilter, under: int, model: str
) -> dict[str, Any]:
    """Calls below `under` tokens, in and out, at the prices that `model` had when they were made."""
    sums = await _sums(store, project, narrow, under, model, [])
    rates = {row["step"]: _rates(prices, project, model, row["step"] * _STEP_NS) for row in sums}
    overs = sorted({over for found in rates.values() for rate in _buckets(found) if rate for over, _ in rate.tiers})
    if overs:  # a call is of the tier of its own prompt, not of the mean of others'
        sums = await _sums(store, project, narrow, under, model, overs)
    then = [_cost(rates.get(row["step"]), row, overs) for row in sums]
    now, count = sum(row["usd"] for row in sums), sum(row["calls"] for row in sums)
    lost = sum(row["calls"] for row, cost in zip(sums, then, strict=True) if cost is None)
    pairs = [(row["usd"], cost) for row, cost in zip(sums, then, strict=True) if cost is not None]
    saved = {"usd": sum(usd - cost for usd, cost in pairs) if pairs or not sums else None, "unknown": lost}
    return {
        "model": model,
        "under": under,
        "calls": count,
        "usd_now": now,
        "usd_then": sum(cost for _, cost in pairs) if pairs else None,
        "saved": saved,
        "sentence": _sentence(model, under, count, saved["usd"]),
    }


async def _sums(
    store: Store, project: str, narrow: CostFilter, under: int, model: str, overs: Sequence[int]
) -> list[dict[str, Any]]:
    """`SUMS` by `step`, of time, and `tier`, how many of the sizes `overs` a call's prompt is over."""
    found = calls(project, narrow)
    sql = lines(
        found.sql,
        "SELECT start_ns // ? AS step, len(list_filter(?::BIGINT[], lambda o: o < " + INPUT + ")) AS tier,",
        SUMS,
        "FROM calls WHERE kind = 'llm' AND cost IS NOT NULL AND cost_source IS NOT NULL AND",
        TOKENS + " < ? AND " + TOKENS + " > 0",
        "AND model <> ? AND concat(provider, '/', model) <> ? GROUP BY step, tier ORDER BY step, tier",
    )
    params = [*found.params, _STEP_NS, list(overs), under, model, model]
    return await store.scan(sql, params, limits=LARGE)


def _rates(prices: PriceList, project: str, model: str, at_ns: int) -> Any:
    owner, slash, name = model.partition("/")
    provider, name = (owner, name) if slash else (None, model)
    return prices.rates(provider, name, at_ns, project=project)


def _buckets(rates: Any) -> tuple[Any, ...]:
    if rates is None:
        return ()
    return rates.fresh_input, rates.cache_read, rates.cache_write, rates.output, rates.reasoning


def _cost(rates: Any, row: Mapping[str, Any], overs: Sequence[int]) -> float | None:
    if rates is None:
        return None
    prompt = overs[row["tier"] - 1] + 1 if row["tier"] else 0
    cost: float = rates.request * row["calls"]
    for bucket, rate in zip(BUCKETS, _buckets(rates), strict=True):
        if row[bucket]:
            if rate is None:
                return None
            cost += row[bucket] * rate.at(prompt)
    return cost


def _sentence(model: str, under: int, count: int, saved: float | None) -> str:
    if not count:
        return f"No priced call of another model had fewer than {under:,} tokens."
    told = f"{count:,} calls had fewer than {under:,} tokens; "
    if saved is None:
        return told + f"the price of {model} is unknown."
    less = "less" if saved >= 0 else "more"
    return told + (
        f"with {model} and as many tokens they would have cost {dollars(abs(saved))} {less}."
        " Only a run can tell whether its answers are as good."
    )
