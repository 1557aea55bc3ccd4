"""What calls are told apart by where a change in cost is explained: whatever has rates of its own.

Two calls of one model cost differently where one has so long a prompt that a tier's rates go for it, or went through
the batch API. Left together, more of the one kind would look like another price.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from assay_server.core.clock import DAY_NS
from assay_server.providers import BATCH_KEYS, BATCH_WORDS
from assay_server.query.costs.sql import BUCKETS, LARGE, SUMS, CostFilter, calls
from assay_server.query.dimensions import EDGES
from assay_server.query.key_sets import ONE_OF_SETS, sets_with
from assay_server.query.sql import lines
from assay_server.stats import Cell
from assay_server.store import Store

_USUAL_RATIOS = (1.0, 0.1, 1.25, 4.0, 4.0, 0.0)
"""What tokens of the buckets commonly cost beside each other, and a call nothing; where nobody lists a price."""

_SAID = "lower(variant_extract(attributes, ?)::VARCHAR)"
_PROMPT = "coalesce(c.fresh_input, 0) + coalesce(c.cache_read, 0) + coalesce(c.cache_write, 0)"


class Group(NamedTuple):
    """Calls of one price. `tier`: how many of the model's tiers their prompts are over."""

    provider: str | None = None
    model: str | None = None
    endpoint: str | None = None
    tier: int = 0
    batch: bool = False


class PriceList(Protocol):
    """What `registry.OwnPrices` does."""

    def rates(self, provider: str | None, model: str, at_ns: int, *, project: str | None = None) -> Any: ...


@dataclass(slots=True)
class PricedGroups:
    """The groups of two days of one project, each day by its first nanosecond."""

    store: Store
    prices: PriceList
    project: str
    before_ns: int
    after_ns: int
    _tiers: dict[tuple[str | None, str | None], list[int]] = field(default_factory=dict)

    async def rows(self, start_ns: int, narrow: CostFilter) -> list[dict[str, Any]]:
        """`SUMS` of a day by the fields of `Group` and `unpriced`, dearest first."""
        end_ns = start_ns + DAY_NS
        edges = [self.project, start_ns, end_ns]
        await self._learn_tiers()
        found = calls(self.project, replace(narrow, since_ns=start_ns, until_ns=end_ns), "endpoint")
        batched, said = await self._batched(edges)
        sql = lines(
            found.sql + ",",
            "tiers AS (SELECT unnest(?::VARCHAR[]) AS provider, unnest(?::VARCHAR[]) AS model,",
            "unnest(?::BIGINT[][]) AS overs),",
            "batched AS MATERIALIZED (" + batched + ")",
            "SELECT c.provider, c.model, value AS endpoint, cost IS NULL AS unpriced,",
            "coalesce(len(list_filter(t.overs, lambda o: o < " + _PROMPT + ")), 0) AS tier,",
            "key IN (SELECT key FROM batched) AS batch,",
            SUMS,
            "FROM calls c LEFT JOIN tiers t ON t.model = c.model AND t.provider IS NOT DISTINCT FROM c.provider",
            "GROUP BY ALL ORDER BY usd DESC NULLS LAST, calls DESC, c.provider, c.model, endpoint, tier, batch",
        )
        tiered = [(*pair, overs) for pair, overs in self._tiers.items() if overs]
        columns = [list(column) for column in zip(*tiered, strict=True)] or [[], [], []]
        return await self.store.scan(sql, [*found.params, *columns, *said], limits=LARGE)

    async def _batched(self, edges: Sequence[Any]) -> tuple[str, list[Any]]:
        """The keys of the spans that say they were batch calls. Names are looked for among the spans that have them: to
        look for one that none has takes a second of a hundred thousand."""
        by_sets: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for name in BATCH_KEYS:
            by_sets[tuple(await sets_with(self.store, self.project, [name]))].append(name)
        selects: list[str] = []
        params: list[Any] = []
        for sets, names in by_sets.items():
            said = "list_has_any([" + ", ".join([_SAID] * len(names)) + "], ?::VARCHAR[])"
            selects.append(lines("SELECT key FROM spans WHERE", EDGES, "AND", ONE_OF_SETS, "AND", said))
            params += [*edges, list(sets), *names, list(BATCH_WORDS)]
        return " UNION ".join(selects), params

    def cell(self, group: Group, row: Mapping[str, Any], at_ns: int) -> Cell:
        """A group's dollars divided among its buckets as their prices weigh: those of its own day where they are what
        was charged, else those of the earlier day. Calls without a price are not in it."""
        priced = row["calls"] - row["unknown"]
        tokens = [float(row[bucket] or 0) if priced else 0.0 for bucket in BUCKETS] + [float(priced)]
        usd = row["usd"] or 0.0
        weights = _weighed(tokens, self._ratios(group, at_ns))
        if at_ns != self.before_ns and not math.isclose(sum(weights), usd, rel_tol=1e-6):
            weights = _weighed(tokens, self._ratios(group, self.before_ns))
        whole = sum(weights)
        if not whole:  # dollars and no tokens: they are what a call costs
            weights, whole = [0.0] * len(BUCKETS) + [1.0], 1.0
        return Cell(priced, tokens, [usd * weight / whole for weight in weights])

    async def _learn_tiers(self) -> None:
        """The prompt sizes at which another rate begins on one of the days: both days are cut at the same ones."""
        if self._tiers:
            return
        days = (self.before_ns, self.after_ns)
        sql = "SELECT DISTINCT provider, model FROM counted_calls WHERE project = ? AND (start_ns >= ? AND start_ns < ?"
        edges = [self.project, *(edge for day in days for edge in (day, day + DAY_NS))]
        for row in await self.store.scan(sql + " OR start_ns >= ? AND start_ns < ?)", edges, limits=LARGE):
            pair = row["provider"], row["model"]
            both = [self._rates(*pair, at_ns) for at_ns in days]
            rates = [rate for found in both if found is not None for rate in _buckets(found) if rate is not None]
            self._tiers[pair] = sorted({over for rate in rates for over, _ in rate.tiers})

    def _ratios(self, group: Group, at_ns: int) -> Sequence[float]:
        """What the buckets' tokens cost in that tier, and last a call without any."""
        found = self._rates(group.provider, group.model, at_ns)
        if found is None:
            return _USUAL_RATIOS
        prompt = self._tiers[group.provider, group.model][group.tier - 1] + 1 if group.tier else 0
        return (*(0.0 if rate is None else rate.at(prompt) for rate in _buckets(found)), found.request)

    def _rates(self, provider: str | None, model: str | None, at_ns: int) -> Any:
        return None if model is None else self.prices.rates(provider, model, at_ns, project=self.project)


def _buckets(rates: Any) -> tuple[Any, ...]:
    return rates.fresh_input, rates.cache_read, rates.cache_write, rates.output, rates.reasoning


def _weighed(tokens: Sequence[float], ratios: Sequence[float]) -> list[float]:
    return [count * ratio for count, ratio in zip(tokens, ratios, strict=True)]
