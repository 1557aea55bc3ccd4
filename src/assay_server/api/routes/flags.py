"""Which checks look at live traffic."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, etag, revision_of
from assay_server.api.services import Services, services
from assay_server.core.ports import Principal

router = APIRouter(prefix="/flags", tags=["flags"])

Reader = Annotated[Principal, Depends(principal("read"))]
Admin = Annotated[Principal, Depends(principal("admin"))]
Rooms = Annotated[Services, Depends(services)]


class Flagging(BaseModel):
    model_config = ConfigDict(extra="forbid")

    checks: list[str] = Field(description="some of `available`; none turns it off", max_length=20)
    share: float = Field(1.0, description="of the traces, more than 0 and at most 1")
    reason: str | None = Field(None, max_length=2000)


@router.get("", summary="Which checks look at live traffic, and what they did today")
async def get_flags(caller: Reader, rooms: Rooms, response: Response) -> dict[str, Any]:
    flags = rooms.intake.flags
    response.headers["ETag"] = etag(flags.of(caller.project).revision)
    return dict(flags.get(caller.project))


@router.put("", summary="Set the checks; they look at what comes from now on")
async def put_flags(
    body: Flagging, caller: Admin, rooms: Rooms, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    flags = rooms.intake.flags
    told = await flags.put(
        caller.project, caller.actor, body.checks, body.share, reason=body.reason, revision=revision_of(if_match)
    )
    response.headers["ETag"] = etag(flags.of(caller.project).revision)
    return dict(told)
