"""Files on a schedule."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_201_CREATED, HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, seen_by, tagged
from assay_server.api.keyset import after_number
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import Services, services
from assay_server.api.times import nanoseconds
from assay_server.core.ports import Principal

router = APIRouter(prefix="/exports", tags=["exports"])

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]
Admin = Annotated[Principal, Depends(principal("admin"))]
Rooms = Annotated[Services, Depends(services)]


class ExportBody(BaseModel):
    """The room checks the values, field by field."""

    model_config = ConfigDict(extra="forbid")

    name: str
    what: str = Field(description="traces, spans or scores")
    format: str = Field("parquet", description="parquet, csv or jsonl")
    every: str = Field("day", description="hour, day or week; UTC")
    target: dict[str, Any] = Field(description='{"folder": "…"} or {"s3": "bucket/prefix", "key_env", "secret_env", …}')
    filter: dict[str, str | list[str]] = Field(
        {}, description="as in the list of that name, without times; '-' in front of a word leaves out"
    )
    enabled: bool = True


class Window(BaseModel):
    model_config = ConfigDict(extra="forbid")

    window_start: str | None = Field(None, description="a moment in the window; default: the last whole one")


@router.get("", summary="Scheduled exports, by name")
async def list_exports(caller: Reader, rooms: Rooms) -> dict[str, Any]:
    found = await rooms.outbound.exports.list(caller.project)
    return page(found, len(found), None)


@router.post("", status_code=HTTP_201_CREATED, summary="Write a file every hour, day or week")
async def create(body: ExportBody, caller: Admin, rooms: Rooms, response: Response) -> dict[str, Any]:
    return tagged(response, await rooms.outbound.exports.create(caller.project, caller.actor, body.model_dump()))


@router.get("/{export}", summary="One scheduled export, by id or name")
async def get_export(export: str, caller: Reader, rooms: Rooms, response: Response) -> dict[str, Any]:
    return tagged(response, await rooms.outbound.exports.get(caller.project, export))


@router.put("/{export}", summary="Another definition for it, from the next window on")
async def replace(
    export: str, body: ExportBody, caller: Admin, rooms: Rooms, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    exports, seen = rooms.outbound.exports, seen_by(if_match)
    changed = await exports.replace(caller.project, caller.actor, export, body.model_dump(), seen=seen)
    return tagged(response, changed)


@router.delete("/{export}", status_code=HTTP_204_NO_CONTENT, summary="End it; the files stay")
async def delete(export: str, caller: Admin, rooms: Rooms, if_match: IfMatch = None) -> None:
    await rooms.outbound.exports.delete(caller.project, caller.actor, export, seen=seen_by(if_match))


@router.get("/{export}/runs", summary="Its files, the newest window first")
async def runs(
    export: str, caller: Reader, rooms: Rooms, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    found, total, following = await rooms.outbound.exports.runs(caller.project, export, limit, after_number(cursor))
    return page(found, total, None if following is None else [following])


@router.post("/{export}/run", status_code=HTTP_202_ACCEPTED, summary="Write the file of one window now")
async def run(export: str, body: Window, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    moment = nanoseconds(body.window_start, "window_start")
    return dict(await rooms.outbound.exports.run(caller.project, caller.actor, export, moment))
