"""Traces and spans in batches and updates, feedback, and whether the server is alive."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.status import HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, list_in, required
from assay_server.api.dialects.ids import span_id_of
from assay_server.api.dialects.lookup import traces_of
from assay_server.api.dialects.opik.parts import score_of, span_part, trace_part
from assay_server.api.services import services
from assay_server.core.ports import Principal
from assay_server.core.records import Facts

router = APIRouter(prefix="/api", tags=["opik"])

Sender = Annotated[Principal, Depends(principal("ingest"))]
Scorer = Annotated[Principal, Depends(principal("score"))]

_DONE = HTTP_204_NO_CONTENT


@router.get("/is-alive/ping", summary="Opik: the server is up")
async def ping() -> dict[str, Any]:
    return {"message": "Healthy", "healthy": True}


@router.post("/v1/private/traces/batch", status_code=_DONE, summary="Opik: traces, begun or ended")
async def traces(request: Request, caller: Sender) -> Response:
    given = list_in(await json_body(request), "traces")
    await services(request).partial_spans.put(caller.project, [trace_part(one) for one in given])
    return Response(status_code=_DONE)


@router.post("/v1/private/spans/batch", status_code=_DONE, summary="Opik: spans, begun or ended")
async def spans(request: Request, caller: Sender) -> Response:
    given = list_in(await json_body(request), "spans")
    await services(request).partial_spans.put(caller.project, [span_part(one) for one in given])
    return Response(status_code=_DONE)


@router.patch("/v1/private/traces/{told}", status_code=_DONE, summary="Opik: more of a trace")
async def update_trace(request: Request, told: str, caller: Sender) -> Response:
    part = trace_part({**await json_body(request), "id": told})
    await services(request).partial_spans.put(caller.project, [part])
    return Response(status_code=_DONE)


@router.patch("/v1/private/spans/{told}", status_code=_DONE, summary="Opik: more of a span")
async def update_span(request: Request, told: str, caller: Sender) -> Response:
    part = span_part({**await json_body(request), "id": told})
    await services(request).partial_spans.put(caller.project, [part])
    return Response(status_code=_DONE)


@router.put("/v1/private/traces/feedback-scores", status_code=_DONE, summary="Opik: scores of traces")
async def feedback(request: Request, caller: Scorer) -> Response:
    given = list_in(await json_body(request), "scores")
    await services(request).ingest.write(Facts(scores=[score_of(one, caller) for one in given]))
    return Response(status_code=_DONE)


@router.put("/v1/private/spans/feedback-scores", status_code=_DONE, summary="Opik: scores of spans")
async def span_feedback(request: Request, caller: Scorer) -> Response:
    """A span is named alone, so it must be there first."""
    given = list_in(await json_body(request), "scores")
    told = [span_id_of(required(one, "id")) for one in given]
    traces = await traces_of(services(request), caller.project, told)
    scores = [score_of(one, caller, trace=traces[span], about="span") for one, span in zip(given, told, strict=True)]
    await services(request).ingest.write(Facts(scores=scores))
    return Response(status_code=_DONE)


@router.put("/v1/private/traces/threads/feedback-scores", status_code=_DONE, summary="Opik: scores of threads")
async def thread_feedback(request: Request, caller: Scorer) -> Response:
    given = list_in(await json_body(request), "scores")
    await services(request).ingest.write(Facts(scores=[score_of(one, caller, about="thread") for one in given]))
    return Response(status_code=_DONE)
