"""Runs as multipart or in batches, feedback, and what the server can do."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.status import HTTP_202_ACCEPTED

from assay_server import __version__
from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, list_in, plain_body
from assay_server.api.dialects.ids import span_id_of
from assay_server.api.dialects.langsmith.attachments import keep
from assay_server.api.dialects.langsmith.multipart import multipart
from assay_server.api.dialects.langsmith.runs import changed, part_of, runs_named, score_of
from assay_server.api.dialects.lookup import known_traces_of
from assay_server.api.services import services
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ports import Principal
from assay_server.core.records import Facts
from assay_server.query import ScoreFilter

router = APIRouter(tags=["langsmith"])

_LOOKS = 8  # two seconds: over OTLP a run is never known by its id, and its feedback is sent all the same

Sender = Annotated[Principal, Depends(principal("ingest"))]
Scorer = Annotated[Principal, Depends(principal("score"))]


@router.get("/info", summary="LangSmith: what this server can do")
async def info() -> dict[str, Any]:
    return {
        "version": __version__,
        "instance_flags": {"zstd_compression_enabled": True},
        "batch_ingest_config": {
            "use_multipart_endpoint": True,
            "scale_up_qsize_trigger": 1000,
            "scale_up_nthreads_limit": 16,
            "scale_down_nempty_trigger": 4,
            "size_limit": 100,
            "size_limit_bytes": 4 << 20,
        },
    }


@router.post("/runs/multipart", status_code=HTTP_202_ACCEPTED, summary="LangSmith: runs, begun or ended")
async def runs_multipart(request: Request, caller: Sender) -> dict[str, str]:
    body = await plain_body(request)
    sent = await asyncio.to_thread(multipart, request.headers.get("content-type", ""), body)
    for attachment in sent.attachments:
        await keep(services(request), caller.project, attachment)
    return await _taken(request, caller, sent.runs, sent.feedback)


@router.post("/runs/batch", status_code=HTTP_202_ACCEPTED, summary="LangSmith: runs as JSON")
async def runs_batch(request: Request, caller: Sender) -> dict[str, str]:
    body = await json_body(request)
    return await _taken(request, caller, list_in(body, "post") + list_in(body, "patch"))


@router.post("/runs", status_code=HTTP_202_ACCEPTED, summary="LangSmith: a run has begun")
async def run(request: Request, caller: Sender) -> dict[str, str]:
    return await _taken(request, caller, [await json_body(request)])


@router.patch("/runs/{told}", status_code=HTTP_202_ACCEPTED, summary="LangSmith: more of a run")
async def more_of_run(request: Request, told: str, caller: Sender) -> dict[str, str]:
    return await _taken(request, caller, [{**await json_body(request), "id": told}])


@router.post("/feedback", summary="LangSmith: a score")
async def feedback(request: Request, caller: Scorer) -> dict[str, str]:
    body = await json_body(request)
    score = score_of(body, caller, await _traces(request, caller, [body], waits=True))
    await services(request).ingest.write(Facts(scores=[score]))
    return {"id": score.id}


@router.patch("/feedback/{told}", summary="LangSmith: a score is changed")
async def change(request: Request, told: str, caller: Sender) -> dict[str, str]:
    """Facts are only added: what it says now is another score."""
    known = (await services(request).scores.find(caller.project, ScoreFilter(id=told), limit=1)).items
    if not known:
        raise NotFound(f"There is no feedback '{told[:80]}' in this project.", field="feedback_id", value=told[:80])
    score = changed(known[0], await json_body(request), caller)
    await services(request).ingest.write(Facts(scores=[score]))
    return {"id": told}


async def _taken(
    request: Request, caller: Principal, runs: list[dict[str, Any]], feedback: Sequence[dict[str, Any]] = ()
) -> dict[str, str]:
    """What is right is stored, and then what was wrong is told: the client sends a batch for many callers."""
    parts, scores, wrong = [], [], []
    begun = await _traces(request, caller, runs)
    for one in runs:
        try:
            parts.append(part_of(one, begun))
        except InvalidInput as error:
            wrong.append(error)
    await services(request).partial_spans.put(caller.project, parts)
    judged = await _traces(request, caller, feedback)
    for one in feedback:
        try:
            scores.append(score_of(one, caller, judged))
        except InvalidInput as error:
            wrong.append(error)
    await services(request).ingest.write(Facts(scores=scores))
    if wrong:
        raise wrong[0]
    return {"message": "Runs batch ingested"}


async def _traces(
    request: Request, caller: Principal, told: Sequence[dict[str, Any]], *, waits: bool = False
) -> dict[str, str]:
    """The traces of those runs that are named without theirs: of itself, or for one that is new, of the run above."""
    names = [name for one in told if not one.get("trace_id") for name in runs_named(one)]
    if not names:
        return {}
    spans = {span_id_of(name): name for name in names}
    found = await known_traces_of(services(request), caller.project, list(spans), looks=_LOOKS if waits else 1)
    return {spans[span]: trace for span, trace in found.items()}
