"""Why a day cost what it cost: the change against another day, split into volume, tokens, price and mix."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from itertools import chain
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.core.words import percent
from assay_server.query.amounts import changed, dollars
from assay_server.query.costs.groups import Group, PricedGroups, PriceList
from assay_server.query.costs.sql import BUCKETS, CostFilter
from assay_server.stats import TERMS, Term, attribute, rounded
from assay_server.store import Store

_MOST_GROUPS = 500
_MOST_DRIVERS = 10


class CostChanges:
    """Compares two UTC days of one project."""

    def __init__(self, store: Store, prices: PriceList) -> None:
        self._store = store
        self._prices = prices

    async def why(self, project: str, day_ns: int, against_ns: int, narrow: CostFilter) -> dict[str, Any]:
        """`narrow` gives the filters; its window is not used. Both days by their first nanosecond."""
        groups = PricedGroups(self._store, self._prices, project, against_ns, day_ns)
        both = [await groups.rows(start, narrow) for start in (against_ns, day_ns)]
        known = _largest(both)
        early, late = [_groups(rows, known) for rows in both]
        cells = [
            {group: groups.cell(group, row, start) for group, row in rows.items()}
            for start, rows in ((against_ns, early), (day_ns, late))
        ]
        parts = await asyncio.to_thread(lambda: attribute(cells[0], cells[1]))
        return _answer(day_ns, against_ns, early, late, parts)


def _largest(days: Sequence[Sequence[Mapping[str, Any]]]) -> set[Group]:
    """The dearest endpoints of both days together: one that stood alone on one of them and among the rest on the other
    would be traffic that moved, and what changed within it would be told as mix."""
    usd: dict[Group, float] = defaultdict(float)
    for row in chain.from_iterable(days):
        if not row["unpriced"]:
            usd[_place(_group(row))] += row["usd"]
    return set(sorted(usd, key=lambda group: -usd[group])[:_MOST_GROUPS])


def _groups(rows: Sequence[Mapping[str, Any]], known: Set[Group]) -> dict[Group, dict[str, Any]]:
    groups: dict[Group, dict[str, Any]] = {}
    for row in rows:
        key = Group()
        if not row["unpriced"]:
            key = _group(row) if _place(_group(row)) in known else _group(row)._replace(endpoint=None)
        groups[key] = _added(groups.get(key), row)
    return groups


def _group(row: Mapping[str, Any]) -> Group:
    return Group(*(row[name] for name in Group._fields))


def _place(group: Group) -> Group:
    """Where it was called, of whatever price."""
    return group._replace(tier=0, batch=False)


def _added(known: dict[str, Any] | None, row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("calls", "usd", "unknown", *BUCKETS)
    if known is None:
        return {name: row[name] for name in names}
    return {name: _sum(known[name], row[name]) for name in names}


def _sum(left: float | None, right: float | None) -> float | None:
    return right if left is None else left if right is None else left + right


def _answer(
    day_ns: int,
    against_ns: int,
    early: Mapping[Group, dict[str, Any]],
    late: Mapping[Group, dict[str, Any]],
    parts: Mapping[Group, Mapping[Term, float]],
) -> dict[str, Any]:
    before, after = _total(early), _total(late)
    unit = 0.01 if max(before["usd"] or 0.0, after["usd"] or 0.0) >= 1 else 1e-6
    shown = [_in_units(total["usd"], unit) for total in (before, after)]
    change = None if shown[0] is None or shown[1] is None else round(shown[1] - shown[0], 6)
    terms = {} if change is None else _terms(parts, change, unit)
    relative = change / shown[0] if change is not None and shown[0] else None
    days = rfc3339(day_ns)[:10], rfc3339(against_ns)[:10]
    return {
        "day": days[0],
        "against": days[1],
        "cost": {
            "before": {"usd": shown[0], "unknown": before["unknown"]},
            "after": {"usd": shown[1], "unknown": after["unknown"]},
            "change": change,
            "relative": relative,
        },
        "calls": {"before": before["calls"], "after": after["calls"]},
        "terms": [_term(term, usd, change or 0.0, before, after) for term, usd in terms.items()],
        "drivers": [] if change is None else _drivers(parts),
        "sentence": _sentence(days, (before, after), shown, change or 0.0, relative, terms),
    }


def _terms(parts: Mapping[Group, Mapping[Term, float]], change: float, unit: float) -> dict[Term, float]:
    sums = {term: sum(part[term] for part in parts.values()) for term in TERMS}
    return rounded(sums, change, unit)


def _total(groups: Mapping[Group, Mapping[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {"calls": 0, "usd": None, "unknown": 0, "tokens": 0}
    for row in groups.values():
        total["calls"] += row["calls"]
        total["unknown"] += row["unknown"]
        total["usd"] = _sum(total["usd"], row["usd"])
        if row["usd"] is not None:
            total["tokens"] += sum(row[bucket] or 0 for bucket in BUCKETS)
    if not total["calls"]:
        total["usd"] = 0.0  # nothing is unknown of a day without calls
    return total


def _in_units(usd: float | None, unit: float) -> float | None:
    return None if usd is None else round(round(usd / unit) * unit, 6)


def _term(term: Term, usd: float, change: float, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "term": term,
        "usd": usd,
        "share": usd / change if change else None,
        "sentence": _WORDS[term](before, after),
    }


def _volume(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    priced = before["calls"] - before["unknown"], after["calls"] - after["unknown"]
    return f"{priced[1]:,} priced calls instead of {priced[0]:,}."


def _tokens(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    each = [
        row["tokens"] / (row["calls"] - row["unknown"]) if row["calls"] > row["unknown"] else 0.0
        for row in (before, after)
    ]
    return f"{each[1]:,.0f} tokens a call instead of {each[0]:,.0f}, weighed by what they cost within each model."


_WORDS: Any = {
    "volume": _volume,
    "tokens": _tokens,
    "price": lambda _before, _after: "The same tokens of the same models at other prices.",
    "mix": lambda _before, _after: (
        "Calls moved between models, endpoints, tiers of price or batch that cost more or less."
    ),
}


def _drivers(parts: Mapping[Group, Mapping[Term, float]]) -> list[dict[str, Any]]:
    """The largest single contributions but volume, which is nobody's own."""
    sums: dict[tuple[Group, Term], float] = defaultdict(float)
    for group, terms in parts.items():
        for term, usd in terms.items():
            sums[_place(group), term] += usd
    found = [(group, term, usd) for (group, term), usd in sums.items() if term != "volume" and round(usd, 6)]
    found.sort(key=lambda one: -abs(one[2]))
    return [
        {
            "term": term,
            "provider": group.provider,
            "model": group.model,
            "name": group.endpoint,
            "usd": round(usd, 6),
            "sentence": f"{_NAMES[term]} of {_place_words(group)}: {changed(usd)}.",
        }
        for group, term, usd in found[:_MOST_DRIVERS]
    ]


def _place_words(group: Group) -> str:
    return f"{group.model or 'all models'} in {group.endpoint or 'the rest'}"


_NAMES: dict[Term, str] = {
    "volume": "Number of calls",
    "tokens": "Tokens per call",
    "price": "Price",
    "mix": "Share of calls",
}


def _sentence(
    days: tuple[str, str],
    totals: tuple[Mapping[str, Any], Mapping[str, Any]],
    shown: Sequence[float | None],
    change: float,
    relative: float | None,
    terms: Mapping[Term, float],
) -> str:
    before, after = totals
    if not before["calls"] and not after["calls"]:
        return f"There were no calls on {days[0]} and {days[1]}."
    if shown[1] is None and shown[0] is None:
        return f"The cost of {days[0]} and {days[1]} is unknown: no call has a price."
    for this, other in ((0, 1), (1, 0)):
        usd, calls = shown[1 - this], totals[1 - this]["calls"]  # those of the earlier day come first
        if usd is None:
            told = f"The cost of {days[this]} is unknown: none of its {calls:,} calls has a price."
            return f"{told} {days[other]} cost {dollars(shown[1 - other])}."
    share = "" if relative is None else f" ({percent(abs(relative))})"
    more = "more than" if change > 0 else "less than" if change < 0 else "as much as"
    by = f"{dollars(abs(change))}{share} {more}" if change else more
    cost = dollars(shown[1]) if after["calls"] else "nothing, as it had no calls"
    told = f"{days[0]} cost {cost}, {by} {days[1]}{'' if before['calls'] else ', which had no calls'}"
    if change:
        order = sorted(terms, key=lambda term: -terms[term] * change)
        told += ": " + ", ".join(f"{_NAMES[term].lower()} {changed(terms[term])}" for term in order if terms[term])
    unknown = before["unknown"] + after["unknown"]
    return told + (f". {unknown:,} calls without a price are not included." if unknown else ".")
