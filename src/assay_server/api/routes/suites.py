"""Suites: the metrics, bars and margins that a gate applies."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.auth import principal
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["evaluation"])

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]


class RuleBody(BaseModel):
    """A bar for the metric itself, a margin against the baseline, or both; in the metric's own units."""

    model_config = ConfigDict(extra="forbid")

    metric: str
    bar: float | None = None
    margin: float | None = None
    direction: Literal["higher", "lower"] | None = Field(None, description="default: the metric's own")
    slice: str | None = Field(None, description="only items with this tag")
    optional: bool = Field(False, description="left out, not inconclusive, where it applies to no item")


class SuiteBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    metrics: list[RuleBody]
    alpha: float | None = Field(None, description="two-sided level of the intervals, default 0.05")
    min_items: int | None = Field(None, description="below it nothing is decided, default 20")
    max_error_rate: float | None = Field(None, description="share of failed judgements that is tolerated, default 0.05")
    description: str | None = None


@router.put("/suites/{name:path}", summary="Create or replace a suite")
async def put_suite(request: Request, name: str, body: SuiteBody, caller: Writer) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).suites.put(
        caller.project, caller.actor, name, body.model_dump(exclude_none=True)
    )
    return found


@router.get("/suites", summary="The suites, the built-in 'golden' included")
async def list_suites(request: Request, caller: Reader) -> dict[str, Any]:
    found = await services(request).suites.list(caller.project)
    return {"items": found, "total": len(found), "next": None}
