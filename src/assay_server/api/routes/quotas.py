"""What a project may send, and what it has sent."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, etag, revision_of
from assay_server.api.services import Services, services
from assay_server.core.ports import Principal

router = APIRouter(prefix="/quotas", tags=["quotas"])

Reader = Annotated[Principal, Depends(principal("read"))]
Admin = Annotated[Principal, Depends(principal("admin"))]
Rooms = Annotated[Services, Depends(services)]


class Limits(BaseModel):
    """Null: no limit. Days and months are UTC's."""

    model_config = ConfigDict(extra="forbid")

    spans_per_day: int | None = None
    bytes_per_day: int | None = Field(None, description="of requests, as they were sent")
    spans_per_month: int | None = None
    bytes_per_month: int | None = None


class QuotasBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limits: Limits
    warn_at: float = Field(0.8, description="the share of a quota at which people are told")
    reason: str | None = Field(None, max_length=2000)


@router.get("", summary="The project's quotas and their use")
async def get_quotas(caller: Reader, rooms: Rooms, response: Response) -> dict[str, Any]:
    quotas = rooms.intake.quotas
    response.headers["ETag"] = etag(quotas.revision(caller.project))
    return dict(quotas.get(caller.project))


@router.put("", summary="Set the project's quotas")
async def put_quotas(
    body: QuotasBody, caller: Admin, rooms: Rooms, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    quotas = rooms.intake.quotas
    told = await quotas.put(
        caller.project,
        caller.actor,
        body.limits.model_dump(),
        body.warn_at,
        reason=body.reason,
        revision=revision_of(if_match),
    )
    response.headers["ETag"] = etag(quotas.revision(caller.project))
    return dict(told)


@router.get("/days", summary="What came in by day, oldest first")
async def days(caller: Reader, rooms: Rooms, days: Annotated[int, Query(ge=1, le=400)] = 30) -> dict[str, Any]:
    return {"items": await rooms.intake.counts.days(caller.project, days)}
