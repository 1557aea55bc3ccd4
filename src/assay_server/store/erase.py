"""What is taken away from stored facts: whole rows, or the text of a row. Each function is one transaction.

Taken away is taken away for every reader at once. The bytes are gone when the store has been rewritten (`rewriting`).
"""

from collections.abc import Sequence
from typing import Any

import duckdb

from assay_server.store import settled
from assay_server.store.changes import Doomed, Thinned
from assay_server.store.derived import ERROR_TYPE, encode
from assay_server.store.schema import PART_KEY, parts_of_stored
from assay_server.store.transactions import transaction

_CLOSE, _MOST_RANGES = 100_000, 20

_TEXTS = {
    "spans": ("status_message", "attributes", "events", "links"),
    "scores": ("reason", "metadata"),
    "events": ("data",),
}
"""What of a row is replaced by what remains of it; input and output of a span go as a whole."""


def erase(connection: duckdb.DuckDBPyConnection, project: str, doomed: Sequence[Doomed]) -> dict[str, int]:
    """Rows removed by table. Traces that lost spans are counted anew; those that lost all are gone."""
    removed: dict[str, int] = {}
    with transaction(connection):
        for each in doomed:
            found = (
                _erase_spans(connection, project, each) if each.table == "spans" else _erase(connection, project, each)
            )
            for table, n in found.items():
                removed[table] = removed.get(table, 0) + n
    return removed


def let_go(connection: duckdb.DuckDBPyConnection, project: str, rows: Sequence[Thinned], now_ns: int) -> int:
    """Replaces the text of rows of one table by what remains of it; how many rows that were."""
    if not rows:
        return 0
    with transaction(connection):
        return _let_go(connection, project, rows, now_ns)


def _let_go(connection: duckdb.DuckDBPyConnection, project: str, rows: Sequence[Thinned], now_ns: int) -> int:
    """What waits beside a span goes as well: a later decision must not bring it back."""
    table = rows[0].table
    thin = _batch(table, rows)  # noqa: F841  (DuckDB finds it by name)
    theirs = f"SELECT rowid FROM {table} WHERE project = ? AND key IN (SELECT unnest(?::UBIGINT[]))"  # noqa: S608
    params = [project, [row.key for row in rows]]
    changes = [f"{name} = thin.{name}" for name in _TEXTS[table]]
    if table == "spans":
        changes = [
            "input = NULL",
            "output = NULL",
            "request_key = NULL",
            "moved = NULL",
            "content = nullif(content, 'waiting')",
            *changes,
        ]
        changes += [f"{name} = CASE WHEN {name} IS NOT NULL THEN '' END" for name in ("input_head", "output_head")]
        changes = [change.replace("thin.attributes", "thin.attributes::JSON::VARIANT") for change in changes]
        connection.execute("DELETE FROM held WHERE project = ? AND key IN (SELECT key FROM thin)", [project])
    count = 0
    for within in _places(connection, theirs, params):
        changed = connection.execute(
            f"UPDATE {table} SET {', '.join(changes)}, let_go_ns = {int(now_ns)}, kept_days = thin.kept_days FROM thin"  # noqa: S608
            f" WHERE {table}.{within} AND {table}.key = thin.key AND {table}.project = ? AND {table}.let_go_ns IS NULL",
            [project],
        ).fetchone()
        count += int(changed[0]) if changed else 0
    if table == "spans":  # it may have been the beginning of a message that is no more
        failed = f"{theirs} AND status = 'error'"
        for within in _places(connection, failed, params):  # new ones: a row that is changed moves to the end
            connection.execute(
                f"UPDATE spans SET error_type = {ERROR_TYPE} WHERE {within} AND rowid IN ({failed})",  # noqa: S608
                params,
            )
    return count


def _places(connection: duckdb.DuckDBPyConnection, found: str, params: Sequence[Any]) -> list[str]:
    """Conditions on the places that a SELECT finds. An update reads every column of the rows that
    the engine cannot pass over, and it can by their place, not by their key."""
    rows = connection.execute(f"{found} ORDER BY rowid", list(params)).fetchall()
    return [f"rowid BETWEEN {first} AND {last}" for first, last in ranges([place for (place,) in rows])]


def ranges(places: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of ascending rowids that stand close to each other; of many such groups, of all together.

    What is let go came at about the same time, and most of it stands together.
    """
    found: list[tuple[int, int]] = []
    for place in places:
        if found and place - found[-1][1] <= _CLOSE:
            found[-1] = found[-1][0], place
        else:
            found.append((place, place))
    return found if len(found) <= _MOST_RANGES else [(places[0], places[-1])]


def _erase(connection: duckdb.DuckDBPyConnection, project: str, doomed: Doomed) -> dict[str, int]:
    sql = f"DELETE FROM {doomed.table} WHERE project = ? AND ({doomed.where})"  # noqa: S608 (our rooms' conditions)
    return {doomed.table: _count(connection, sql, [project, *doomed.params])}


def _erase_spans(connection: duckdb.DuckDBPyConnection, project: str, doomed: Doomed) -> dict[str, int]:
    """With what waits beside them (`held`), and with the rows that tell of their traces."""
    params = [project, *doomed.params]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT project, trace_id FROM spans"  # noqa: S608
        f" WHERE project = ? AND ({doomed.where})",
        params,
    )
    held = _count(connection, f"DELETE FROM held WHERE project = ? AND ({doomed.where})", params)  # noqa: S608
    spans = _count(connection, f"DELETE FROM spans WHERE project = ? AND ({doomed.where})", params)  # noqa: S608
    of_touched = "WHERE project = ? AND trace_id IN (SELECT trace_id FROM touched)"
    connection.execute(f"DELETE FROM trace_parts {of_touched}", [project])  # noqa: S608
    connection.execute(parts_of_stored(of_touched.removeprefix("WHERE ")), [project])
    settled.unsettle(connection, f"SELECT {PART_KEY} FROM touched")  # noqa: S608
    traces = _count(
        connection,
        f"DELETE FROM traces {of_touched} AND trace_id NOT IN (SELECT trace_id FROM trace_parts {of_touched})",  # noqa: S608
        [project, project],
    )
    of_project = "FROM {} WHERE project = $1"
    used = " UNION ".join(f"SELECT key_set {of_project.format(table)}" for table in ("spans", "held"))
    connection.execute(f"DELETE {of_project.format('key_sets')} AND key NOT IN ({used})", [project])
    return {"spans": spans, "traces": traces, "held": held}


def _count(connection: duckdb.DuckDBPyConnection, sql: str, params: Sequence[Any]) -> int:
    row = connection.execute(sql, list(params)).fetchone()
    return int(row[0]) if row else 0


def _batch(table: str, rows: Sequence[Thinned]) -> Any:
    import pyarrow as pa

    texts = {name: pa.array([_text(row.remains.get(name)) for row in rows], pa.string()) for name in _TEXTS[table]}
    keys = pa.array([row.key for row in rows], pa.uint64())
    return pa.table({"key": keys, "kept_days": pa.array([row.kept_days for row in rows], pa.int32()), **texts})


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else encode(value)
