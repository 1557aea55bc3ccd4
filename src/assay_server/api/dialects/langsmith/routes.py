"""Runs as multipart or in batches, feedback, and what the server can do."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.status import HTTP_202_ACCEPTED

from assay_server import __version__
from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, list_in, plain_body
from assay_server.api.dialects.langsmith.attachments import keep
from assay_server.api.dialects.langsmith.multipart import multipart
from assay_server.api.dialects.langsmith.runs import part_of, score_of
from assay_server.api.services import services
from assay_server.core.ports import Principal
from assay_server.core.records import Facts

router = APIRouter(tags=["langsmith"])

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
    sent = multipart(request.headers.get("content-type", ""), await plain_body(request))
    scores, parts = [score_of(one, caller) for one in sent.feedback], [part_of(one) for one in sent.runs]
    for attachment in sent.attachments:
        await keep(services(request), caller.project, attachment)
    await services(request).partial_spans.put(caller.project, parts)
    await services(request).ingest.write(Facts(scores=scores))
    return {"message": "Runs batch ingested"}


@router.post("/runs/batch", status_code=HTTP_202_ACCEPTED, summary="LangSmith: runs as JSON")
async def runs_batch(request: Request, caller: Sender) -> dict[str, str]:
    body = await json_body(request)
    runs = list_in(body, "post") + list_in(body, "patch")
    await services(request).partial_spans.put(caller.project, [part_of(one) for one in runs])
    return {"message": "Runs batch ingested"}


@router.post("/feedback", summary="LangSmith: a score")
async def feedback(request: Request, caller: Scorer) -> dict[str, str]:
    score = score_of(await json_body(request), caller)
    await services(request).ingest.write(Facts(scores=[score]))
    return {"id": score.id}
