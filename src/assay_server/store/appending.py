"""The way in for facts: what is already stored is left out, the rest goes to disk in one transaction."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import duckdb
import numpy as np

from assay_server.core.records import Facts
from assay_server.store.columns import EVENTS, RUN_ITEMS, SCORES, SPANS, TRACES, Table
from assay_server.store.faults import WRITING, wrapped
from assay_server.store.held import hold
from assay_server.store.key_sets import KeySet, KeySets
from assay_server.store.preparing import Batch, Prepared, of_traces, together
from assay_server.store.protocol import Appended
from assay_server.store.seen import Seen
from assay_server.store.transactions import transaction
from assay_server.store.width import Width

_KNOWN_ONCE = (SPANS, TRACES, SCORES, RUN_ITEMS, EVENTS)
"""Tables whose rows are stored once, whatever is sent again."""


class Appending:
    """Belongs to the writer's thread, with the writer's connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, width: Width) -> None:
        """Reads the keys of what is stored: no row of it is written twice."""
        self._connection = connection
        self._width = width
        self._seen = {table.name: Seen(_stored_keys(connection, table)) for table in _KNOWN_ONCE}
        self.key_sets = KeySets(connection)
        self.last_stamp = _newest_commit(connection)
        """When the newest commit was made; 0 in an empty store."""

    def stamp(self) -> int:
        """When a commit is made, nanoseconds since the epoch; never goes back, even when the clock does."""
        self.last_stamp = max(self.last_stamp + 1, time.time_ns())
        return self.last_stamp

    def append(self, given: Sequence[Prepared]) -> Appended:
        prepared = together(given)
        spans = self._new(prepared.spans)
        roots, parts = prepared.roots, prepared.parts
        if spans is not prepared.spans:
            roots, parts = of_traces(spans.records)
        scores, run_items, events = map(self._new, (prepared.scores, prepared.run_items, prepared.events))
        once = [batch for batch in (spans, self._new(roots), scores, run_items, events) if batch.records]
        sets = self.key_sets.new(prepared.key_sets)
        if once:
            try:
                wrapped(partial(self._commit, [*once, parts] if parts.records else once, sets), WRITING)
            finally:  # where it failed, too: it may be on disk after all, and whoever sends again is looked up then
                for batch in once:
                    self._seen[batch.table.name].add(batch.keys)
            self.key_sets.stored(sets)
        stored = Facts(list(spans.records), list(scores.records), list(run_items.records), list(events.records))
        return Appended(stored, sum(batch.duplicates for batch in (spans, scores, run_items, events)))

    def _commit(self, batches: Sequence[Batch], sets: Sequence[KeySet]) -> None:
        stamp = self.stamp()
        with transaction(self._connection):
            self.key_sets.store(sets, stamp)
            for batch in batches:
                self._insert(batch, stamp)

    def _insert(self, batch: Batch, stamp: int) -> None:
        table, made = batch.table, batch.rows
        if table is SPANS:
            self._width.coming(batch.records)
            hold(self._connection, batch.records, batch.keys, stamp, self.key_sets)
            made = self.key_sets.bounded(made)
        # The stream itself: a table DuckDB would hand to pyarrow's scanner first.
        rows = made.__arrow_c_stream__()  # noqa: F841  (DuckDB finds the rows by name)
        stored = f", {stamp} AS stored_ns" if table.stamped else ""
        # Nobody wants the answer. But an INSERT that gives one is not split up for several threads, which for a few
        # hundred rows costs half as much again (400 rows: 6.6 ms of CPU, and 4.2 with an answer).
        self._connection.execute(
            f"INSERT INTO {table.name} BY NAME SELECT {table.select}{stored} FROM rows RETURNING 1"  # noqa: S608
        ).fetchall()

    def _new(self, batch: Batch) -> Batch:
        """The same without what is stored; itself where nothing of it is."""
        perhaps = self._seen[batch.table.name].perhaps(batch.keys)
        if not perhaps.any():
            return batch
        known = wrapped(partial(self._stored_identities, batch.table, batch.keys[perhaps].tolist()))
        identity = batch.table.identity
        fresh = np.fromiter((identity(record) not in known for record in batch.records), dtype=np.bool_)
        return batch if fresh.all() else batch.only(fresh)

    def _stored_identities(self, table: Table, keys: list[int]) -> set[tuple[str, ...]]:
        columns = ", ".join(f"{column}::VARCHAR" for column in table.identity_columns)
        found = self._connection.execute(
            f"SELECT {columns} FROM {table.name} WHERE key IN (SELECT unnest(?::UBIGINT[]))",  # noqa: S608
            [keys],
        )
        return set(found.fetchall())


def _newest_commit(connection: duckdb.DuckDBPyConnection) -> int:
    """What is settled may be newer than what is left: with an older stamp nothing would be settled any more."""
    stamps = " UNION ALL ".join(f"SELECT max(stored_ns) AS n FROM {table}" for table in ("spans", "events", "settled"))  # noqa: S608
    found = connection.execute(f"SELECT max(n) FROM ({stamps})").fetchone()  # noqa: S608
    return max(0, int(found[0] or 0)) if found else 0


def _stored_keys(connection: duckdb.DuckDBPyConnection, table: Table) -> Any:
    return connection.execute(f"SELECT key FROM {table.name}").fetchnumpy()["key"]  # noqa: S608
