"""The metrics that can be asked for, each with what it cannot see."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from assay_server.api.auth import principal
from assay_server.api.services import services
from assay_server.checks import Check
from assay_server.core.ports import Principal

router = APIRouter(tags=["evaluation"])

Reader = Annotated[Principal, Depends(principal("read"))]


@router.get("/checks", summary="The metrics, with formula, range and blind spots")
async def list_checks(request: Request, caller: Reader) -> dict[str, Any]:
    found = [_json(check) for check in services(request).checks]
    return {"items": found, "total": len(found), "next": None}


def _json(check: Check) -> dict[str, Any]:
    about = check.about
    return {
        "name": check.name,
        "version": check.version,
        "range": list(about.range),
        "unit": about.unit,
        "direction": about.direction,
        "describes": about.describes,
        "cannot_see": about.cannot_see,
        "formula": about.formula,
        "latency_class": check.latency_class,
    }
