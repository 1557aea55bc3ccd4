"""The way in for facts: what is already stored is left out, the rest goes to disk in one transaction."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb
import numpy as np

from assay_server.core.records import Facts
from assay_server.store.columns import EVENTS, RUN_ITEMS, SCORES, SPANS, TRACES, Table
from assay_server.store.copying import roll_back
from assay_server.store.faults import is_durable, wrapped
from assay_server.store.held import hold, thinned
from assay_server.store.parts import TRACE_PARTS, parts_of
from assay_server.store.protocol import Appended
from assay_server.store.seen import Keys, Seen, keys_array

_KNOWN_ONCE = (SPANS, TRACES, SCORES, RUN_ITEMS, EVENTS)
"""Tables whose rows are stored once, whatever is sent again."""


@dataclass(slots=True)
class _Batch:
    table: Table
    records: Sequence[Any]
    keys: Keys
    duplicates: int = 0


class Appending:
    """Belongs to the writer's thread, with the writer's connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Reads the keys of what is stored: no row of it is written twice."""
        self._connection = connection
        self._seen = {table.name: Seen(_stored_keys(connection, table)) for table in _KNOWN_ONCE}
        self.last_stamp = _newest_commit(connection)
        """When the newest commit was made; 0 in an empty store."""

    def stamp(self) -> int:
        """When a commit is made, nanoseconds since the epoch; never goes back, even when the clock does."""
        self.last_stamp = max(self.last_stamp + 1, time.time_ns())
        return self.last_stamp

    def append(self, facts: Facts) -> Appended:
        spans = self._new(SPANS, facts.spans)
        parts = parts_of(spans.records)
        roots = self._new(TRACES, parts)
        scores = self._new(SCORES, facts.scores)
        run_items = self._new(RUN_ITEMS, facts.run_items)
        events = self._new(EVENTS, facts.events)
        fresh = [batch for batch in (spans, roots, scores, run_items, events) if batch.records]
        if fresh:
            keys = keys_array(part.key for part in parts)
            wrapped(partial(self._commit, [*fresh, _Batch(TRACE_PARTS, parts, keys)] if parts else fresh))
        for batch in fresh:
            self._seen[batch.table.name].add(batch.keys)
        stored = Facts(list(spans.records), list(scores.records), list(run_items.records), list(events.records))
        return Appended(stored, sum(batch.duplicates for batch in (spans, scores, run_items, events)))

    def _commit(self, batches: Sequence[_Batch]) -> None:
        connection, stamp = self._connection, self.stamp()
        connection.execute("BEGIN")
        try:
            for batch in batches:
                self._insert(batch, stamp)
            connection.execute("COMMIT")
        except duckdb.IOException as error:
            roll_back(connection)
            if not is_durable(error):  # otherwise only the checkpoint behind it failed
                raise
        except BaseException:
            roll_back(connection)
            raise

    def _insert(self, batch: _Batch, stamp: int) -> None:
        table, records = batch.table, batch.records
        if table is SPANS:
            records = thinned(batch.records)
            if records is not batch.records:
                hold(self._connection, batch.records, batch.keys, stamp)
        rows = table.batch(records, batch.keys)  # noqa: F841  (DuckDB finds it by name)
        stored = f", {stamp} AS stored_ns" if table.stamped else ""
        # Nobody wants the answer. But an INSERT that gives one is not split up for several threads, which for a few
        # hundred rows costs half as much again (400 rows: 6.6 ms of CPU, and 4.2 with an answer).
        self._connection.execute(
            f"INSERT INTO {table.name} BY NAME SELECT {table.select}{stored} FROM rows RETURNING 1"  # noqa: S608
        ).fetchall()

    def _new(self, table: Table, records: Sequence[Any]) -> _Batch:
        """The records that are neither in the store nor twice in the batch; the first of equals stays."""
        distinct: dict[tuple[str, ...], Any] = {}
        for record in records:
            distinct.setdefault(table.identity(record), record)
        keys = keys_array(table.key(identity) for identity in distinct)
        perhaps = self._seen[table.name].perhaps(keys)
        if perhaps.any():
            known = wrapped(partial(self._stored_identities, table, keys[perhaps].tolist()))
            kept = [identity not in known for identity in distinct]
            keys = keys[np.array(kept, dtype=np.bool_)]
            distinct = {identity: record for identity, record in distinct.items() if identity not in known}
        return _Batch(table, list(distinct.values()), keys, len(records) - len(distinct))

    def _stored_identities(self, table: Table, keys: list[int]) -> set[tuple[str, ...]]:
        columns = ", ".join(f"{column}::VARCHAR" for column in table.identity_columns)
        found = self._connection.execute(
            f"SELECT {columns} FROM {table.name} WHERE key IN (SELECT unnest(?::UBIGINT[]))",  # noqa: S608
            [keys],
        )
        return set(found.fetchall())


def _newest_commit(connection: duckdb.DuckDBPyConnection) -> int:
    found = connection.execute(
        "SELECT max(n) FROM (SELECT max(stored_ns) AS n FROM spans UNION ALL SELECT max(stored_ns) FROM events)"
    ).fetchone()
    return int(found[0] or 0) if found else 0


def _stored_keys(connection: duckdb.DuckDBPyConnection, table: Table) -> Any:
    return connection.execute(f"SELECT key FROM {table.name}").fetchnumpy()["key"]  # noqa: S608
