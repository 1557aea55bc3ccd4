"""What Langfuse's clients ask before they start: is the server there, and whose key is this?"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from assay_server import __version__
from assay_server.api.auth import principal
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter()

Known = Annotated[Principal, Depends(principal("score"))]


@router.get("/health", summary="Langfuse: the server is up")
async def health() -> dict[str, str]:
    return {"status": "OK", "version": __version__}


@router.get("/projects", summary="Langfuse: the project of this key")
async def projects(request: Request, caller: Known) -> dict[str, Any]:
    project = await services(request).accounts.project(caller.project)
    one = {
        "id": project["id"],
        "name": project["name"],
        "organization": {"id": "assay", "name": "Assay"},
        "metadata": {},
    }
    return {"data": [one]}
