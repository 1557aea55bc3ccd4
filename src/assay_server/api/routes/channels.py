"""Channels: what is live where, and the two buttons: promote and roll back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_200_OK, HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, etag, revision_of
from assay_server.api.openapi import answers
from assay_server.api.pages import page
from assay_server.api.services import Services, services
from assay_server.core.errors import NotFound
from assay_server.core.ports import Principal
from assay_server.rollout import shaped

router = APIRouter(tags=["channels"])

Reader = Annotated[Principal, Depends(principal("read"))]
Resolver = Annotated[Principal, Depends(principal("resolve"))]
Writer = Annotated[Principal, Depends(principal("write"))]
Rooms = Annotated[Services, Depends(services)]


class ChannelBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    requires_gate: bool = Field(True, description="whether a release needs a passing verdict to go live")


class PromoteBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    release: str = Field(description="id, name@version or name")
    reason: str = Field(min_length=1, max_length=2000)


class RollbackBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)
    to: str | None = Field(None, description="a release that was live before; the previous one by default")


@router.get("/channels", summary="All channels, by name")
async def list_channels(caller: Reader, rooms: Rooms) -> dict[str, Any]:
    found = [await _whole(rooms, caller.project, channel) for channel in await rooms.channels.list(caller.project)]
    return page(found, len(found), None)


@router.put(
    "/channels/{name:path}",
    summary="Create a channel, or change whether it wants a passing verdict",
    responses=answers("application/json", status=HTTP_201_CREATED),
)
async def put(
    name: str, body: ChannelBody, caller: Writer, rooms: Rooms, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    found, is_new = await rooms.channels.put(
        caller.project, caller.actor, name, requires_gate=body.requires_gate, revision=revision_of(if_match)
    )
    response.status_code = HTTP_201_CREATED if is_new else HTTP_200_OK
    return await _answered(rooms, caller.project, found, response)


@router.get("/channels/{name:path}/resolve", summary="The release for one unit, and which arm of a canary that is")
async def resolve(name: str, caller: Resolver, rooms: Rooms, unit: str | None = None) -> dict[str, Any]:
    return dict(await rooms.channels.resolve(caller.project, name, unit))


@router.post("/channels/{name:path}/promote", summary="Make a release live; refused without a passing verdict")
async def promote(
    name: str, body: PromoteBody, caller: Writer, rooms: Rooms, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    found = await rooms.channels.promote(
        caller.project,
        caller.actor,
        name,
        release=body.release,
        reason=body.reason,
        revision=revision_of(if_match),
    )
    return await _answered(rooms, caller.project, found, response)


@router.post("/channels/{name:path}/rollback", summary="Put the earlier release back, and end a canary's share")
async def rollback(
    name: str, body: RollbackBody, caller: Writer, rooms: Rooms, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    found = await rooms.channels.rollback(
        caller.project, caller.actor, name, reason=body.reason, to=body.to, revision=revision_of(if_match)
    )
    return await _answered(rooms, caller.project, found, response)


@router.get("/channels/{name:path}", summary="One channel: what is live, since when, by whom, why; its history")
async def get_channel(name: str, caller: Reader, rooms: Rooms, response: Response) -> dict[str, Any]:
    return await _answered(rooms, caller.project, await rooms.channels.get(caller.project, name), response)


async def _answered(rooms: Services, project: str, channel: dict[str, Any], response: Response) -> dict[str, Any]:
    response.headers["ETag"] = etag(channel["revision"])
    return await _whole(rooms, project, channel)


async def _whole(rooms: Services, project: str, channel: dict[str, Any]) -> dict[str, Any]:
    """With the whole canary in place of its id and share."""
    running = channel["canary"]
    if running is None:
        return channel
    try:
        return channel | {"canary": shaped(await rooms.canaries.get(project, running["id"]))}
    except NotFound:
        return channel
