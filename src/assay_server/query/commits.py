"""In which commits the spans of traces were stored: so they are read without looking at all there are."""

from collections.abc import Sequence

from assay_server.store import Limits, Store, part_key

IN_COMMITS = "stored_ns IN (SELECT unnest(?::BIGINT[]))"

_COMMITS = (
    "SELECT stored_ns, sum(spans)::BIGINT AS spans FROM trace_parts WHERE key IN (SELECT unnest(?::UBIGINT[]))"
    " GROUP BY stored_ns"
)
_MANY = Limits(rows=2_000_000, seconds=60)


async def commits_of(store: Store, project: str, trace_ids: Sequence[str]) -> list[int]:
    """Every `stored_ns` of their spans, perhaps others: so rows are found without reading all there are."""
    return (await commits_and_length(store, project, trace_ids))[0]


async def commits_and_length(store: Store, project: str, trace_ids: Sequence[str]) -> tuple[list[int], int]:
    """The same, and how many spans there are in all."""
    keys = [part_key(project, trace_id) for trace_id in trace_ids]
    rows = await store.scan(_COMMITS, [keys], limits=_MANY)
    return [row["stored_ns"] for row in rows], sum(row["spans"] for row in rows)
