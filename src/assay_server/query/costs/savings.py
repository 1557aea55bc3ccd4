"""What could have been saved, computed from the calls that were made: a cache, a cheaper model, a shorter prompt."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

from assay_server.core.words import percent
from assay_server.query.amounts import dollars
from assay_server.query.costs.cheaper import at_cheaper
from assay_server.query.costs.groups import PriceList
from assay_server.query.costs.repeats import Again, Repeats, repeats, together
from assay_server.query.costs.sql import LARGE, SUMS, CostFilter, calls, money
from assay_server.query.shapes import question_of
from assay_server.query.sql import lines
from assay_server.store import INPUT, Limits, Store

_SECOND_NS = 1_000_000_000
_TEXTS = Limits(rows=5_000, seconds=60)
_AT_ONCE = 1_000_000  # calls that asked the same as others: 40 bytes each
_REPEATED = Limits(rows=2 * _AT_ONCE, seconds=60)
_MOST_SHOWN = 10
_PREVIEW = 200
_PREFIX_GROUPS, _SAMPLE, _SAMPLED_CHARACTERS = 20, 100, 40_000
_SMALLEST_PREFIX = 1024
"""Tokens: vendors keep no shorter prefix (OpenAI and Anthropic alike)."""

_BY_KEYS = (  # by their place: texts are not to be read of all rows
    "FROM spans WHERE rowid IN (SELECT rowid FROM spans WHERE project = ? AND key IN (SELECT unnest(?::UBIGINT[])))"
)
_GONE = {"model": None, "name": None, "input": None}
"""A call that was deleted while it was looked for."""


class Savings:
    """Reads the calls of one project in a window."""

    def __init__(self, store: Store, prices: PriceList) -> None:
        self._store = store
        self._prices = prices

    async def find(
        self, project: str, narrow: CostFilter, *, ttl_s: float = 3600, under: int = 1000, cheaper: str | None = None
    ) -> dict[str, Any]:
        """`under`: tokens of a call, in and out, below which the model `cheaper` would have done."""
        found = calls(project, narrow)
        sums = SUMS + ", count(*) FILTER (kind = 'llm' AND status <> 'error') AS asked"
        total = (await self._store.scan(lines(found.sql, "SELECT", sums, "FROM calls"), found.params, limits=LARGE))[0]
        return {
            "cost": money(total),
            "calls": total["calls"],
            "caching": await self._caching(project, narrow, ttl_s, total),
            "cheaper": None
            if cheaper is None
            else await at_cheaper(self._store, self._prices, project, narrow, under, cheaper),
            "prefix": await self._prefix(project, narrow),
        }

    async def _caching(
        self, project: str, narrow: CostFilter, ttl_s: float, total: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What a call asked is only known where its text was sent and is kept: `looked_at` says of how many."""
        found, usd = calls(project, narrow), total["usd"]
        keyed = lines(
            found.sql + ",",
            "asked AS (SELECT key, request_key FROM spans WHERE project = ? AND start_ns >= ?",
            "  AND start_ns < ? AND request_key IS NOT NULL AND status <> 'error'),",
            "keyed AS MATERIALIZED (SELECT key, start_ns, end_ns, cost, hash(request_key, provider, model) AS k",
            "  FROM calls JOIN asked USING (key))",
        )
        params = [*found.params, project, narrow.since_ns, narrow.until_ns]
        looked_at, again = await self._repeats(keyed, params, round(ttl_s * _SECOND_NS))
        nobody_knows = (not looked_at and total["asked"]) or (again.calls and again.unknown == again.calls)
        saved = {"usd": None if nobody_knows else again.usd, "unknown": again.unknown}
        share = saved["usd"] / usd if usd and saved["usd"] is not None else None
        asked = await self._asked(project, [one.key for one in again.most])
        unread = total["asked"] - looked_at
        return {
            "ttl_s": ttl_s,
            "calls": again.calls,
            "looked_at": looked_at,
            "unread": unread,
            "saved": saved,
            "share": share,
            "top": [_repeat(one, asked.get(one.key, _GONE)) for one in again.most],
            "sentence": _cache_sentence(again.calls, looked_at, unread, ttl_s, saved["usd"], share),
        }

    async def _repeats(self, keyed: str, params: Sequence[Any], ttl_ns: int) -> tuple[int, Repeats]:
        """How many calls can be compared, and what a cache would have answered of them; so many at once as memory
        should hold."""
        counted = lines(
            keyed,
            "SELECT coalesce(sum(n), 0)::BIGINT AS looked_at, coalesce(sum(n) FILTER (n > 1), 0)::BIGINT AS again",
            "FROM (SELECT count(*) AS n FROM keyed GROUP BY k)",
        )
        row = (await self._store.scan(counted, params, limits=LARGE))[0]
        parts = -(-row["again"] // _AT_ONCE)
        found = []
        for part in range(parts):
            of_part = f"k % {parts} = {part}"
            sql = lines(
                keyed,
                *(", again AS (SELECT k FROM keyed WHERE", of_part, "GROUP BY k HAVING count(*) > 1)"),
                "SELECT k, key, start_ns, end_ns, coalesce(cost, 'nan'::DOUBLE) AS cost FROM keyed",
                "WHERE k IN (SELECT k FROM again) ORDER BY k, start_ns, key",
            )
            columns = await self._store.columns(sql, params, limits=_REPEATED)
            found.append(await asyncio.to_thread(repeats, columns, ttl_ns, _MOST_SHOWN))
        return row["looked_at"], together(found, _MOST_SHOWN)

    async def _asked(self, project: str, wanted: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Model, name and question of these calls, by their key."""
        sql = lines("SELECT key, model, name, input", _BY_KEYS)
        rows = await self._store.scan(sql, [project, list(wanted)]) if wanted else []
        return {row["key"]: row for row in rows}

    async def _prefix(self, project: str, narrow: CostFilter) -> dict[str, Any]:
        found = calls(project, narrow)
        sql = lines(
            found.sql + ",",
            "alike AS MATERIALIZED (SELECT provider, model, name, count(*) AS calls,",
            "  coalesce(TRY_CAST(sum(" + INPUT + ") AS BIGINT), 0) AS tokens,",
            "  coalesce(TRY_CAST(sum(cache_read) AS BIGINT), 0) AS cached,",
            "  max(start_ns) AS at_ns,",
            "  max_by({'key': key, 'start_ns': start_ns}, (start_ns, -key::HUGEINT), ?) AS newest FROM calls",
            "  WHERE kind = 'llm' AND fresh_input IS NOT NULL GROUP BY ALL HAVING count(*) > 1",
            "  ORDER BY tokens DESC, model, name LIMIT ?)",
            "SELECT * EXCLUDE (newest, one), one.key AS key, one.start_ns AS start_ns",
            "FROM (SELECT *, unnest(newest) AS one FROM alike)",
            "ORDER BY tokens DESC, provider, model, name, start_ns",
        )
        sample = await self._store.scan(sql, [*found.params, _SAMPLE, _PREFIX_GROUPS], limits=_TEXTS)
        texts = await self._beginnings(project, [row["key"] for row in sample])
        rows = [{**row, **texts[row["key"]]} for row in sample if row["key"] in texts]
        measured = await asyncio.to_thread(_shares, rows)
        return _prefix_answer([self._group(project, group, share) for group, share in measured], len(rows))

    async def _beginnings(self, project: str, wanted: Sequence[int]) -> dict[int, dict[str, Any]]:
        """`text`, the beginning of what these calls were sent, and its whole `length`, by their key."""
        sql = lines("SELECT key, left(input, ?) AS text, length(input) AS length", _BY_KEYS, "AND input IS NOT NULL")
        rows = await self._store.scan(sql, [_SAMPLED_CHARACTERS, project, list(wanted)], limits=_TEXTS)
        return {row["key"]: row for row in rows}

    def _group(self, project: str, row: Mapping[str, Any], share: float) -> dict[str, Any]:
        shared = share * row["tokens"]
        again = max(shared - row["cached"], 0.0) if shared / row["calls"] >= _SMALLEST_PREFIX else 0.0
        rates = None if row["model"] is None else self._prices.rates(
            row["provider"], row["model"], row["at_ns"], project=project
        )  # fmt: skip
        known = rates is not None and rates.fresh_input is not None and rates.cache_read is not None
        prompt = round(row["tokens"] / row["calls"])  # long ones are dearer at some vendors
        fresh, read = (rates.fresh_input.at(prompt), rates.cache_read.at(prompt)) if known and rates else (0.0, 0.0)
        cached = min(shared, row["cached"])
        return {
            "model": row["model"],
            "name": row["name"],
            "calls": row["calls"],
            "share": share,
            "tokens_per_call": prompt,
            "usd": again * (fresh - read) if known else None,
            "tenth": ((shared - cached) * fresh + cached * read) / 10 if known else None,
            "tokens": shared,
        }


def _cache_sentence(
    count: int, looked_at: int, unread: int, ttl_s: float, usd: float | None, share: float | None
) -> str:
    of_others = f" {unread:,} calls have no stored text and are not included." if unread else ""
    if not looked_at and unread:
        return "What a cache would have saved is computed from the texts of calls." + of_others
    told = f"{count:,} calls repeated a request that had been answered within {ttl_s / 60:g} min;"
    share_of = "" if share is None else f" ({percent(share)})"
    return f"{told} a cache would have saved {dollars(usd)}{share_of}." + of_others


def _repeat(again: Again, call: Mapping[str, Any]) -> dict[str, Any]:
    """Prompts begin alike, so their beginnings would tell nobody which is which: it is shown what was asked."""
    preview = question_of(call["input"]) or (call["input"] or "")[:_PREVIEW] or None
    named = {"model": call["model"], "name": call["name"]}
    return {**named, "times": again.times, "usd": again.usd, "preview": preview}


def _shares(rows: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], float]]:
    """For each group how much of a prompt is how the prompt of the call before began."""
    measured = []
    for _, group in groupby(rows, key=lambda row: (row["provider"], row["model"], row["name"])):
        sampled = list(group)
        common = sum(_common(left["text"], right["text"]) for left, right in pairwise(sampled))
        whole = sum(row["length"] for row in sampled[1:])
        if whole:
            measured.append((sampled[0], common / whole))
    return measured


def _common(left: str, right: str) -> int:
    """Length of the common beginning, by halving: comparing slices is fast, characters are not."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _prefix_answer(groups: Sequence[dict[str, Any]], sampled: int) -> dict[str, Any]:
    unknown = sum(group["calls"] for group in groups if group["usd"] is None)
    known = [group for group in groups if group["usd"] is not None]
    whole = sum(group["tokens_per_call"] * group["calls"] for group in groups)
    tokens = sum(group["tokens"] for group in groups)
    by_cache = {"usd": sum(group["usd"] for group in known) if known or not groups else None, "unknown": unknown}
    tenth = {"usd": sum(group["tenth"] for group in known) if known or not groups else None, "unknown": unknown}
    share = tokens / whole if whole else None
    return {
        "calls": sum(group["calls"] for group in groups),
        "sampled": sampled,
        "share": share,
        "tokens": round(tokens),
        "saved_by_prefix_cache": by_cache,
        "saved_per_tenth": tenth,
        "groups": [
            {name: group[name] for name in ("model", "name", "calls", "share", "tokens_per_call", "usd")}
            for group in sorted(groups, key=lambda group: -(group["usd"] or 0.0))
        ],
        "sentence": "No two calls were similar enough to compare."
        if share is None
        else f"{percent(share)} of the prompts' text repeats the beginning of the one before ({sampled:,} sampled)."
        f" The provider's prefix cache would have saved {dollars(by_cache['usd'])};"
        f" a 10 % shorter prefix saves {dollars(tenth['usd'])}.",
    }
