"""Spans and log records in the order in which they were stored: for whoever sends them on. Only spans with all their
content, and only records whose text is still there."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.query.shapes import WHOLE, decoded_json, span_json
from assay_server.store import Limits, Store

_WHOLE = "project = ? AND stored_ns > ? AND (content IS NULL OR content = 'kept')"
_COMMIT = f"SELECT stored_ns, count(*) AS n FROM spans WHERE {_WHOLE} GROUP BY 1 ORDER BY 1 LIMIT 200"  # noqa: S608
_WAITING = f"SELECT count(*) AS n, min(stored_ns) AS oldest_ns FROM spans WHERE {_WHOLE}"  # noqa: S608
_SPANS = f"""
{WHOLE}
WHERE {_WHOLE} AND stored_ns <= ? AND key::HUGEINT > ? ORDER BY key LIMIT ?"""
_LOGS = "project = ? AND stored_ns > ? AND kind IN ('content', 'log') AND let_go_ns IS NULL"
_BOTH = f"""
SELECT stored_ns, sum(n)::BIGINT AS n FROM (
  SELECT stored_ns, count(*) AS n FROM spans WHERE {_WHOLE} GROUP BY 1
  UNION ALL SELECT stored_ns, count(*) FROM events WHERE {_LOGS} GROUP BY 1
) GROUP BY 1 ORDER BY 1 LIMIT 200"""  # noqa: S608
_RECORDS = f"""
SELECT * FROM events WHERE {_LOGS} AND stored_ns <= ? AND key::HUGEINT > ? ORDER BY key LIMIT ?"""  # noqa: S608
_RECORDS_OF = f"""
SELECT * FROM events WHERE {_LOGS} AND stored_ns <= ? AND trace_id IN (SELECT unnest(?::VARCHAR[]))
AND span_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY time_ns, key"""  # noqa: S608
_SPANS_OF = f"""
{WHOLE} WHERE {_WHOLE} AND stored_ns <= ?
AND trace_id IN (SELECT unnest(?::VARCHAR[])) AND span_id IN (SELECT unnest(?::VARCHAR[]))"""
_NEWEST = (
    "SELECT greatest((SELECT max(stored_ns) FROM spans WHERE project = ?),"
    " (SELECT max(stored_ns) FROM events WHERE project = ?)) AS newest"
)
_BEFORE_ALL = -1
_PAGE = 256
_LIMITS = Limits(seconds=60)
_MANY = Limits(rows=200_000, seconds=60)


class Stored:
    """Reads one project at a time. What sampling holds back or has let go is not among it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def newest(self, project: str) -> int:
        """When the newest span or log record was stored; 0 for none."""
        return (await self._store.scan(_NEWEST, [project, project]))[0]["newest"] or 0

    async def waiting(self, project: str, after_ns: int) -> tuple[int, int | None]:
        """How many were stored after that moment, and when the oldest of them was."""
        row = (await self._store.scan(_WAITING, [project, after_ns], limits=_LIMITS))[0]
        return row["n"], row["oldest_ns"]

    async def reach(self, project: str, after_ns: int, about: int, *, logs: bool = False) -> int | None:
        """A moment such that about so many spans (with `logs`, or records) were stored after `after_ns` and until then;
        None where nothing was."""
        reached, n = None, 0
        sql, params = (_BOTH, [project, after_ns] * 2) if logs else (_COMMIT, [project, after_ns])
        for row in await self._store.scan(sql, params, limits=_LIMITS):
            reached, n = row["stored_ns"], n + row["n"]
            if n >= about:
                break
        return reached

    async def page(
        self, project: str, after_ns: int, until_ns: int, after_key: int = -1
    ) -> tuple[Sequence[dict[str, Any]], int | None]:
        """Span documents with texts and events as they are stored, and the key after which the next page begins."""
        rows = await self._store.scan(_SPANS, [project, after_ns, until_ns, after_key, _PAGE], limits=_LIMITS)
        return [_document(row) for row in rows], rows[-1]["key"] if len(rows) == _PAGE else None

    async def records(
        self, project: str, after_ns: int, until_ns: int, after_key: int = -1
    ) -> tuple[Sequence[dict[str, Any]], int | None]:
        """Log records as they were sent, and the key after which the next page begins."""
        rows = await self._store.scan(_RECORDS, [project, after_ns, until_ns, after_key, _PAGE], limits=_LIMITS)
        return [_record(row) for row in rows], rows[-1]["key"] if len(rows) == _PAGE else None

    async def records_of(
        self, project: str, spans: Sequence[Mapping[str, Any]], until_ns: int
    ) -> Sequence[dict[str, Any]]:
        """Those that name these spans and were stored until a moment."""
        named = _named(spans)
        rows = await self._store.scan(_RECORDS_OF, [project, _BEFORE_ALL, until_ns, *_ids(named)], limits=_MANY)
        return [_record(row) for row in rows if (row["trace_id"], row["span_id"]) in named]

    async def spans_of(
        self, project: str, records: Sequence[Mapping[str, Any]], until_ns: int
    ) -> Mapping[tuple[str, str], dict[str, Any]]:
        """The spans that these records name and that were stored until a moment, by trace and span."""
        named = _named(records)
        rows = await self._store.scan(_SPANS_OF, [project, _BEFORE_ALL, until_ns, *_ids(named)], limits=_LIMITS)
        found = {(row["trace_id"], row["span_id"]): _document(row) for row in rows}
        return {place: span for place, span in found.items() if place in named}


def _named(rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {(row["trace_id"], row["span_id"]) for row in rows if row["trace_id"] and row["span_id"]}


def _ids(named: set[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [trace_id for trace_id, _ in named], [span_id for _, span_id in named]


def _record(row: dict[str, Any]) -> dict[str, Any]:
    said = decoded_json(row["data"], {})
    empty: dict[str, Any] = {
        "name": None,
        "severity": None,
        "body": None,
        "scope": None,
        "attributes": {},
        "resource": {},
    }
    told = {name: said.get(name, otherwise) for name, otherwise in empty.items()}
    return {"trace_id": row["trace_id"], "span_id": row["span_id"], "time_ns": row["time_ns"], **told}


def _document(row: dict[str, Any]) -> dict[str, Any]:
    events = decoded_json(row["events"], [])
    return {**span_json(row), "input": row["input"], "output": row["output"], "events": events}
