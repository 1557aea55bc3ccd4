"""Which traces a removal touches: what is indexed of them has to be looked up anew."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from assay_server.store.changes import Doomed, Thinned

Scan = Callable[[str, Sequence[Any]], Awaitable[list[dict[str, Any]]]]

_INDEXED = ("spans", "events")


async def traces_of(scan: Scan, project: str, doomed: Sequence[Doomed]) -> list[str]:
    """Ids of the traces whose spans or log records are meant."""
    found: dict[str, None] = {}
    for each in doomed:
        if each.table in _INDEXED:
            sql = f"SELECT DISTINCT trace_id FROM {each.table} WHERE project = ? AND ({each.where})"  # noqa: S608
            rows = await scan(sql, [project, *each.params])
            found |= dict.fromkeys(row["trace_id"] for row in rows if row["trace_id"] is not None)
    return list(found)


async def traces_of_rows(scan: Scan, project: str, rows: Sequence[Thinned]) -> list[str]:
    """The same of rows that are told by their keys, all of one table."""
    if not rows:
        return []
    keys = [row.key for row in rows]
    return await traces_of(scan, project, [Doomed(rows[0].table, "key IN (SELECT unnest(?::UBIGINT[]))", (keys,))])
