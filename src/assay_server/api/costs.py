"""What was spent, why it changed, what it will be and what could be saved; where a trace's tokens go."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from assay_server.api.auth import principal
from assay_server.api.chargeback import as_csv, as_page, last_month
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.clock import SystemClock
from assay_server.core.ports import Principal
from assay_server.query import CostFilter

router = APIRouter(tags=["costs"])

Reader = Annotated[Principal, Depends(principal("read"))]

_DAY_NS = 86_400_000_000_000
_WEEK_NS = 7 * _DAY_NS


class _Narrow(BaseModel):
    """A filter nobody knows is refused: ignoring it would answer another question."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None
    provider: str | None = None
    user: str | None = None
    session: str | None = None
    prompt: str | None = None
    release: str | None = None
    channel: str | None = None
    environment: str | None = None
    service: str | None = None
    name: str | None = None
    tag: str | None = None

    def within(self, since_ns: int, until_ns: int) -> CostFilter:
        return CostFilter(since_ns, until_ns, **{name: getattr(self, name) for name in _Narrow.model_fields})


class _Window(_Narrow):
    since: str | None = Field(None, description="RFC 3339; default: 7 days before 'until'")
    until: str | None = Field(None, description="RFC 3339, exclusive; default: now")

    def filter(self) -> CostFilter:
        until = nanoseconds(self.until, "until") or SystemClock().now_ns()
        return self.within(nanoseconds(self.since, "since") or until - _WEEK_NS, until)


class BreakdownQuery(_Window):
    group_by: str | None = Field(None, max_length=200)
    bin: Literal["hour", "day"] | None = None
    limit: int = Field(50, ge=1, le=500, description="how many groups, dearest first")


class ChargebackQuery(_Window):
    group_by: str = Field("cost_center", max_length=200)
    format: Literal["json", "csv", "html"] = "json"

    def filter(self) -> CostFilter:
        month = last_month(SystemClock().now_ns())
        since, until = nanoseconds(self.since, "since"), nanoseconds(self.until, "until")
        return self.within(month[0] if since is None else since, month[1] if until is None else until)


@router.get("/costs", summary="Costs by model, user, feature, tag, …")
async def breakdown(request: Request, caller: Reader, query: Annotated[BreakdownQuery, Query()]) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).costs.breakdown(
        caller.project, query.filter(), query.group_by, bin_name=query.bin, limit=query.limit
    )
    return found


@router.get("/costs/chargeback", summary="The report to charge by: JSON, CSV, or a page to print")
async def chargeback(request: Request, caller: Reader, query: Annotated[ChargebackQuery, Query()]) -> Response:
    found = await services(request).costs.breakdown(caller.project, query.filter(), query.group_by, limit=10_000)
    if query.format == "json":
        return JSONResponse(found)
    return as_csv(found) if query.format == "csv" else as_page(found)
