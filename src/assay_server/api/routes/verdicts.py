"""Verdicts: the statistical decision over runs, recorded with the ids of all it was computed from."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, page
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["evaluation"])

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]


class VerdictBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    run: str
    suite: str = Field(description="'golden' is there without being created")
    baseline_run: str | None = Field(None, description="without one, bars alone decide")


@router.post("/verdicts", status_code=HTTP_201_CREATED, summary="Judge a run: pass, fail or inconclusive")
async def judge(request: Request, body: VerdictBody, caller: Writer) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).gate.judge(
        caller.project, caller.actor, run=body.run, suite=body.suite, baseline_run=body.baseline_run
    )
    return found


@router.get("/verdicts", summary="Verdicts, newest first")
async def list_verdicts(
    request: Request, caller: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    after = decode_cursor(cursor, 2)
    found, total, following = await services(request).verdicts.list(caller.project, limit=limit, after=after)
    return page(found, total, following)


@router.get("/verdicts/{verdict}", summary="One verdict with every number it stands on")
async def get_verdict(request: Request, verdict: str, caller: Reader) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).verdicts.get(caller.project, verdict)
    return found
