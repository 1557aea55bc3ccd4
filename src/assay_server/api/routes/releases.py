"""Releases: what ships, and what differs between two of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_200_OK, HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.keyset import after_moment
from assay_server.api.openapi import answers
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["releases"])

Reader = Annotated[Principal, Depends(principal("read"))]
Resolver = Annotated[Principal, Depends(principal("resolve"))]
Writer = Annotated[Principal, Depends(principal("write"))]


class ReleaseBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    prompts: dict[str, str] = Field(description="role -> prompt version: id, name@version or name")
    model: str = Field(description="provider/dated-name; floating names are refused")
    parameters: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    retrieval_config: str | None = None
    guard_policy: dict[str, Any] | None = None
    code_ref: str | None = None
    changelog: str | None = None


@router.post(
    "/releases",
    status_code=HTTP_201_CREATED,
    responses=answers("application/json"),
    summary="Create a release; equal content answers 200",
)
async def create(request: Request, response: Response, body: ReleaseBody, caller: Writer) -> dict[str, Any]:
    found, is_new = await services(request).releases.create(caller.project, caller.actor, **body.model_dump())
    response.status_code = HTTP_201_CREATED if is_new else HTTP_200_OK
    return dict(found)


@router.get("/releases", summary="Releases, newest first")
async def list_releases(
    request: Request, caller: Reader, name: str | None = None, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    found, total, following = await services(request).releases.list(
        caller.project, limit=limit, after=after_moment(cursor), name=name
    )
    return page(found, total, following)


@router.get("/releases/{ref:path}/diff", summary="What differs between two releases, part by part and in words")
async def diff(request: Request, ref: str, to: str, caller: Reader) -> dict[str, Any]:
    return dict(await services(request).releases.differences(caller.project, ref, to))


@router.get("/releases/{ref:path}", summary="One release: by id, name@version, or name")
async def get_release(request: Request, ref: str, caller: Resolver) -> dict[str, Any]:
    return dict(await services(request).releases.get(caller.project, ref))
