"""Backups and compactions: they concern the whole server, so they are for admins of its first project."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.keyset import after_name
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["keeping"])


async def operator(request: Request, caller: Annotated[Principal, Depends(principal("admin"))]) -> Principal:
    """An admin of the first project. Raises Forbidden."""
    services(request).keeping.only_home(caller.project)
    return caller


Operator = Annotated[Principal, Depends(operator)]


class BackupBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(None, max_length=2000)


@router.post("/backups", status_code=HTTP_202_ACCEPTED, summary="Make a backup of everything, while the server runs")
async def ask(request: Request, caller: Operator, body: BackupBody | None = None) -> dict[str, Any]:
    keeping = services(request).keeping
    asked: dict[str, Any] = await keeping.backups.ask(caller.actor, None if body is None else body.reason)
    keeping.wake()
    return asked


@router.get("/backups", summary="Backups, newest first")
async def list_backups(
    request: Request, caller: Operator, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    found, total, following = await services(request).keeping.backups.list(limit=limit, after=after_name(cursor))
    return page(found, total, None if following is None else [following])


@router.get("/backups/{backup}", summary="One backup")
async def get_backup(request: Request, backup: str, caller: Operator) -> dict[str, Any]:
    return dict(await services(request).keeping.backups.get(backup))


@router.post("/backups/{backup}/verify", status_code=HTTP_202_ACCEPTED, summary="Restore it beside, open it, compare")
async def verify(request: Request, backup: str, caller: Operator) -> dict[str, Any]:
    keeping = services(request).keeping
    told: dict[str, Any] = await keeping.backups.verify(caller.actor, backup)
    keeping.wake()
    return told


@router.delete("/backups/{backup}", status_code=HTTP_204_NO_CONTENT, summary="Remove a backup with its files")
async def delete_backup(request: Request, backup: str, caller: Operator) -> None:
    await services(request).keeping.backups.delete(caller.actor, backup)


@router.get("/compactions", summary="How often the store was written anew, newest first")
async def list_compactions(request: Request, caller: Operator, limit: Limit = DEFAULT_LIMIT) -> dict[str, Any]:
    found = await services(request).keeping.compactions.list(limit)
    return page(found, len(found), None)


@router.post("/compactions", status_code=HTTP_202_ACCEPTED, summary="Write the store anew, now")
async def compact(request: Request, caller: Operator) -> dict[str, Any]:
    keeping = services(request).keeping
    asked: dict[str, Any] = await keeping.compactions.ask(caller.actor)
    keeping.wake()
    return asked
