"""Traces that foreign clients delete: each is a deletion of its own, with proof, as if asked for at our address."""

from collections.abc import Sequence

from assay_server.api.services import Services
from assay_server.core.errors import NotFound
from assay_server.core.ports import Principal
from assay_server.keeping import Asked

MOST = 100
"""Traces of one request: each is looked for before the answer."""


async def delete_traces(rooms: Services, caller: Principal, trace_ids: Sequence[str], client: str) -> int:
    """How many there were. They go behind the answer, all in one rewriting of the files; unknown ones are passed over.

    Golden sets keep the items that were made of them, as by default elsewhere.
    """
    deletions, asked = rooms.keeping.deletions, 0
    for trace_id in dict.fromkeys(trace_ids):
        try:
            await deletions.ask(caller.project, caller.actor, Asked(trace_id=trace_id), f"asked for by {client}")
        except NotFound:
            continue
        asked += 1
    if asked:
        rooms.keeping.wake()
    return asked
