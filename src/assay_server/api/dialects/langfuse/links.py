"""Links to traces, as Langfuse's clients print them (`get_trace_url`), lead to our pages."""

from fastapi import APIRouter
from starlette.responses import RedirectResponse
from starlette.status import HTTP_307_TEMPORARY_REDIRECT

from assay_server.api.dialects.ids import trace_id_of

router = APIRouter(tags=["langfuse"], default_response_class=RedirectResponse)

_ELSEWHERE = HTTP_307_TEMPORARY_REDIRECT


@router.get(
    "/project/{project}/traces/{trace_id:path}", status_code=_ELSEWHERE, summary="Langfuse: the page of a trace"
)
async def of_project(project: str, trace_id: str) -> RedirectResponse:
    """Which project it is of is known by who looks at it."""
    return await of_trace(trace_id)


@router.get("/trace/{trace_id:path}", status_code=_ELSEWHERE, summary="Langfuse: the page of a trace, by version 2")
async def of_trace(trace_id: str) -> RedirectResponse:
    return RedirectResponse(f"/traces/{trace_id_of(trace_id)}")
