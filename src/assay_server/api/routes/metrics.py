"""Figures for Prometheus, of the project of the key that asks."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from assay_server.api.auth import principal
from assay_server.api.openapi import answers
from assay_server.api.services import services
from assay_server.core.ports import Principal
from assay_server.query import Family, exposition

router = APIRouter(tags=["server"])

Reader = Annotated[Principal, Depends(principal("read"))]


@router.get(
    "/metrics",
    summary="Figures in Prometheus' text format",
    response_class=Response,
    responses=answers("text/plain"),
)
async def metrics(request: Request, caller: Reader) -> Response:
    """Counters are counted from the facts: they go on after a restart, and do not fall when facts are deleted."""
    families = await services(request).figures.read(caller.project)
    families += quota_families(services(request).intake.quotas.get(caller.project)["use"])
    return Response(exposition(families), media_type="text/plain; version=0.0.4; charset=utf-8")


def quota_families(use: list[dict[str, Any]]) -> list[Family]:
    """A quota that is not set has no limit to tell."""

    def family(name: str, about: str, key: str) -> Family:
        known = [quota for quota in use if quota[key] is not None]
        return Family(name, "gauge", about, [("", {"quota": quota["quota"]}, float(quota[key])) for quota in known])

    return [
        family("assay_quota_used", "What came in the quota's day or month.", "used"),
        family("assay_quota_limit", "What may come in the quota's day or month.", "limit"),
        family("assay_quota_refused_requests", "Requests refused in that day or month.", "refused"),
    ]
