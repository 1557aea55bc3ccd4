"""Links to traces, as Opik's SDK prints one when it begins to log, lead to our pages."""

from fastapi import APIRouter
from starlette.responses import RedirectResponse
from starlette.status import HTTP_307_TEMPORARY_REDIRECT

from assay_server.api.dialects.ids import trace_id_of

router = APIRouter(tags=["opik"], default_response_class=RedirectResponse)


@router.get(
    "/v1/session/redirect/projects/",
    status_code=HTTP_307_TEMPORARY_REDIRECT,
    summary="Opik: the page of a trace",
)
async def of_trace(trace_id: str) -> RedirectResponse:
    """Which project it is of is known by who looks at it. `path` beside it says where Opik's own API would be."""
    return RedirectResponse(f"/traces/{trace_id_of(trace_id)}")
