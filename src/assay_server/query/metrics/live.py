"""Live traffic: all that is no evaluation run.

A run is often named at a trace's root alone: an application that is evaluated goes on with the trace of the run, and
its own spans know nothing of it. So a span is live when no span of its trace names a run.
"""

from collections.abc import Sequence
from typing import Any

from assay_server.query.dimensions import EDGES
from assay_server.query.sql import Where, lines
from assay_server.store import Store


async def has_runs(store: Store, edges: Sequence[Any]) -> bool:
    """Does any span within the edges name a run? Mostly none does, and then nobody need look through the traces; to
    know that, no more than the statistics of an empty column is read."""
    sql = lines("SELECT 1 AS one FROM spans WHERE", EDGES, "AND run IS NOT NULL LIMIT 1")
    return bool(await store.scan(sql, edges))


def only_live(where: Where, edges: Sequence[Any], *, runs: bool, of: str = "") -> None:
    """Adds the condition. `runs`: what `has_runs` says; `of`: a table's alias and a dot, of spans or judgements."""
    where.add(of + "run IS NULL")
    if runs:
        _of_no_run(where, edges, of=of)


def _of_no_run(where: Where, edges: Sequence[Any], *, of: str = "") -> None:
    """Adds the condition for what tells nothing of runs itself, but its trace."""
    named = lines("(SELECT trace_id FROM spans WHERE", EDGES, "AND run IS NOT NULL)")
    where.add(lines("(" + of + "trace_id IS NULL OR", of + "trace_id NOT IN", named + ")"), *edges)
