"""What is kept for how long, and the passes that take away the rest."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_202_ACCEPTED

from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, revision_of, tagged
from assay_server.api.keyset import after_name
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(prefix="/retention", tags=["keeping"])

Reader = Annotated[Principal, Depends(principal("read"))]
Admin = Annotated[Principal, Depends(principal("admin"))]

Days = Annotated[int | None, Field(ge=1, le=36_500, description="null keeps for ever")]


class RuleBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    environment: str | None = Field(None, max_length=200, description="null: the whole project")
    metadata_days: Days = None
    text_days: Days = None
    scores_days: Days = None
    runs_days: Days = None


class RulesBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rules: list[RuleBody] = Field(max_length=50)
    reason: str | None = Field(None, max_length=2000)


class PreviewBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rules: list[RuleBody] | None = Field(None, max_length=50, description="left out: those in force")


@router.get("", summary="The rules; without any, everything is kept")
async def get_rules(request: Request, response: Response, caller: Reader) -> dict[str, Any]:
    told, revision = await services(request).keeping.retention.get(caller.project)
    return tagged(response, {**told, "revision": revision})


@router.put("", summary="Replace the rules; nothing goes under new ones for an hour")
async def put_rules(
    request: Request, response: Response, caller: Admin, body: RulesBody, if_match: IfMatch = None
) -> dict[str, Any]:
    told, revision = await services(request).keeping.retention.put(
        caller.project,
        caller.actor,
        [rule.model_dump() for rule in body.rules],
        reason=body.reason,
        revision=revision_of(if_match),
    )
    return tagged(response, {**told, "revision": revision})


@router.post("/preview", summary="What a pass would take away now")
async def preview(request: Request, caller: Reader, body: PreviewBody) -> dict[str, Any]:
    given = None if body.rules is None else [rule.model_dump() for rule in body.rules]
    return dict(await services(request).keeping.preview(caller.project, given))


@router.get("/passes", summary="Passes that took something away or failed, newest first")
async def list_passes(
    request: Request, caller: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    found, total, following = await services(request).keeping.retention.passes(
        caller.project, limit=limit, after=after_name(cursor)
    )
    return page(found, total, None if following is None else [following])


@router.post("/passes", status_code=HTTP_202_ACCEPTED, summary="Make a pass now, without the hour")
async def ask(request: Request, caller: Admin) -> dict[str, Any]:
    asked: dict[str, Any] = await services(request).keeping.retention.ask(caller.project, caller.actor)
    services(request).keeping.wake()
    return asked
