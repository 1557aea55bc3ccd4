"""How foreign clients are pointed at this server."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from assay_server.api.auth import principal
from assay_server.api.services import services
from assay_server.core.connect import connections
from assay_server.core.ports import Principal

router = APIRouter(tags=["server"])

Reader = Annotated[Principal, Depends(principal("read"))]


@router.get("/connect", summary="What to set in each client; {key} and {grpc} are left for the reader to fill")
async def list_connections(request: Request, caller: Reader) -> dict[str, Any]:
    """`{url}` is filled in. No key is asked for here: the page has the user's own."""
    url = services(request).public_url
    found = [
        {
            "client": one.client,
            "title": one.title,
            "language": one.language,
            "lines": list(one.filled(url, "{grpc}", "{key}")),
        }
        for one in connections()
    ]
    return {"items": found, "total": len(found), "next": None}
