"""Which windows that were written have to be written again: what came for them later, costs something else now, or was
taken back."""

from collections.abc import Mapping
from typing import Any

from assay_server.core.clock import Clock
from assay_server.ledger import Ledger
from assay_server.outbound import export_rows as rows
from assay_server.outbound.export_rows import Export
from assay_server.outbound.windows import LENGTH_NS, start_of
from assay_server.query import kept_by
from assay_server.store import Limits, Store

_LATE_NS = 7 * 86_400 * 1_000_000_000
_LIMITS = Limits(seconds=60)

_WINDOW = "start_ns - (start_ns - ?) % ? AS window_ns, max(stored_ns) AS stored_ns"

_CHANGED = {
    "spans": f"SELECT {_WINDOW} FROM spans"  # noqa: S608 (our own text)
    " WHERE project = ? AND stored_ns > ? AND start_ns >= ? AND content IS DISTINCT FROM 'waiting' GROUP BY 1",
    # A trace stands in the window in which it began, wherever its later spans begin.
    "traces": f"SELECT {_WINDOW} FROM (SELECT min(start_ns) AS start_ns, max(stored_ns) AS stored_ns"  # noqa: S608
    " FROM trace_parts WHERE project = ? AND key IN (SELECT key FROM trace_parts WHERE project = ? AND stored_ns > ?)"
    " GROUP BY key) WHERE start_ns >= ? GROUP BY 1",
}
_NEWEST = "SELECT max(stored_ns) AS newest FROM spans WHERE project = ?"


# Nothing says when a score came, but most are given when they come. One that is dated ahead counts when its time has
# come: it would be newer than every file.
_JUDGED = (
    f"SELECT {_WINDOW.replace('stored_ns', 'time_ns')} FROM scores s"  # noqa: S608 (our own text)
    " JOIN (SELECT trace_id, start_ns FROM traces WHERE project = ? AND start_ns >= ?) t USING (trace_id)"
    " WHERE s.project = ? AND s.time_ns > ? AND s.time_ns <= ? GROUP BY 1"
)


async def seen(store: Store, export: Export) -> int:
    """Until when what was stored will be in a file that is begun now, by the store's clock; scores are counted."""
    if export.definition.what == "scores":
        return 0
    return (await store.scan(_NEWEST, [export.project]))[0]["newest"] or 0


async def late_windows(ledger: Ledger, store: Store, clock: Clock, export: Export) -> set[int]:
    """Of the last week, by their starts."""
    since = start_of(export.definition.every, clock.now_ns() - _LATE_NS)
    done = {run.start_ns: run for run in await ledger.read(lambda read: rows.done_since(read, export, since))}
    if not done:
        return set()
    if export.definition.what == "scores":
        counts = await _counts(store, export, since)
        return {start for start, run in done.items() if counts.get(start, 0) != run.rows}
    priced = await ledger.read(lambda read: rows.repriced(read, export, min(run.began_ns for run in done.values())))
    late = {
        start
        for start, run in done.items()
        for ended_ns, since_ns in priced
        if ended_ns > run.began_ns and (since_ns or 0) < run.end_ns
    }
    for row in await _changed(store, export, min(run.seen_ns for run in done.values()), since):
        run = done.get(row["window_ns"])
        if run is not None and row["stored_ns"] > run.seen_ns:
            late.add(run.start_ns)
    return late | await _judged(store, export, done, since, clock.now_ns())


async def _judged(store: Store, export: Export, done: Mapping[int, Any], since_ns: int, now_ns: int) -> set[int]:
    """Windows of traces that were judged since, where that decides what is in a file."""
    if not export.definition.by_scores:
        return set()
    every, began_ns = export.definition.every, min(run.began_ns for run in done.values())
    params = [start_of(every, 0), LENGTH_NS[every], export.project, since_ns, export.project, began_ns, now_ns]
    rows = await store.scan(_JUDGED, params, limits=_LIMITS)
    judged = {row["window_ns"]: row["time_ns"] for row in rows}
    return {start for start, run in done.items() if judged.get(start, 0) > run.began_ns}


async def _changed(store: Store, export: Export, seen_ns: int, since_ns: int) -> list[dict[str, Any]]:
    every, what = export.definition.every, export.definition.what
    projects = [export.project] * (2 if what == "traces" else 1)
    params = [start_of(every, 0), LENGTH_NS[every], *projects, seen_ns, since_ns]
    return await store.scan(_CHANGED[what], params, limits=_LIMITS)


async def _counts(store: Store, export: Export, since_ns: int) -> dict[int, int]:
    """Scores by window. Senders may date them back, and nothing says when one came, so they are counted; fewer than in
    the file were taken back. (Windows of which retention took something are left as they are by whoever asks.)"""
    every, without = export.definition.every, export.definition.left_out()
    narrow = kept_by(export.definition.filter)
    others = [f"{name} IS DISTINCT FROM ?" for name, _ in without]
    where = " AND ".join(["project = ?", "time_ns >= ?", *(f"{name} = ?" for name in narrow), *others])
    sql = f"SELECT time_ns - (time_ns - ?) % ? AS window_ns, count(*) AS n FROM scores WHERE {where} GROUP BY 1"  # noqa: S608 (names that `definition` knows)
    said = [*(values[0] for values in narrow.values()), *(value for _, value in without)]
    params = [start_of(every, 0), LENGTH_NS[every], export.project, since_ns, *said]
    return {row["window_ns"]: row["n"] for row in await store.scan(sql, params, limits=_LIMITS)}
