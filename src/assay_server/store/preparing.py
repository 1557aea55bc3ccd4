"""Facts as rows, before the writer has them: the first of equals, their keys, Arrow columns.

All of it needs no database. The writer's thread is spared it, and requests that are written together are put together
as columns, which copies nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay_server.core.records import Facts, Span, merged
from assay_server.store.columns import EVENTS, RUN_ITEMS, SCORES, SPANS, TRACES, ArrowTable, Table
from assay_server.store.held import thinned
from assay_server.store.key_sets import KeySet, sets_of
from assay_server.store.parts import TRACE_PARTS, parts_of
from assay_server.store.seen import Keys, keys_array


@dataclass(slots=True, frozen=True)
class Batch:
    """Distinct records of one table, their keys, and the same as Arrow columns."""

    table: Table
    records: Sequence[Any]
    keys: Keys
    rows: ArrowTable
    duplicates: int = 0

    def only(self, fresh: NDArray[np.bool_]) -> "Batch":
        import pyarrow as pa

        kept = list(compress(self.records, fresh))
        rows = self.rows.filter(pa.array(fresh))
        return Batch(self.table, kept, self.keys[fresh], rows, self.duplicates + len(self.records) - len(kept))


@dataclass(slots=True, frozen=True)
class Prepared:
    """Facts ready to be written but for what is stored already. Made by `prepare`, in any thread."""

    facts: Facts
    spans: Batch
    roots: Batch
    parts: Batch
    scores: Batch
    run_items: Batch
    events: Batch
    key_sets: Mapping[int, KeySet]


def prepare(facts: Facts) -> Prepared:
    """What costs time and needs no database: the first of equals, keys, columns. The writer's thread is spared it."""
    spans = _batch(SPANS, facts.spans)
    return Prepared(
        facts,
        spans,
        *of_traces(spans.records),
        _batch(SCORES, facts.scores),
        _batch(RUN_ITEMS, facts.run_items),
        _batch(EVENTS, facts.events),
        sets_of(spans.records),
    )


def together(given: Sequence[Prepared]) -> Prepared:
    """As if all had been prepared together; where one holds what another holds too, they are."""
    if len(given) == 1:
        return given[0]
    spans = _joined([one.spans for one in given])
    scores = _joined([one.scores for one in given])
    run_items = _joined([one.run_items for one in given])
    events = _joined([one.events for one in given])
    if spans is None or scores is None or run_items is None or events is None:
        return prepare(merged([one.facts for one in given]))
    roots, parts = _joined([one.roots for one in given]), _joined([one.parts for one in given])
    if roots is None or parts is None:  # a trace came in two requests
        roots, parts = of_traces(spans.records)
    sets = {key: one for prepared in given for key, one in prepared.key_sets.items()}
    return Prepared(Facts(), spans, roots, parts, scores, run_items, events, sets)


def _joined(batches: Sequence[Batch]) -> Batch | None:
    """None where a key stands in several of them."""
    some = [batch for batch in batches if batch.records]
    if len(some) < 2:
        chosen = some[0] if some else batches[0]
        return replace(chosen, duplicates=sum(batch.duplicates for batch in batches))
    import pyarrow as pa

    keys = np.concatenate([batch.keys for batch in some])
    if len(np.unique(keys)) < len(keys):
        return None
    records = [record for batch in some for record in batch.records]
    rows = pa.concat_tables([batch.rows for batch in some])
    return Batch(some[0].table, records, keys, rows, sum(batch.duplicates for batch in batches))


def _batch(table: Table, records: Sequence[Any]) -> Batch:
    """The first of equals stays."""
    distinct: dict[tuple[str, ...], Any] = {}
    for record in records:
        distinct.setdefault(table.identity(record), record)
    kept, keys = list(distinct.values()), keys_array(map(table.key, distinct))
    return Batch(table, kept, keys, _rows(table, kept, keys), len(records) - len(kept))


def of_traces(spans: Sequence[Span]) -> tuple[Batch, Batch]:
    """The rows of the traces of these spans, and those that tell of this commit of them."""
    parts = parts_of(spans)
    roots, keys = _batch(TRACES, parts), keys_array(part.key for part in parts)
    return roots, Batch(TRACE_PARTS, parts, keys, _rows(TRACE_PARTS, parts, keys))


def _rows(table: Table, records: Sequence[Any], keys: Keys) -> ArrowTable:
    """None of nothing: Arrow is not imported for that."""
    if not records:
        return None
    return table.batch(thinned(records) if table is SPANS else records, keys)
