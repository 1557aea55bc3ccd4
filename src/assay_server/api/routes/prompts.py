"""Prompts: push a version, read versions, see what changed."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_200_OK, HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.keyset import after_name
from assay_server.api.openapi import answers
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["prompts"])

Reader = Annotated[Principal, Depends(principal("read"))]
Resolver = Annotated[Principal, Depends(principal("resolve"))]
Writer = Annotated[Principal, Depends(principal("write"))]


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: str
    content: str


class Template(BaseModel):
    """Messages with `{field}` variables; a doubled brace is a brace."""

    model_config = ConfigDict(extra="forbid")

    system: str | None = None
    user: str | None = None
    messages: list[Message] | None = None


class PromptBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    template: Template
    model: str | None = Field(None, description="the exact model it was validated against")
    parameters: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    changelog: str | list[Any] | None = None
    metadata: dict[str, Any] | None = None


@router.post(
    "/prompts",
    status_code=HTTP_201_CREATED,
    responses=answers("application/json"),
    summary="Push a prompt; equal content answers 200",
)
async def push(request: Request, response: Response, body: PromptBody, caller: Writer) -> dict[str, Any]:
    given = body.model_dump(exclude={"template"})
    template = body.template.model_dump(exclude_none=True)
    found, is_new = await services(request).prompts.create(caller.project, caller.actor, template=template, **given)
    response.status_code = HTTP_201_CREATED if is_new else HTTP_200_OK
    return dict(found)


@router.get("/prompts", summary="The newest version of every prompt, by name")
async def list_prompts(
    request: Request, caller: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    found, total, following = await services(request).prompts.list(
        caller.project, limit=limit, after=after_name(cursor)
    )
    return page(found, total, None if following is None else [following])


@router.get("/prompt-versions/{ref:path}", summary="One version: by id, name@version, or name")
async def get_version(request: Request, ref: str, caller: Resolver) -> dict[str, Any]:
    return dict(await services(request).prompts.get(caller.project, ref))


@router.get("/prompt-diff", summary="What changed between two versions, word by word")
async def diff(
    request: Request, caller: Reader, before: Annotated[str, Query(alias="from")], to: str
) -> dict[str, Any]:
    return dict(await services(request).prompts.diff(caller.project, before, to))


@router.get("/prompts/{ref:path}/diff", summary="What changed from one version to another, word by word")
async def diff_of(request: Request, ref: str, to: str, caller: Reader) -> dict[str, Any]:
    return dict(await services(request).prompts.diff(caller.project, ref, to))


@router.get("/prompts/{name:path}", summary="All versions of a prompt, newest first")
async def versions(request: Request, name: str, caller: Reader) -> dict[str, Any]:
    found = await services(request).prompts.versions(caller.project, name)
    return page(found, len(found), None)
