"""A trace that was deleted is told as such, and not as one that never was."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from assay_server.api.services import services
from assay_server.core.clock import in_utc
from assay_server.core.errors import Deleted, NotFound
from assay_server.core.ports import Principal
from assay_server.keeping import DeletionOfTrace


@asynccontextmanager
async def deletion_told(request: Request, caller: Principal, *trace_ids: str) -> AsyncIterator[None]:
    """Where something of these is not found: whether one was deleted. Why, only admins hear, who read deletions."""
    try:
        yield
    except NotFound as error:
        for trace_id in [str(error.value)] if error.field == "trace_id" else trace_ids:
            deletion = await services(request).keeping.deletions.of_trace(caller.project, trace_id)
            if deletion is not None:
                raise _gone(trace_id, deletion, why=caller.role == "admin") from error
        raise


def _gone(trace_id: str, deletion: DeletionOfTrace, *, why: bool) -> Deleted:
    told = "is being deleted" if deletion.ended_ns is None else f"was deleted on {in_utc(deletion.ended_ns)}"
    if why:
        message = f"The trace {trace_id} {told}, because: {deletion.reason}"
        fix = f"Settings → Privacy and `assay privacy list` tell more: it is {deletion.id}"
    else:
        message, fix = f"The trace {trace_id} {told}.", "ask an admin of this project for the reason"
    return Deleted(message, field="trace_id", value=trace_id, fix=fix)
