"""Pieces of a person's spans that are no facts yet leave the ledger when the person is deleted."""

from collections.abc import Sequence

from sqlalchemy import Connection, Text, cast, delete, or_, select

from assay_server.ledger import Ledger, tables

_rows = tables.foreign.partial_spans
_KEY = (_rows.c.trace_id, _rows.c.span_id)
_AT_ONCE = 500


async def forget_pieces(
    ledger: Ledger, project: str, tokens: Sequence[str], trace_ids: Sequence[str], *, dry_run: bool = False
) -> int:
    """Removes the pieces of these traces, and of those a piece of which holds a token (a value as it stands in JSON).

    How many spans they are of. Often a trace's first piece alone names the user: the others would become spans that
    name nobody, and nobody would find them again.
    """
    named = or_(*(cast(_rows.c.body, Text).contains(token, autoescape=True) for token in tokens))

    def work(connection: Connection) -> int:
        own = connection.execute(select(_rows.c.trace_id).where(_rows.c.project == project, named).distinct())
        traces = sorted({*trace_ids, *own.scalars()})
        found: set[tuple[str, str]] = set()
        for start in range(0, len(traces), _AT_ONCE):
            these = (_rows.c.project == project, _rows.c.trace_id.in_(traces[start : start + _AT_ONCE]))
            found.update((row.trace_id, row.span_id) for row in connection.execute(select(*_KEY).where(*these)))
            if not dry_run:
                connection.execute(delete(_rows).where(*these))
        return len(found)

    return await (ledger.read(work) if dry_run else ledger.write(work))
