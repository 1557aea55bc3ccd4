"""New prices of stored spans, in place."""

from collections.abc import Sequence

import duckdb

from assay_server.store import settled
from assay_server.store.changes import Priced
from assay_server.store.columns import prices_batch
from assay_server.store.transactions import transaction


def reprice(connection: duckdb.DuckDBPyConnection, project: str, prices: Sequence[Priced]) -> int:
    """All or none; how many spans cost something else now. What their client said they cost stays."""
    with transaction(connection):
        return _reprice(connection, project, prices)


def _reprice(connection: duckdb.DuckDBPyConnection, project: str, prices: Sequence[Priced]) -> int:
    rows = prices_batch(project, prices)  # noqa: F841  (DuckDB finds it by name)
    connection.execute("CREATE OR REPLACE TEMP TABLE priced AS FROM rows")
    changed = connection.execute(
        "UPDATE spans SET cost = rows.cost, cost_source = rows.cost_source FROM priced rows"
        " WHERE spans.key = rows.key AND spans.project = rows.project AND spans.trace_id = rows.trace_id"
        " AND spans.span_id = rows.span_id AND spans.cost_source IS DISTINCT FROM 'client'"
        " AND (spans.cost, spans.cost_source) IS DISTINCT FROM (rows.cost, rows.cost_source)"
    ).fetchone()
    count = int(changed[0]) if changed else 0
    if count:
        settled.reprice(connection, "priced")
    connection.execute("DROP TABLE priced")
    return count
