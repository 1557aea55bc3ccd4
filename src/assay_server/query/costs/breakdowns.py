"""What was spent, by whom and on what: breakdowns, days, and the models that nobody could price."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay_server.core.clock import DAY_NS, rfc3339
from assay_server.core.errors import InvalidInput
from assay_server.query.costs.daily import DayOfUse, days_of_use
from assay_server.query.costs.sql import LARGE, RESUMS, SUMMED, SUMS, CostFilter, calls, money, token_sums, unmetered
from assay_server.query.dimensions import each_tag
from assay_server.query.key_sets import sets_of
from assay_server.query.metrics.narrowing import found_by
from assay_server.query.sql import lines
from assay_server.store import Store

HOUR_NS = 3_600_000_000_000
_BINS = {"hour": HOUR_NS, "day": DAY_NS}
_MOST_BINS = 2_400
_NO_RANK = 1 << 62


@dataclass(slots=True, frozen=True)
class Day:
    """One UTC day; `usd` sums what is known, `unknown` counts the calls without a price."""

    start_ns: int
    calls: int
    usd: float | None
    unknown: int


class Costs:
    """Sums over the calls of one project; every call is counted once, roll-ups are not."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def searched(self, project: str, narrow: CostFilter) -> CostFilter:
        """With what its search finds: only so it narrows. Raises InvalidInput for one that cannot be read, and for
        words that too many traces have."""
        return replace(narrow, found=await found_by(self._store, project, narrow.search, narrow.since_ns))

    async def breakdown(
        self,
        project: str,
        narrow: CostFilter,
        group_by: str | None = None,
        *,
        bin_name: str | None = None,
        limit: int = 50,
    ) -> dict[str, Any]:
        """Total, groups (dearest first) and, with `bin_name`, their course over time. Raises InvalidInput."""
        bin_ns = _bin(bin_name, narrow)
        groups, bins = await self._groups(project, narrow, group_by, limit, bin_ns)
        overlapping = group_by == "tag"
        total = await self._sums(project, narrow) if overlapping else _added(groups)
        shown = [row for row in groups if row["place"] is not None]
        others = next((row for row in groups if row["place"] is None), None)
        items = [_item(row, total) for row in shown]
        rest: dict[str, Any] = {"groups": others["groups"] if others else 0, **_sums_json(others or _NOTHING)}
        if bin_ns is not None:
            _fill_bins(items, rest, bins)
        return {
            "since": rfc3339(narrow.since_ns),
            "until": rfc3339(narrow.until_ns),
            "group_by": group_by,
            "bin": bin_name,
            "total": _sums_json(total),
            "items": items,
            "others": rest,
            "overlapping": overlapping,
            "unmetered": await self._unmetered(project, narrow),
        }

    async def unpriced(self, project: str, since_ns: int | None = None, until_ns: int | None = None) -> list[Any]:
        """Models with calls whose tokens are known and whose price is not, most calls first."""
        narrow = CostFilter(since_ns or 0, until_ns or (1 << 62))
        found = calls(project, narrow)
        sql = lines(
            found.sql,
            "SELECT provider, model,",
            SUMS + ", min(start_ns) AS first_ns, max(start_ns) AS last_ns FROM calls",
            "WHERE cost IS NULL AND model IS NOT NULL GROUP BY ALL ORDER BY calls DESC, model, provider LIMIT 500",
        )
        rows = await self._store.scan(sql, found.params, limits=LARGE)
        return [
            {
                "provider": row["provider"],
                "model": row["model"],
                "calls": row["calls"],
                "tokens": token_sums(row),
                "first_seen": rfc3339(row["first_ns"]),
                "last_seen": rfc3339(row["last_ns"]),
            }
            for row in rows
        ]

    async def daily(
        self, project: str, since_ns: int, until_ns: int, narrow: Sequence[Mapping[str, Sequence[str]]] = ()
    ) -> list[DayOfUse]:
        """What was traced and used on each day: `days_of_use`."""
        return await days_of_use(self._store, project, since_ns, until_ns, narrow)

    async def days(self, project: str, narrow: CostFilter) -> list[Day]:
        """Every UTC day of the window from the first that has a call, also those in between without any."""
        found = calls(project, narrow)
        start = "start_ns // " + str(DAY_NS) + " * " + str(DAY_NS)
        sql = lines(found.sql, "SELECT", start, "AS day,", SUMS, "FROM calls GROUP BY ALL ORDER BY day")
        rows = {row["day"]: row for row in await self._store.scan(sql, found.params, limits=LARGE)}
        if not rows:
            return []
        return [_day(day, rows.get(day)) for day in range(min(rows), narrow.until_ns, DAY_NS)]

    async def _unmetered(self, project: str, narrow: CostFilter) -> int:
        n = 0
        for asked in unmetered(project, narrow):
            n = int((await self._store.scan(asked.sql, asked.params, limits=LARGE))[0]["n"])
            if n == 0:
                break
        return n

    async def _sums(self, project: str, narrow: CostFilter) -> dict[str, Any]:
        found = calls(project, narrow)
        rows = await self._store.scan(lines(found.sql, "SELECT", SUMS, "FROM calls"), found.params, limits=LARGE)
        return rows[0]

    async def _groups(
        self, project: str, narrow: CostFilter, group_by: str | None, limit: int, bin_ns: int | None
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The `limit` dearest in order, then one row with `place` None for all others; and the course of both.

        One statement: which calls count is found once.
        """
        tagged = group_by == "tag"
        key_sets = await sets_of(self._store, project, [group_by])
        found = calls(project, narrow, None if tagged else group_by, key_sets)
        width = max(bin_ns or narrow.until_ns, 1)
        sql = lines(
            found.sql + ",",
            "b AS MATERIALIZED (" + (_OF_TAGS if tagged else _OF_VALUES) + "), g AS (SELECT value,",
            RESUMS,
            "FROM b GROUP BY value), ranked AS MATERIALIZED",
            "(SELECT *, row_number() OVER (ORDER BY usd DESC NULLS LAST, calls DESC, value) AS rank FROM g)",
            "SELECT CASE WHEN rank <= ? THEN rank END AS place, any_value(value) AS value, count(*) AS groups,",
            "NULL::BIGINT AS bin,",
            RESUMS,
            "FROM ranked GROUP BY place UNION ALL SELECT r.rank, b.value, NULL, b.bin,",
            ", ".join("b." + name for name in SUMMED),
            "FROM b JOIN ranked r ON r.value IS NOT DISTINCT FROM b.value AND r.rank <= ?",
            "UNION ALL SELECT NULL, NULL, NULL, bin,",
            RESUMS,
            "FROM (SELECT b.* FROM b JOIN ranked r ON r.value IS NOT DISTINCT FROM b.value AND r.rank > ?)",
            "GROUP BY bin ORDER BY bin NULLS FIRST, place NULLS LAST",
        )
        shown, hidden = (0, _NO_RANK) if bin_ns is None else (limit, limit)
        rows = await self._store.scan(sql, [*found.params, width, width, limit, shown, hidden], limits=LARGE)
        return [row for row in rows if row["bin"] is None], [row for row in rows if row["bin"] is not None]


_BIN = "start_ns // ? * ? AS bin"
_OF_VALUES = lines("SELECT value,", _BIN + ",", SUMS, "FROM calls GROUP BY ALL")
_OF_TAGS = lines(  # first by the whole list: there are fewer of those than calls, and most tags are of many calls
    "SELECT value, bin,",
    RESUMS,
    "FROM (SELECT " + each_tag("tags") + " AS value, bin,",
    ", ".join(SUMMED),
    "FROM (SELECT tags,",
    _BIN + ",",
    SUMS,
    "FROM calls GROUP BY ALL)) GROUP BY ALL",
)

_NOTHING: dict[str, Any] = dict.fromkeys(
    ("usd", "fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning")
) | {"calls": 0, "unknown": 0}


def _added(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The sum of rows of sums; what is known in none stays unknown."""
    return {name: _sum(row[name] for row in rows) if rows else nothing for name, nothing in _NOTHING.items()}


def _sum(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _bin(name: str | None, narrow: CostFilter) -> int | None:
    if name is None:
        return None
    width = _BINS.get(name)
    if width is None:
        raise InvalidInput("There is no such bin.", field="bin", value=name, fix="use hour or day")
    if (narrow.until_ns - narrow.since_ns) / width > _MOST_BINS:
        raise InvalidInput(f"That would be more than {_MOST_BINS} bins.", field="bin", value=name, fix="use day")
    return width


def _item(row: dict[str, Any], total: dict[str, Any]) -> dict[str, Any]:
    share = row["usd"] / total["usd"] if total["usd"] and row["usd"] is not None else None
    return {"value": row["value"], **_sums_json(row), "share": share}


def _fill_bins(items: Sequence[dict[str, Any]], others: dict[str, Any], bins: Sequence[dict[str, Any]]) -> None:
    """Items stand in the order of their places, which begin at 1."""
    for item in (*items, others):
        item["bins"] = []
    for row in bins:
        whose = others if row["place"] is None else items[row["place"] - 1]
        whose["bins"].append({"start": rfc3339(row["bin"]), **_sums_json(row)})


def _sums_json(row: dict[str, Any]) -> dict[str, Any]:
    return {"calls": row["calls"], "cost": money(row), "tokens": token_sums(row)}


def _day(start_ns: int, row: dict[str, Any] | None) -> Day:
    """A day without calls cost nothing; one whose calls have no price is unknown."""
    return Day(start_ns, 0, 0.0, 0) if row is None else Day(start_ns, row["calls"], row["usd"], row["unknown"])
