"""What a clock that was set back leaves behind: a schedule that would wait until the clock has caught up with it."""

from sqlalchemy import Connection

from assay_server.ledger import Ledger
from assay_server.outbound import export_rows as rows
from assay_server.outbound.windows import LENGTH_NS, start_of


async def begin_anew(ledger: Ledger, now_ns: int, longest_pause_ns: int) -> None:
    """The schedule of exports goes on from now. Windows that were written ahead of their time are written again when
    they end, and what failed then is tried now."""
    following = {every: start_of(every, now_ns) + length for every, length in LENGTH_NS.items()}
    after_ns = now_ns + longest_pause_ns
    ahead = await ledger.read(lambda connection: rows.ahead(connection, following))
    late = await ledger.read(lambda connection: rows.waits_longer(connection, after_ns))

    def write(connection: Connection) -> None:
        for export in ahead:
            rows.move(connection, export, following[export.definition.every])
        rows.hurry(connection, after_ns, now_ns)

    if ahead or late:
        await ledger.write(write)
