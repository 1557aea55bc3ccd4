"""Saved views."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response
from starlette.status import HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, seen_by, tagged
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(prefix="/views", tags=["views"])

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]


class View(BaseModel):
    """The filters and columns of a page; what `query` holds is the page's own business."""

    model_config = ConfigDict(extra="forbid")

    page: str
    query: dict[str, Any]


@router.get("", summary="The project's saved views, by name")
async def list_views(request: Request, caller: Reader) -> dict[str, Any]:
    return {"items": await services(request).views.list(caller.project)}


@router.put("/{name:path}", summary="Save a view, in place of the one of that name")
async def put_view(
    request: Request, response: Response, caller: Writer, name: str, view: View, if_match: IfMatch = None
) -> dict[str, Any]:
    views, seen = services(request).views, seen_by(if_match)
    return tagged(response, await views.put(caller.project, caller.actor, name, view.page, view.query, seen=seen))


@router.delete("/{name:path}", status_code=HTTP_204_NO_CONTENT, summary="Delete a view")
async def delete_view(request: Request, caller: Writer, name: str, if_match: IfMatch = None) -> Response:
    await services(request).views.delete(caller.project, caller.actor, name, seen=seen_by(if_match))
    return Response(status_code=HTTP_204_NO_CONTENT)
