"""Reads the spans of one trace, or of the newest traces of a kind, for the graph of their calls."""

import asyncio
from typing import Any

from assay_server.core.errors import NotFound
from assay_server.query.agents.call_graph import call_graph
from assay_server.query.commits import IN_COMMITS, commits_of
from assay_server.query.filters.roots import roots
from assay_server.query.sql import lines
from assay_server.store import Limits, Store, counted

MOST_TRACES = 200
_MOST_SPANS = Limits(rows=100_000, seconds=60)

# LangGraph tells its node in metadata, which each instrumentation puts under a name of its own, some as JSON in text,
# or the name itself as JSON (Langfuse).
_STEP = r"""nullif(regexp_extract(attributes::JSON::VARCHAR, 'langgraph_node\\*":\s*\\*"(?:\\+")?([^"\\]+)', 1), '')"""

_COLUMNS = (
    "trace_id, span_id, parent_id, kind, name, service, scope, model, status, start_ns, end_ns, cost, fresh_input,"
    " cache_read, cache_write, output_tokens, reasoning"
)


class Graphs:
    """Who called what, and what came after what."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def trace(self, project: str, trace_id: str) -> dict[str, Any]:
        """Raises NotFound."""
        rows = await self._spans(project, [trace_id])
        if not rows:
            raise NotFound(f"There is no trace {trace_id}.", field="trace_id", value=trace_id)
        graph = await asyncio.to_thread(call_graph, [rows], ids=True)
        return {"trace_id": trace_id, "name": None, "traces": 1, "matching": 1, "spans": len(rows), **graph}

    async def kind(self, project: str, name: str, since_ns: int, until_ns: int, limit: int) -> dict[str, Any]:
        """The graph over the newest `limit` traces whose root has that name; `matching` says how many there are."""
        found = await self._store.scan(
            lines(
                *("WITH", roots(), "SELECT trace_id, count(*) OVER () AS matching FROM root"),
                "WHERE name = ? ORDER BY start_ns DESC, trace_id LIMIT ?",
            ),
            [project, since_ns, until_ns, name, limit],
        )
        rows = await self._spans(project, [row["trace_id"] for row in found])
        traces: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            traces.setdefault(row["trace_id"], []).append(row)
        graph = await asyncio.to_thread(call_graph, list(traces.values()), ids=False)
        return {
            "trace_id": None,
            "name": name,
            "traces": len(traces),
            "matching": found[0]["matching"] if found else 0,
            "spans": len(rows),
            **graph,
        }

    async def _spans(self, project: str, trace_ids: list[str]) -> list[dict[str, Any]]:
        if not trace_ids:
            return []
        sql = lines(
            "WITH s AS MATERIALIZED (SELECT " + _COLUMNS + ", " + _STEP + " AS step,",
            "  empty_result AS empty FROM spans",
            "  WHERE project = ? AND trace_id IN (SELECT unnest(?::VARCHAR[])) AND " + IN_COMMITS + "),",
            "c AS (SELECT trace_id, span_id FROM (",
            counted("s"),
            "))",
            "SELECT s.*, c.span_id IS NOT NULL AS counts FROM s LEFT JOIN c USING (trace_id, span_id)",
            "ORDER BY start_ns, end_ns DESC, span_id",
        )
        commits = await commits_of(self._store, project, trace_ids)
        return await self._store.scan(sql, [project, trace_ids, commits], limits=_MOST_SPANS)
