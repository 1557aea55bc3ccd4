"""Spans sent on to another collector."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, seen_by, tagged
from assay_server.api.pages import page
from assay_server.api.services import Services, services
from assay_server.core.ports import Principal

router = APIRouter(prefix="/forwards", tags=["forwards"])

Reader = Annotated[Principal, Depends(principal("read"))]
Admin = Annotated[Principal, Depends(principal("admin"))]
Rooms = Annotated[Services, Depends(services)]


class ForwardBody(BaseModel):
    """The room checks the values, field by field."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str = Field(description="OTLP over HTTP: http(s)://host:port, or the whole address")
    headers: dict[str, str] = Field({}, description='{"authorization": "env:NAME"}: never the secret itself')
    filter: dict[str, str | list[str]] = Field({}, description="the fields of a sampling rule")
    share: float = Field(1.0, description="of the traces; a hash of the trace id decides")
    enabled: bool = True
    signals: list[str] = Field(["traces"], description='"logs" beside "traces": log records go, too')


@router.get("", summary="Where spans are sent on, and how far behind that is")
async def list_forwards(caller: Reader, rooms: Rooms) -> dict[str, Any]:
    found = await rooms.outbound.forwards.list(caller.project)
    return page(found, len(found), None)


@router.put("/{name:path}", summary="Send spans on from now, in place of the forward of that name")
async def put(
    name: str, body: ForwardBody, caller: Admin, rooms: Rooms, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    forwards, seen = rooms.outbound.forwards, seen_by(if_match)
    return tagged(response, await forwards.put(caller.project, caller.actor, name, body.model_dump(), seen=seen))


@router.delete("/{name}", status_code=HTTP_204_NO_CONTENT, summary="Send nothing on any more")
async def delete(name: str, caller: Admin, rooms: Rooms, if_match: IfMatch = None) -> None:
    await rooms.outbound.forwards.delete(caller.project, caller.actor, name, seen=seen_by(if_match))


@router.post("/{name}/test", summary="Send an empty request now")
async def test(name: str, caller: Admin, rooms: Rooms) -> dict[str, Any]:
    return dict(await rooms.outbound.forwards.test(caller.project, name))
