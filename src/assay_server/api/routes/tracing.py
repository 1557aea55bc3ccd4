"""One trace more closely: the graph of its calls, another trace beside it, a call as a test."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from assay_server.api.answers import Document, written
from assay_server.api.auth import principal
from assay_server.api.deleted import deletion_told
from assay_server.api.services import services
from assay_server.api.times import week_before
from assay_server.core.ports import Principal
from assay_server.query import MOST_TRACES, asked_again, dataset_item, replay_test

router = APIRouter(tags=["traces"])

Reader = Annotated[Principal, Depends(principal("read"))]


@router.get("/traces/{trace_id}/graph", summary="The graph of a trace's calls", response_model=Document)
async def trace_graph(request: Request, caller: Reader, trace_id: str) -> Response:
    async with deletion_told(request, caller, trace_id.lower()):
        return written(await services(request).graphs.trace(caller.project, trace_id.lower()))


@router.get("/graph", summary="The graph over the newest traces of a kind")
async def kind_graph(
    request: Request,
    caller: Reader,
    name: Annotated[str, Query(description="of the root span")],
    since: str | None = None,
    until: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST_TRACES, description="how many of the newest traces")] = 50,
) -> dict[str, Any]:
    since_ns, until_ns = week_before(since, until)
    found: dict[str, Any] = await services(request).graphs.kind(caller.project, name, since_ns, until_ns, limit)
    return found


@router.get("/traces/{a}/compare/{b}", summary="Two traces, span beside span", response_model=Document)
async def compare(request: Request, caller: Reader, a: str, b: str) -> Response:
    async with deletion_told(request, caller, a.lower(), b.lower()):
        return written(await services(request).trace_pairs.compare(caller.project, a.lower(), b.lower()))


@router.get("/traces/{trace_id}/spans/{span_id}/test", summary="A model call as a test that asks it again")
async def span_test(request: Request, caller: Reader, trace_id: str, span_id: str) -> dict[str, str]:
    span = await services(request).traces.span(caller.project, trace_id.lower(), span_id.lower())
    return replay_test(span, services(request).public_url)


@router.get("/traces/{trace_id}/spans/{span_id}/item", summary="A span as an item of a dataset")
async def span_item(request: Request, caller: Reader, trace_id: str, span_id: str) -> dict[str, Any]:
    """As `POST /datasets/{name}/items` takes it; `expected` is what was answered."""
    return dataset_item(await services(request).traces.span(caller.project, trace_id.lower(), span_id.lower()))


@router.get("/traces/{trace_id}/spans/{span_id}/request", summary="A model call as the request that asks it again")
async def span_request(request: Request, caller: Reader, trace_id: str, span_id: str) -> dict[str, Any]:
    again = asked_again(await services(request).traces.span(caller.project, trace_id.lower(), span_id.lower()))
    return {"body": again.body, "left_out": again.left_out}
