"""Langfuse's datasets over Assay's registry: a dataset is its name, a version the time at which it was made.

A dataset without items is only announced: a version is the hash of its items. Each item that is put makes a version.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, required, text
from assay_server.api.dialects.langfuse.errors import LangfuseRoute
from assay_server.api.services import Services, services
from assay_server.core.clock import parse_rfc3339
from assay_server.core.errors import InvalidInput, NotFound, Refused
from assay_server.core.ports import Principal

router = APIRouter(route_class=LangfuseRoute)

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]

_BESIDE = ("contexts", "cluster", "tags")  # fields of an item that Langfuse has not: they go into its metadata
_SOURCE_TRACE = "sourceTraceId"  # a field of Langfuse's that an item has not: it goes into its metadata
_SCHEMAS = ("inputSchema", "expectedOutputSchema")


@router.post("/v2/datasets", summary="Langfuse: make a dataset")
async def create(request: Request, caller: Writer) -> dict[str, Any]:
    """It has no version until its first item. One that is there already gets the description and metadata."""
    body = await json_body(request)
    name = required(body, "name")
    for field in _SCHEMAS:
        if body.get(field) is not None:
            raise Refused(
                "Items are not held to a schema here.", field=field, fix="leave it out; check the items first"
            )
    rooms = services(request)
    await rooms.datasets.announce(
        caller.project,
        caller.actor,
        name,
        description=text(body, "description"),
        metadata=_object(body.get("metadata")),
    )
    return await _dataset(rooms, caller.project, name)


@router.get("/v2/datasets/{name:path}", summary="Langfuse: a dataset")
async def get(request: Request, name: str, caller: Reader) -> dict[str, Any]:
    """Its id is its name: it stays the same over all versions."""
    return await _dataset(services(request), caller.project, name)


@router.post("/dataset-items", summary="Langfuse: put an item into a dataset")
async def put(request: Request, caller: Writer) -> dict[str, Any]:
    """An equal id takes the place of the one that is there."""
    body = await json_body(request)
    name = required(body, "datasetName")
    if body.get("status") not in (None, "ACTIVE"):
        raise Refused(
            "An item is not archived here.",
            field="status",
            value=str(body["status"])[:80],
            fix="import a version of the dataset without it: assay dataset import",
        )
    trace = text(body, "sourceTraceId")
    given = {
        "id": text(body, "id"),
        "input": body.get("input"),
        "expected": body.get("expectedOutput"),
        "source_span": text(body, "sourceObservationId"),
        "metadata": _object(body.get("metadata")) | ({} if trace is None else {_SOURCE_TRACE: trace}),
    }
    rooms = services(request)
    stored = await rooms.datasets.put_item(caller.project, caller.actor, name, given)
    return _item(stored, (await rooms.datasets.versions(caller.project, name))[0])


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
    versions = await _versions(rooms, caller.project, name)
    if not versions and version is None:
        return {"data": [], "meta": {"page": page, "limit": limit, "totalItems": 0, "totalPages": 0}}
    chosen = _at(versions, version)
    found, total, _ = await rooms.datasets.items_page(
        caller.project, f"{name}@{chosen['version']}", limit=limit, after=(page - 1) * limit - 1
    )
    pages = {"page": page, "limit": limit, "totalItems": total, "totalPages": -(-total // limit)}
    return {"data": [_item(item, chosen) for item in found], "meta": pages}


async def _versions(rooms: Services, project: str, name: str) -> Sequence[Mapping[str, Any]]:
    """None for a dataset that is only announced. Raises NotFound."""
    try:
        found: Sequence[Mapping[str, Any]] = await rooms.datasets.versions(project, name)
    except NotFound:
        if await rooms.datasets.announced(project, name) is None:
            raise
        return []
    return found


async def _dataset(rooms: Services, project: str, name: str) -> dict[str, Any]:
    versions = await _versions(rooms, project, name)
    about = await rooms.datasets.announced(project, name)
    first = about["created_at"] if about is not None else None
    made = [version["created_at"] for version in versions]
    described = (about or {}).get("description") or next((version["description"] for version in versions), None)
    return {
        "id": name,
        "name": name,
        "projectId": project,
        "description": described,
        "metadata": (about or {}).get("metadata") or {},
        "inputSchema": None,
        "expectedOutputSchema": None,
        "createdAt": made[-1] if made else first,
        "updatedAt": made[0] if made else first,
    }


def _object(metadata: Any) -> dict[str, Any]:
    """What is no object is kept under a name."""
    if metadata is None:
        return {}
    return metadata if isinstance(metadata, dict) else {"metadata": metadata}


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
        fix=f"its first version is of {versions[-1]['created_at']}" if versions else "it has no item yet",
    )


def _item(item: Mapping[str, Any], version: Mapping[str, Any]) -> dict[str, Any]:
    """`version` is the time of the dataset's version: asked for at that time, the item is this one."""
    made = version["created_at"]
    metadata = {name: item[name] for name in _BESIDE if item[name]} | (item["metadata"] or {})
    return {
        "id": item["id"],
        "datasetId": version["name"],
        "datasetName": version["name"],
        "status": "ACTIVE",
        "input": item["input"],
        "expectedOutput": item["expected"],
        "metadata": {key: value for key, value in metadata.items() if key != _SOURCE_TRACE},
        "sourceTraceId": metadata.get(_SOURCE_TRACE),
        "sourceObservationId": item["source_span"],
        "mediaReferences": [],
        "version": made,
        "createdAt": made,
        "updatedAt": made,
    }
