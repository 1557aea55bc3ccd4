"""Figures for Prometheus, of the project of the key that asks."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from assay_server.api.auth import principal
from assay_server.api.openapi import answers
from assay_server.api.services import services
from assay_server.core.ports import Principal
from assay_server.query import exposition

router = APIRouter(tags=["server"])

Reader = Annotated[Principal, Depends(principal("read"))]


@router.get(
    "/metrics",
    summary="Figures in Prometheus' text format",
    response_class=Response,
    responses=answers("text/plain"),
)
async def metrics(request: Request, caller: Reader) -> Response:
    """Counters are counted from the facts: they go on after a restart, and fall only when facts are deleted."""
    families = await services(request).figures.read(caller.project)
    return Response(exposition(families), media_type="text/plain; version=0.0.4; charset=utf-8")
