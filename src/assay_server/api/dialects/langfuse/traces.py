"""Langfuse's deletion of traces: ours, with its proof (`GET /api/v1/deletions`)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, texts_in
from assay_server.api.dialects.deleting import MOST, delete_traces
from assay_server.api.dialects.ids import trace_id_of
from assay_server.api.dialects.langfuse.errors import LangfuseRoute
from assay_server.api.services import services
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ports import Principal

router = APIRouter(prefix="/traces", route_class=LangfuseRoute)

Admin = Annotated[Principal, Depends(principal("admin"))]

_CLIENT = "a Langfuse client"


@router.delete("/{trace_id}", summary="Langfuse: delete a trace")
async def delete(request: Request, trace_id: str, caller: Admin) -> dict[str, str]:
    """As there, it is gone a moment after the answer."""
    if not await delete_traces(services(request), caller, [trace_id_of(trace_id)], _CLIENT):
        raise _unknown("trace_id", trace_id)
    return {"message": "Trace deleted successfully"}


@router.delete("", summary="Langfuse: delete traces")
async def delete_multiple(request: Request, caller: Admin) -> dict[str, str]:
    """Those that nobody knows are passed over, unless nobody knows any."""
    told = texts_in(await json_body(request), "traceIds", MOST)
    if not told:
        raise InvalidInput("'traceIds' is missing.", field="traceIds", fix="send the ids of the traces in a list")
    if not await delete_traces(services(request), caller, [trace_id_of(one) for one in told], _CLIENT):
        raise _unknown("traceIds", told[0])
    return {"message": "Traces deleted successfully"}


def _unknown(field: str, value: str) -> NotFound:
    return NotFound(
        "Nothing of this trace is stored.", field=field, value=value[:80], fix="look the id up in GET /api/v1/traces"
    )
