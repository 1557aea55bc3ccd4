"""Datasets: golden sets, imported whole, versioned by content."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.status import HTTP_200_OK, HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.keyset import after_name, after_number
from assay_server.api.openapi import answers
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["datasets"])

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]


class DatasetBody(BaseModel):
    """Rows are checked by the registry, which tells every faulty one at once."""

    model_config = ConfigDict(extra="forbid")

    name: str
    description: str | None = None
    items: list[Any]


@router.post(
    "/datasets",
    status_code=HTTP_201_CREATED,
    responses=answers("application/json"),
    summary="Import a version; equal content answers 200",
)
async def push(request: Request, response: Response, body: DatasetBody, caller: Writer) -> dict[str, Any]:
    found, is_new = await services(request).datasets.create(
        caller.project, caller.actor, name=body.name, items=body.items, description=body.description
    )
    response.status_code = HTTP_201_CREATED if is_new else HTTP_200_OK
    return dict(found)


class ItemsBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: list[Any]


@router.post(
    "/datasets/{name:path}/items",
    status_code=HTTP_201_CREATED,
    responses=answers("application/json"),
    summary="A version with these items behind the newest's; nothing new answers 200",
)
async def append(request: Request, response: Response, name: str, body: ItemsBody, caller: Writer) -> dict[str, Any]:
    found, is_new = await services(request).datasets.append(caller.project, caller.actor, name, body.items)
    response.status_code = HTTP_201_CREATED if is_new else HTTP_200_OK
    return dict(found)


@router.get("/datasets", summary="The newest version of every dataset, by name")
async def list_datasets(
    request: Request, caller: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    found, total, following = await services(request).datasets.list(
        caller.project, limit=limit, after=after_name(cursor)
    )
    return page(found, total, None if following is None else [following])


@router.get("/datasets/{name:path}/items", summary="The items of a version, the newest by default")
async def items(
    request: Request,
    name: str,
    caller: Reader,
    version: Annotated[int | None, Query(ge=1, lt=10**9)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    ref = name if version is None else f"{name}@{version}"
    found, total, following = await services(request).datasets.items_page(
        caller.project, ref, limit=limit, after=after_number(cursor)
    )
    return page(found, total, None if following is None else [following])


@router.get("/datasets/{name:path}", summary="A dataset: its newest version, and all versions")
async def get_dataset(request: Request, name: str, caller: Reader) -> dict[str, Any]:
    versions = await services(request).datasets.versions(caller.project, name)
    return {**versions[0], "versions": versions}
