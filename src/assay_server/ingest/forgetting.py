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
    """Removes pieces of these traces and those that hold a token (a value as it stands in JSON); how many."""

    def work(connection: Connection) -> int:
        chunks = [trace_ids[start : start + _AT_ONCE] for start in range(0, len(trace_ids), _AT_ONCE)]
        named = or_(*(cast(_rows.c.body, Text).contains(token, autoescape=True) for token in tokens))
        found: set[tuple[str, str]] = set()
        for condition in [named, *(_rows.c.trace_id.in_(chunk) for chunk in chunks)]:
            these = (_rows.c.project == project, condition)
            found.update((row.trace_id, row.span_id) for row in connection.execute(select(*_KEY).where(*these)))
            if not dry_run:
                connection.execute(delete(_rows).where(*these))
        return len(found)

    return await (ledger.read(work) if dry_run else ledger.write(work))
