"""A week of a million spans, multiplied: the same texts under other ids, minutes apart, in the order of time.

Written in SQL, because making ten million spans one by one takes an hour.
"""

import shutil
from pathlib import Path

import duckdb

from assay_server.store import Settings, trace_key

_SLICE_NS = 3_600_000_000_000
_MINUTE_NS = 60_000_000_000

_NEW_TRACE = "md5(concat(trace_id, copy))"
_NEW_SPAN = "CASE WHEN {0} IS NULL THEN NULL ELSE left(md5(concat({0}, copy)), 16) END"
_LATER = f"copy * {_MINUTE_NS}"

_COPIES = {
    "spans": f"""* EXCLUDE (copy) REPLACE (hash(key, copy) AS key, {_NEW_TRACE} AS trace_id,
        {_NEW_SPAN.format("span_id")} AS span_id, {_NEW_SPAN.format("parent_id")} AS parent_id,
        start_ns + {_LATER} AS start_ns, end_ns + {_LATER} AS end_ns, stored_ns + copy AS stored_ns)""",
    "traces": f"""* EXCLUDE (copy) REPLACE (hash(key, copy) AS key, {_NEW_TRACE} AS trace_id,
        start_ns + {_LATER} AS start_ns, stored_ns + copy AS stored_ns)""",
    "trace_parts": f"""* EXCLUDE (copy) REPLACE (
        md5_number_lower(concat(project, chr(31), {_NEW_TRACE})) AS key, {_NEW_TRACE} AS trace_id,
        start_ns + {_LATER} AS start_ns, end_ns + {_LATER} AS end_ns, stored_ns + copy AS stored_ns)""",
    "scores": f"""* EXCLUDE (copy) REPLACE (hash(key, copy) AS key, concat(id, '_', copy) AS id,
        {_NEW_TRACE} AS trace_id, time_ns + {_LATER} AS time_ns)""",
}
_TIME = {"scores": "time_ns"}


def multiply(folder: Path, copies: int) -> None:
    """Adds `copies` - 1 copies of all that stands in the store, which nobody may hold."""
    connection = duckdb.connect(":memory:", config={"memory_limit": "4GB", "threads": 2, "max_vacuum_tasks": 0})
    file = next(iter(sorted(folder.glob("facts*.duckdb"))))
    fresh = folder / "multiplied.duckdb"
    connection.execute(f"ATTACH '{file}' AS old")
    connection.execute(f"ATTACH '{fresh}' AS new (ROW_GROUP_SIZE {Settings().row_group_size})")
    # What follows from the spans is left to the store: it makes the tables anew, and settles all of it.
    facts = "SELECT sql FROM duckdb_tables() WHERE database_name = 'old' AND NOT contains(table_name, 'settled')"
    for (statement,) in connection.execute(facts).fetchall():
        connection.execute(statement.replace("CREATE TABLE ", "CREATE TABLE new.", 1))
    for table, columns in _COPIES.items():
        time = _TIME.get(table, "start_ns")
        first, last = connection.execute(f"SELECT min({time}), max({time}) FROM old.{table}").fetchall()[0]
        for start in range(first, last + 1, _SLICE_NS):
            connection.execute(
                f"INSERT INTO new.{table} SELECT {columns} FROM old.{table}, range({copies}) AS c(copy)"
                f" WHERE {time} >= {start} AND {time} < {start + _SLICE_NS} ORDER BY {time}"
            )
    connection.execute("INSERT INTO new.key_sets SELECT * FROM old.key_sets")  # copies have the names of the first
    _keyed(connection)
    connection.execute("CHECKPOINT new")
    connection.close()
    fresh.replace(file)
    shutil.rmtree(folder / "text")  # the copies came in the commits that it knows: it is made anew


def _keyed(connection: duckdb.DuckDBPyConnection) -> None:
    """The rows of traces are looked up by their key, which SQL cannot make."""
    import pyarrow as pa

    found = connection.execute("SELECT project, trace_id FROM new.traces").fetchall()
    keys = pa.table(  # noqa: F841  (DuckDB finds it by name)
        {
            "trace_id": [trace_id for _, trace_id in found],
            "key": pa.array([trace_key(project, trace_id) for project, trace_id in found], pa.uint64()),
        }
    )
    connection.execute("CREATE TEMP TABLE keyed AS SELECT t.* REPLACE (k.key AS key) FROM new.traces t JOIN keys k"
                       " USING (trace_id) ORDER BY t.start_ns")  # fmt: skip
    connection.execute("DELETE FROM new.traces")
    connection.execute("INSERT INTO new.traces SELECT * FROM keyed")
