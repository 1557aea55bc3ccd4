"""Langfuse's datasets, read from Assay's registry: a dataset is its name, a version the time at which it was made."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from assay_server.api.auth import principal
from assay_server.api.services import services
from assay_server.core.clock import parse_rfc3339
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ports import Principal

router = APIRouter()

Reader = Annotated[Principal, Depends(principal("read"))]

_BESIDE = ("contexts", "cluster", "tags")  # fields of an item that Langfuse has not: they go into its metadata


@router.get("/v2/datasets/{name:path}", summary="Langfuse: a dataset")
async def get(request: Request, name: str, caller: Reader) -> dict[str, Any]:
    """Its id is its name: it stays the same over all versions."""
    versions = await services(request).datasets.versions(caller.project, name)
    return {
        "id": name,
        "name": name,
        "projectId": caller.project,
        "description": versions[0]["description"],
        "metadata": {},
        "inputSchema": None,
        "expectedOutputSchema": None,
        "createdAt": versions[-1]["created_at"],
        "updatedAt": versions[0]["created_at"],
    }


@router.get("/dataset-items", summary="Langfuse: the items of a dataset, by pages")
async def items(
    request: Request,
    caller: Reader,
    name: Annotated[str, Query(alias="datasetName", max_length=200)],
    version: Annotated[str | None, Query(max_length=100, description="the newest at this time")] = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    rooms = services(request)
    chosen = _at(await rooms.datasets.versions(caller.project, name), version)
    found, total, _ = await rooms.datasets.items_page(
        caller.project, f"{name}@{chosen['version']}", limit=limit, after=(page - 1) * limit - 1
    )
    pages = {"page": page, "limit": limit, "totalItems": total, "totalPages": -(-total // limit)}
    return {"data": [_item(item, chosen) for item in found], "meta": pages}


def _at(versions: Sequence[Mapping[str, Any]], told: str | None) -> Mapping[str, Any]:
    """The newest version that was there at that time; they come newest first. Raises InvalidInput, NotFound."""
    if told is None:
        return versions[0]
    try:
        at_ns = parse_rfc3339(told)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            "'version' is no RFC 3339 time.", field="version", value=told, fix="send it in UTC"
        ) from error
    for one in versions:
        if parse_rfc3339(one["created_at"]) <= at_ns:
            return one
    raise NotFound(
        "This dataset did not exist yet.",
        field="version",
        value=told,
        fix=f"its first version is of {versions[-1]['created_at']}",
    )


def _item(item: Mapping[str, Any], version: Mapping[str, Any]) -> dict[str, Any]:
    """`version` is the time of the dataset's version: asked for at that time, the item is this one."""
    made = version["created_at"]
    return {
        "id": item["id"],
        "datasetId": version["name"],
        "datasetName": version["name"],
        "status": "ACTIVE",
        "input": item["input"],
        "expectedOutput": item["expected"],
        "metadata": {name: item[name] for name in _BESIDE if item[name]} | (item["metadata"] or {}),
        "sourceTraceId": None,
        "sourceObservationId": item["source_span"],
        "mediaReferences": [],
        "version": made,
        "createdAt": made,
        "updatedAt": made,
    }
