"""Spans in the order in which they were stored: for whoever sends them on. Only such with all their content."""

from collections.abc import Sequence
from typing import Any

from assay_server.query.shapes import decoded_json, span_json
from assay_server.store import Limits, Store

_WHOLE = "project = ? AND stored_ns > ? AND (content IS NULL OR content = 'kept')"
_COMMIT = f"SELECT stored_ns, count(*) AS n FROM spans WHERE {_WHOLE} GROUP BY 1 ORDER BY 1 LIMIT 200"  # noqa: S608
_WAITING = f"SELECT count(*) AS n, min(stored_ns) AS oldest_ns FROM spans WHERE {_WHOLE}"  # noqa: S608
_SPANS = f"""
SELECT * REPLACE (attributes::JSON::VARCHAR AS attributes) FROM spans
WHERE {_WHOLE} AND stored_ns <= ? AND key::HUGEINT > ? ORDER BY key LIMIT ?"""  # noqa: S608
_NEWEST = "SELECT max(stored_ns) AS newest FROM spans WHERE project = ?"
_PAGE = 256
_LIMITS = Limits(seconds=60)


class Stored:
    """Reads one project at a time. What sampling holds back or has let go is not among it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def newest(self, project: str) -> int:
        """When the newest span was stored; 0 for none."""
        return (await self._store.scan(_NEWEST, [project]))[0]["newest"] or 0

    async def waiting(self, project: str, after_ns: int) -> tuple[int, int | None]:
        """How many were stored after that moment, and when the oldest of them was."""
        row = (await self._store.scan(_WAITING, [project, after_ns], limits=_LIMITS))[0]
        return row["n"], row["oldest_ns"]

    async def reach(self, project: str, after_ns: int, about: int) -> int | None:
        """A moment such that about so many were stored after `after_ns` and until then; None where nothing was."""
        reached, n = None, 0
        for row in await self._store.scan(_COMMIT, [project, after_ns], limits=_LIMITS):
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


def _document(row: dict[str, Any]) -> dict[str, Any]:
    events = decoded_json(row["events"], [])
    return {**span_json(row), "input": row["input"], "output": row["output"], "events": events}
