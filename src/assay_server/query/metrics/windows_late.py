"""Spans that came after a moment, of a window before it: their sender's clock is behind, or it kept them."""

from collections.abc import Sequence

from assay_server.query.sql import lines
from assay_server.store import Limits, Store

_LIMITS = Limits(seconds=60)

_W = "WITH w AS (SELECT unnest(?::BIGINT[]) since_ns, unnest(?::BIGINT[]) until_ns, unnest(?::BIGINT[]) told_ns)"


async def came_late(store: Store, project: str, windows: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
    """How many spans ended in each of these (since, until, told) and were stored later than `told`; none is left out.

    Windows may not overlap. Only rows stored since the earliest `told` are read.
    """
    if not windows:
        return {}
    since, until, told = ([each[at] for each in windows] for at in range(3))
    sql = lines(
        _W,
        "SELECT w.since_ns, w.until_ns, count(*) AS n FROM spans s JOIN w",
        "ON s.end_ns >= w.since_ns AND s.end_ns < w.until_ns AND s.stored_ns > w.told_ns",
        "WHERE s.project = ? AND s.stored_ns > ? AND s.end_ns >= ? AND s.end_ns < ? GROUP BY ALL",
    )
    params = [since, until, told, project, min(told), min(since), max(until)]
    rows = await store.scan(sql, params, limits=_LIMITS)
    return {(row["since_ns"], row["until_ns"]): row["n"] for row in rows}
