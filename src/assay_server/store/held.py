"""Content that waits for a decision: in `held`, beside thin rows in `spans`, until it takes their place or goes.

Everything here is a part of one transaction: a kill leaves the state before it or the one after.
"""

from collections.abc import Sequence
from dataclasses import replace

import duckdb
import numpy as np

from assay_server.core.records import Span
from assay_server.store.columns import SPANS
from assay_server.store.key_sets import KeySets
from assay_server.store.schema import PART_KEY
from assay_server.store.seen import Keys
from assay_server.store.settled import unsettle_long
from assay_server.store.transactions import transaction

_DUE = "SELECT h.key FROM held h WHERE h.project = ? AND h.trace_id IN (SELECT unnest(?::VARCHAR[]))"

_RESTORED_PARTS = (
    f"INSERT INTO trace_parts SELECT {PART_KEY}, project, trace_id, min(start_ns), max(end_ns), 0, 0, 0, stored_ns"  # noqa: S608
    " FROM restored GROUP BY project, trace_id, stored_ns"
)
"""The commit in which they are restored: a part that counts nothing, since they were counted when they came."""


def thinned(spans: Sequence[Span]) -> Sequence[Span]:
    """As they are stored in `spans`."""
    if all(span.thin is None for span in spans):
        return spans
    return [span if span.thin is None else _without_content(span, span.thin.attributes) for span in spans]


def hold(
    connection: duckdb.DuckDBPyConnection, spans: Sequence[Span], keys: Keys, stored_ns: int, sets: KeySets
) -> None:
    """Puts those aside whose content waits, whole."""
    waiting = np.array([span.thin is not None and span.thin.fate == "waiting" for span in spans], dtype=np.bool_)
    if not waiting.any():
        return
    whole = [replace(span, thin=None) for span in spans if span.thin is not None and span.thin.fate == "waiting"]
    rows = sets.bounded(SPANS.batch(whole, keys[waiting].tolist()))  # noqa: F841  (DuckDB finds it by name)
    connection.execute(f"INSERT INTO held BY NAME SELECT {SPANS.select}, {stored_ns} AS stored_ns FROM rows")  # noqa: S608


def decide(
    connection: duckdb.DuckDBPyConnection,
    project: str,
    kept: Sequence[str],
    let_go: Sequence[str],
    since_ns: int,
    stored_ns: int,
) -> int:
    """Ends the waiting of these traces; how many spans were let go. Their rows started at `since_ns` or later.

    A row that was deleted meanwhile does not come back, and one that was priced anew keeps its price.
    """
    with transaction(connection):
        _restore(connection, project, kept, since_ns, stored_ns)
        gone = _let_go(connection, project, let_go, since_ns)
        both = [*kept, *let_go]
        connection.execute(f"DELETE FROM held WHERE key IN ({_DUE})", [project, both])  # noqa: S608
    return gone


def _restore(
    connection: duckdb.DuckDBPyConnection, project: str, kept: Sequence[str], since_ns: int, stored_ns: int
) -> None:
    """Puts the whole in the place of its thin row, as something new, so that it is indexed and sent on."""
    if not kept:
        return
    thin = f"key IN ({_DUE}) AND project = ? AND start_ns >= ? AND content = 'waiting'"
    row = f"h.* EXCLUDE (cost, cost_source, stored_ns, content), s.cost, s.cost_source, {stored_ns} AS stored_ns"
    source = f"held h JOIN (SELECT key, cost, cost_source FROM spans WHERE {thin}) s USING (key)"  # noqa: S608
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE restored AS SELECT {row}, 'kept' AS content FROM {source}",  # noqa: S608
        [project, list(kept), project, since_ns],
    )
    connection.execute(f"DELETE FROM spans WHERE {thin}", [project, list(kept), project, since_ns])  # noqa: S608
    connection.execute("INSERT INTO spans BY NAME SELECT * FROM restored")
    connection.execute(_RESTORED_PARTS)
    unsettle_long(connection, f"SELECT {PART_KEY} FROM restored")  # noqa: S608
    connection.execute("DROP TABLE restored")


def _let_go(connection: duckdb.DuckDBPyConnection, project: str, let_go: Sequence[str], since_ns: int) -> int:
    if not let_go:
        return 0
    changed = connection.execute(
        f"UPDATE spans SET content = 'let_go' WHERE key IN ({_DUE})"  # noqa: S608
        " AND project = ? AND start_ns >= ? AND content = 'waiting'",
        [project, list(let_go), project, since_ns],
    ).fetchone()
    return int(changed[0]) if changed else 0


def _without_content(span: Span, attributes: dict[str, object]) -> Span:
    return replace(span, input=None, output=None, attributes=attributes, events=[])
