"""Retrieval configs: how documents are found."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_200_OK, HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.keyset import after_name
from assay_server.api.openapi import answers
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["retrieval configs"])

Reader = Annotated[Principal, Depends(principal("read"))]
Resolver = Annotated[Principal, Depends(principal("resolve"))]
Writer = Annotated[Principal, Depends(principal("write"))]


class RetrievalConfigBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    embedding_model: str = Field(min_length=1, max_length=300)
    chunking: dict[str, Any] | None = None
    top_k: int | None = None
    threshold: float | None = Field(None, allow_inf_nan=False)
    index_version: str | None = None
    index_built_at: str | None = Field(None, description="RFC 3339")
    metadata: dict[str, Any] | None = None


@router.post(
    "/retrieval-configs",
    status_code=HTTP_201_CREATED,
    responses=answers("application/json"),
    summary="Push a version; equal content answers 200",
)
async def push(request: Request, response: Response, body: RetrievalConfigBody, caller: Writer) -> dict[str, Any]:
    found, is_new = await services(request).retrieval_configs.create(caller.project, caller.actor, **body.model_dump())
    response.status_code = HTTP_201_CREATED if is_new else HTTP_200_OK
    return dict(found)


@router.get("/retrieval-configs", summary="The newest version of every config, by name")
async def list_configs(
    request: Request, caller: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    found, total, following = await services(request).retrieval_configs.list(
        caller.project, limit=limit, after=after_name(cursor)
    )
    return page(found, total, None if following is None else [following])


@router.get("/retrieval-configs/{ref:path}", summary="One version: by id, name@version, or name")
async def get_config(request: Request, ref: str, caller: Resolver) -> dict[str, Any]:
    return dict(await services(request).retrieval_configs.get(caller.project, ref))
