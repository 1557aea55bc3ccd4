"""Rows that the index does not know yet, where they are too many for memory: read plainly, newest first, until there
are enough.

SQL passes over rows that cannot hold the words; what it leaves is taken apart by the rules of the index itself, so
all ways find the same. Rows with letters outside ASCII, or with JSON's escapes, are always taken apart.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from assay_server.store.text.index import Bounds, Found
from assay_server.store.text.texts import ROWS, texts_of, words_in
from assay_server.store.text.words import Wanted, holds

Scan = Callable[[str, Sequence[Any]], Awaitable[list[dict[str, Any]]]]

_CHUNK, _LARGEST_CHUNK = 1_000, 8_000
"""Rows read at once, ever more: what is skipped is looked for again, so that many small chunks take the square."""

_SPAN = (
    "name, status_message, model, provider, service, session, \"user\", release, array_to_string(tags, ' '), input,"
    " output, attributes::JSON::VARCHAR, events"
)


async def read_plainly(scan: Scan, project: str, want: Wanted, bounds: Bounds, after_ns: int, limit: int) -> Found:
    """Traces with rows stored after `after_ns` that hold what is wanted."""
    if want.nowhere:
        return Found([], complete=True)
    sql, params = _candidates(project, want, bounds, after_ns)
    found: dict[tuple[int, str], None] = {}
    offset, chunk = 0, _CHUNK
    while True:
        rows = await scan(f"{sql} LIMIT {chunk} OFFSET {offset}", params)
        for row in rows:
            trace = (row["start_ns"], row["trace_id"])
            if trace not in found and any(holds(words_in(text), want) for text in texts_of(row)):
                found[trace] = None
                if len(found) > limit:
                    return Found(list(found)[:limit], complete=False)
        if len(rows) < chunk:
            return Found(list(found), complete=True)
        offset, chunk = offset + chunk, min(4 * chunk, _LARGEST_CHUNK)


def _candidates(project: str, want: Wanted, bounds: Bounds, after_ns: int) -> tuple[str, list[Any]]:
    words = [word for phrase in want.phrases for word in phrase.words if word.isascii()]
    spans, events = _may_hold(_SPAN, len(words)), _may_hold("data", len(words))
    narrow = [project, *words]
    conditions, values = _bounded(bounds)
    narrowed = {"spans": f"AND project = ? AND {spans}", "events": f"AND project = ? AND {events}"}
    rows = ROWS.format(**narrowed, traces="traces")
    sql = f"SELECT * FROM ({rows}) WHERE {conditions} ORDER BY start_ns DESC, trace_id DESC, stored_ns"  # noqa: S608
    window = [after_ns, 1 << 62]
    return sql, [*window, *narrow, *window, *narrow, *values]


def _may_hold(columns: str, words: int) -> str:
    """A condition over one row; its parameters are the words, all in ASCII.

    A lambda names the row's text without a sub-select, which would have DuckDB read every row there is.
    """
    holds_all = " AND ".join(["contains(hay, ?)"] * words) or "true"
    passes = f"({holds_all}) OR strlen(hay) <> length(hay) OR contains(hay, '\\u')"
    return f"list_transform([lower(concat_ws(chr(10), {columns}))], lambda hay: {passes})[1]"


def _bounded(bounds: Bounds) -> tuple[str, list[Any]]:
    conditions: list[str] = ["true"]
    values: list[Any] = []
    for condition, value in (("start_ns >= ?", bounds.since_ns), ("start_ns < ?", bounds.until_ns)):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if bounds.within is not None:
        conditions.append("trace_id IN (SELECT unnest(?::VARCHAR[]))")
        values.append(list(bounds.within))
    return " AND ".join(conditions), values


BEHIND = """
SELECT count(*) AS n, min(stored_ns) AS oldest_ns FROM (
    SELECT stored_ns FROM spans WHERE project = ? AND stored_ns > ? UNION ALL
    SELECT stored_ns FROM events
    WHERE project = ? AND stored_ns > ? AND trace_id IS NOT NULL AND kind IN ('content', 'log'))
"""
"""Rows that are not indexed yet. Parameters, twice: project, the `stored_ns` up to which rows are."""

MOST_READ = 60_000
"""Rows: half a minute of 2,000 a second. Where the index knows less, it is being made, and only the newest are read."""

NEWEST_UNREAD = f"""
SELECT stored_ns FROM (
    SELECT stored_ns FROM spans WHERE stored_ns > ? UNION ALL
    SELECT stored_ns FROM events WHERE stored_ns > ? AND trace_id IS NOT NULL AND kind IN ('content', 'log'))
ORDER BY stored_ns DESC LIMIT 1 OFFSET {MOST_READ}
"""  # noqa: S608
"""No row where there are no more than that. Parameters: the `stored_ns` up to which rows are indexed, twice."""
