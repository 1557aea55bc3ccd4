"""Projects: the tenants of this server. The first one's admins create the others."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict
from starlette.status import HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.pages import page
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["projects"])

Admin = Annotated[Principal, Depends(principal("admin"))]


class ProjectBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


@router.get("/projects", summary="The caller's project; all of them for admins of the first")
async def list_projects(request: Request, caller: Admin) -> dict[str, Any]:
    found = await services(request).accounts.projects(caller.project)
    return page(found, len(found), None)


@router.post("/projects", status_code=HTTP_201_CREATED, summary="Create a project; its first key is shown this once")
async def create(request: Request, body: ProjectBody, caller: Admin) -> dict[str, Any]:
    return dict(await services(request).accounts.create_project(caller.project, caller.actor, body.name))
