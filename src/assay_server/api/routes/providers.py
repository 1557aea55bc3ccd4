"""Providers: whom models are called at. Keys stay in the server's environment; only their variable is named."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.pages import page
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["providers"])

Reader = Annotated[Principal, Depends(principal("read"))]
Admin = Annotated[Principal, Depends(principal("admin"))]


class ProviderBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: str = "openai"
    base_url: str = Field(max_length=2000)
    key_env: str | None = Field(None, description="the server's environment variable that holds the vendor's key")


@router.get("/providers", summary="All providers, by name")
async def list_providers(request: Request, caller: Reader) -> dict[str, Any]:
    found = await services(request).providers.list(caller.project)
    return page(found, len(found), None)


@router.put("/providers/{name}", summary="Add or change a provider")
async def put(request: Request, name: str, body: ProviderBody, caller: Admin) -> dict[str, Any]:
    return dict(await services(request).providers.put(caller.project, caller.actor, name, **body.model_dump()))


@router.delete("/providers/{name}", status_code=HTTP_204_NO_CONTENT, summary="Remove a provider")
async def delete(request: Request, name: str, caller: Admin) -> None:
    await services(request).providers.delete(caller.project, caller.actor, name)
