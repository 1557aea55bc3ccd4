"""What leaves by itself, and is held after a restore: of the whole server, so for admins of its first project."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.routes.backups import Operator
from assay_server.api.services import services

router = APIRouter(prefix="/outgoing", tags=["keeping"])


class StartBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(None, max_length=2000)


@router.get("", summary="Whether messages, forwards and exports leave, or are held after a restore")
async def state(request: Request, caller: Operator) -> dict[str, Any]:
    return dict(await services(request).keeping.outgoing.state())


@router.post("/start", summary="Let them leave from now on")
async def start(request: Request, caller: Operator, body: StartBody | None = None) -> dict[str, Any]:
    """Where nothing is held nothing changes."""
    reason = None if body is None else body.reason
    return dict(await services(request).keeping.outgoing.start(caller.actor, reason))
