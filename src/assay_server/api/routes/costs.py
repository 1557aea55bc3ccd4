"""What was spent, why it changed, what it will be and what could be saved; where a trace's tokens go."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from assay_server.api.answers import Document, written
from assay_server.api.auth import principal
from assay_server.api.openapi import answers
from assay_server.api.routes.chargeback import as_csv, last_month
from assay_server.api.routes.chargeback_page import About, as_page
from assay_server.api.services import services
from assay_server.api.times import nanoseconds, week_before
from assay_server.core.clock import DAY_NS, SystemClock, in_utc, parse_rfc3339, rfc3339
from assay_server.core.errors import NotFound
from assay_server.core.ports import Principal
from assay_server.query import CostFilter, forecast_costs

router = APIRouter(tags=["costs"])

Reader = Annotated[Principal, Depends(principal("read"))]

_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2261, 12, 31)  # those before and after them can be said, too


class _Narrow(BaseModel):
    """A filter nobody knows is refused: ignoring it would answer another question."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None
    provider: str | None = None
    user: str | None = None
    session: str | None = None
    feature: str | None = None
    tenant: str | None = None
    cost_center: str | None = None
    prompt: str | None = None
    release: str | None = None
    channel: str | None = None
    environment: str | None = None
    service: str | None = None
    name: str | None = None
    tag: str | None = None
    search: str | None = Field(
        None, max_length=2000, description="A line of the list of traces, without times: calls of what it finds"
    )

    def only(self) -> dict[str, str]:
        """What it is narrowed to."""
        return {name: value for name in _Narrow.model_fields if (value := getattr(self, name)) is not None}

    def within(self, since_ns: int, until_ns: int) -> CostFilter:
        given: dict[str, Any] = self.only()
        return CostFilter(since_ns, until_ns, **given)


class _Window(_Narrow):
    since: str | None = Field(None, description="RFC 3339; default: 7 days before 'until'")
    until: str | None = Field(None, description="RFC 3339, exclusive; default: now")

    def filter(self) -> CostFilter:
        return self.within(*week_before(self.since, self.until))


class BreakdownQuery(_Window):
    group_by: str | None = Field(None, max_length=200)
    bin: Literal["hour", "day"] | None = None
    limit: int = Field(50, ge=1, le=500, description="how many groups, dearest first")


class SavingsQuery(_Window):
    ttl_s: float = Field(3600, gt=0, le=31_536_000, description="how long a cache would have kept an answer")
    under: int = Field(1000, ge=1, description="tokens of a call below which a cheaper model would have done")
    cheaper: str | None = Field(None, max_length=200, description="that model, as provider/model")


class ForecastQuery(_Narrow):
    days: int = Field(14, ge=1, le=92, description="how many days ahead")
    history: int = Field(84, ge=28, le=730, description="how many full days to learn from")


class WhyQuery(_Narrow):
    day: date | None = Field(None, ge=_FIRST_DAY, le=_LAST_DAY, description="a UTC day; default: yesterday")
    against: date | None = Field(None, ge=_FIRST_DAY, le=_LAST_DAY, description="default: the day before")


class ChargebackQuery(_Window):
    group_by: str = Field("cost_center", max_length=200)
    format: Literal["json", "csv", "html"] = "json"
    since: str | None = Field(None, description="RFC 3339; default: the start of the month before")
    until: str | None = Field(None, description="RFC 3339, exclusive; default: now, without 'since' the month's end")

    def filter(self) -> CostFilter:
        now = SystemClock().now_ns()
        month = last_month(now)
        since, until = nanoseconds(self.since, "since"), nanoseconds(self.until, "until")
        end = month[1] if since is None else now
        return self.within(month[0] if since is None else since, end if until is None else until)


@router.get("/costs", summary="Costs by model, user, feature, tag, …")
async def breakdown(request: Request, caller: Reader, query: Annotated[BreakdownQuery, Query()]) -> dict[str, Any]:
    narrow = await _searched(request, caller, query.filter())
    found: dict[str, Any] = await services(request).costs.breakdown(
        caller.project, narrow, query.group_by, bin_name=query.bin, limit=query.limit
    )
    return found | await _lacking(request, caller.project, narrow)


async def _searched(request: Request, caller: Principal, narrow: CostFilter) -> CostFilter:
    found: CostFilter = await services(request).costs.searched(caller.project, narrow)
    return found


async def _lacking(request: Request, project: str, narrow: CostFilter) -> dict[str, Any]:
    """What is not in the sums of a window: until when retention took away calls, and what sampling rules dropped (of
    the whole project: nobody knows whose it was)."""
    gone_ns = await _removed_before(request, project, narrow)
    dropped = await services(request).intake.counts.dropped(project, narrow.since_ns, narrow.until_ns)
    return {"removed_before": None if gone_ns is None else rfc3339(gone_ns), "dropped": dropped}


async def _removed_before(request: Request, project: str, narrow: CostFilter) -> int | None:
    """Until when retention took away calls of a window, or some of them; None where it took none."""
    retention = services(request).keeping.retention
    gone_ns: int = await retention.spans_gone_before_ns(project, narrow.environment)
    return min(gone_ns, narrow.until_ns) if gone_ns > narrow.since_ns else None


@router.get(
    "/costs/chargeback",
    summary="The report to charge by: JSON, CSV, or a page to print",
    response_class=Response,
    responses=answers("application/json", "text/csv", "text/html"),
)
async def chargeback(request: Request, caller: Reader, query: Annotated[ChargebackQuery, Query()]) -> Response:
    narrow = await _searched(request, caller, query.filter())
    found = await services(request).costs.breakdown(caller.project, narrow, query.group_by, limit=10_000)
    found["repriced_at"] = await services(request).prices.changed_after(
        caller.project, narrow.since_ns, narrow.until_ns
    )
    found |= await _lacking(request, caller.project, narrow)
    if query.format == "json":
        return JSONResponse(found)
    return (
        as_csv(found) if query.format == "csv" else as_page(found, await _about(request, caller.project, found, query))
    )


async def _about(request: Request, project: str, report: Mapping[str, Any], query: ChargebackQuery) -> About:
    """Releases are noted by their ids, and nobody who pays knows those."""
    values = [item["value"] for item in report["items"] if report["group_by"] == "release"]
    ids = [value for value in values if value is not None and value.startswith("rel_")]
    names = {id_: name for id_ in ids if (name := await _release(request, project, id_)) is not None}
    known = await services(request).accounts.project(project)
    return About(known["name"], rfc3339(SystemClock().now_ns()), query.only(), names)


async def _release(request: Request, project: str, id_: str) -> str | None:
    try:
        found = await services(request).releases.get(project, id_)
    except NotFound:  # of a project that it was moved from, or a client's own word
        return None
    return f"{found['name']}@{found['version']}"


@router.get("/costs/forecast", summary="What the next days will cost, with an 80 % interval")
async def forecast(request: Request, caller: Reader, query: Annotated[ForecastQuery, Query()]) -> dict[str, Any]:
    today = SystemClock().now_ns() // DAY_NS * DAY_NS
    window = await _searched(request, caller, query.within(today - query.history * DAY_NS, today))
    return await forecast_costs(services(request).costs, caller.project, window, query.days)


@router.get("/costs/why", summary="Why a day cost more or less than another")
async def why(request: Request, caller: Reader, query: Annotated[WhyQuery, Query()]) -> dict[str, Any]:
    today = SystemClock().now_ns() // DAY_NS * DAY_NS
    day = today - DAY_NS if query.day is None else _start_of(query.day)
    against = day - DAY_NS if query.against is None else _start_of(query.against)
    both = await _searched(request, caller, query.within(min(day, against), max(day, against) + DAY_NS))
    found: dict[str, Any] = await services(request).cost_changes.why(caller.project, day, against, both)
    lacking = await _lacking(request, caller.project, both)
    if lacking["removed_before"] is not None:
        gone = in_utc(parse_rfc3339(lacking["removed_before"]))
        found["sentence"] += f" Calls before {gone}, or some of them, were let go by retention."
    if lacking["dropped"] is not None:
        found["sentence"] += f" Sampling rules dropped {lacking['dropped']['calls']:,} more of the project."
    return found | lacking


@router.get("/costs/savings", summary="What a cache, a cheaper model or a shorter prompt would have saved")
async def savings(request: Request, caller: Reader, query: Annotated[SavingsQuery, Query()]) -> dict[str, Any]:
    narrow = await _searched(request, caller, query.filter())
    found: dict[str, Any] = await services(request).savings.find(
        caller.project, narrow, ttl_s=query.ttl_s, under=query.under, cheaper=query.cheaper
    )
    return found


@router.get("/traces/{trace_id}/tokens", summary="Where a trace's tokens went", response_model=Document)
async def trace_tokens(request: Request, caller: Reader, trace_id: str) -> Response:
    return written(await services(request).token_use.trace(caller.project, trace_id.lower()))


@router.get("/steps", summary="The steps of traces of one kind: time, tokens, cost")
async def steps(
    request: Request,
    caller: Reader,
    name: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    since_ns, until_ns = week_before(since, until)
    found: dict[str, Any] = await services(request).token_use.steps(caller.project, name, since_ns, until_ns, limit)
    return found


def _start_of(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000
