"""Which spans a list shows: the newest that the filter keeps.

Attributes are read slowly. Where they are asked for, spans are looked through in the order of their start, first the
newest of those that the other conditions keep, then more, then all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay_server.query.filters.spans import SpanFilter
from assay_server.query.key_sets import sets_with
from assay_server.query.shapes import WHOLE
from assay_server.query.sql import Where, by_row, lines
from assay_server.store import Store

_ORDER = "ORDER BY start_ns DESC, span_id DESC"
_WINDOWS = (10_000, 100_000, None)
"""Newest spans: a page that is full of some of them is answered from these."""


@dataclass(slots=True, frozen=True)
class FoundSpans:
    """Rows, newest first, one more than asked for where there are more; `total` is exact or at least so many."""

    rows: list[dict[str, Any]]
    total: int
    exact: bool


async def find_spans(
    store: Store, project: str, narrow: SpanFilter, *, limit: int, after: Sequence[Any] | None, skip: int
) -> FoundSpans:
    """Raises `InvalidInput` for a condition that cannot be read and a place that another list made."""
    key_sets = {name: await sets_with(store, project, [name]) for name in narrow.named}
    where, of_attributes = narrow.conditions(project, key_sets), narrow.of_attributes(key_sets)
    if not of_attributes.conditions:
        total = await _count(store, where)
        return FoundSpans(await _rows(store, _behind(where, after), limit, skip), total, exact=True)
    behind = _behind(where, after)
    for size in _WINDOWS:
        since_ns, whole = await _bound(store, behind, size)
        within = _joined(behind, of_attributes)
        within.add("start_ns >= ?", since_ns)
        rows = await _rows(store, within, limit, skip)
        if whole or len(rows) > limit:
            break
    total = await _count(store, within) if after is None else 0
    return FoundSpans(rows, total, exact=whole and after is None)


async def _bound(store: Store, where: Where, size: int | None) -> tuple[int, bool]:
    """Since when there are so many that the other conditions keep, and whether those are all."""
    newest = "" if size is None else f"{_ORDER} LIMIT {size}"
    sql = lines(
        "SELECT count(*) AS n, coalesce(min(start_ns), 0) AS since_ns",
        *("FROM (SELECT start_ns FROM spans WHERE", str(where), newest, ")"),
    )
    row: Mapping[str, Any] = (await store.scan(sql, where.params))[0]
    return row["since_ns"], size is None or row["n"] < size


async def _rows(store: Store, where: Where, limit: int, skip: int) -> list[dict[str, Any]]:
    most = f"LIMIT {limit + 1} OFFSET {skip}"
    sql = lines(WHOLE, "WHERE", by_row("WHERE", str(where), _ORDER, most), _ORDER)
    return await store.scan(sql, where.params)


async def _count(store: Store, where: Where) -> int:
    rows = await store.scan(lines("SELECT count(*) AS n FROM spans WHERE", str(where)), where.params)
    n: int = rows[0]["n"]
    return n


def _behind(where: Where, after: Sequence[Any] | None) -> Where:
    found = Where([*where.conditions], [*where.params])
    if after is not None:
        found.follows(("start_ns", "span_id"), after, (int, str), "<")
    return found


def _joined(one: Where, other: Where) -> Where:
    return Where([*one.conditions, *other.conditions], [*one.params, *other.params])
