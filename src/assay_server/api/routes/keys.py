"""API keys of the project. A secret is in the answer that made it, and nowhere else."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict
from starlette.status import HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.pages import page
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["keys"])

Reader = Annotated[Principal, Depends(principal("read"))]
Admin = Annotated[Principal, Depends(principal("admin"))]


class KeyBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    role: str = "ingest"


class RevokeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str | None = None


@router.get("/keys", summary="All keys, newest first, without their secrets")
async def list_keys(request: Request, caller: Admin) -> dict[str, Any]:
    found = await services(request).accounts.keys(caller.project)
    return page(found, len(found), None)


@router.get("/keys/names", summary="What the keys are called, for who reads by which key something was done")
async def key_names(request: Request, caller: Reader) -> dict[str, Any]:
    """No secret: the audit log says the same of every key that was made."""
    found = await services(request).accounts.key_names(caller.project)
    return page(found, len(found), None)


@router.post("/keys", status_code=HTTP_201_CREATED, summary="Create a key; its secret is shown this once")
async def create(request: Request, body: KeyBody, caller: Admin) -> dict[str, Any]:
    return dict(
        await services(request).accounts.create_key(caller.project, caller.actor, name=body.name, role=body.role)
    )


@router.delete("/keys/{key}", summary="Revoke a key, at once")
async def revoke(request: Request, key: str, caller: Admin, body: RevokeBody | None = None) -> dict[str, Any]:
    reason = None if body is None else body.reason
    return dict(await services(request).accounts.revoke_key(caller.project, caller.actor, key, reason))
