"""Pieces of spans that are no facts yet leave the ledger when their person or their trace is deleted."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Text, and_, cast, delete, or_, select

from assay_server.ingest.normalise.aliases import aliases
from assay_server.ledger import Ledger, holds, tables

_rows = tables.foreign.partial_spans
_AT_ONCE = 500


async def forget_pieces(
    ledger: Ledger,
    project: str,
    tokens: Sequence[str],
    trace_ids: Sequence[str],
    whole: Collection[str] = (),
    *,
    dry_run: bool = False,
) -> int:
    """Removes pieces that hold a token (a value as it stands in JSON), and those of these traces, and of traces that
    name a token as their user, that name nobody else; how many. Of the traces in `whole` all, whomever they name.

    Often a trace's first piece alone names the user: the others would become spans of nobody that nobody finds again.
    """
    users = [key for key, places in aliases().exact.items() if any(field == "user" for field, _ in places)]
    spelt = [json.dumps(msgspec.json.decode(token)) for token in tokens]  # as the ledger writes it
    named = or_(*(holds(cast(_rows.c.body, Text), token) for token in spelt))

    def who(body: Mapping[str, Any]) -> set[str]:
        """As tokens, since those are what the person is known by here."""
        said = body.get("attributes") or {}
        return {msgspec.json.encode(str(said[key])).decode() for key in users if said.get(key) is not None}

    def work(connection: Connection) -> int:
        query = select(_rows.c.trace_id, _rows.c.span_id, _rows.c.body).where(_rows.c.project == project)
        holding = connection.execute(query.where(named)).all()
        found = {(row.trace_id, row.span_id) for row in holding}
        traces = sorted({*trace_ids, *(row.trace_id for row in holding if not who(row.body).isdisjoint(tokens))})
        for start in range(0, len(traces), _AT_ONCE):
            of_traces = connection.execute(query.where(_rows.c.trace_id.in_(traces[start : start + _AT_ONCE])))
            found.update(
                (row.trace_id, row.span_id)
                for row in of_traces
                if row.trace_id in whole or who(row.body) <= set(tokens)
            )
        if not dry_run:
            for trace_id, span_id in found:
                this = and_(_rows.c.trace_id == trace_id, _rows.c.span_id == span_id)
                connection.execute(delete(_rows).where(_rows.c.project == project, this))
        return len(found)

    return await (ledger.read(work) if dry_run else ledger.write(work))
