"""Langfuse's metrics: those by day. Its queries of metrics are refused, naming what answers them here."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from assay_server.api.auth import principal
from assay_server.api.dialects.langfuse import filters
from assay_server.api.dialects.langfuse.errors import LangfuseRoute
from assay_server.api.dialects.langfuse.paging import Paged
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.clock import DAY_NS, SystemClock, rfc3339
from assay_server.core.errors import InvalidInput, Refused
from assay_server.core.ports import Principal
from assay_server.query import DayOfUse

router = APIRouter(route_class=LangfuseRoute)

Reader = Annotated[Principal, Depends(principal("read"))]

_MOST_DAYS = 366


class DailyQuery(Paged):
    user_id: str | None = Field(None, alias="userId")
    tags: list[str] | None = Field(None, max_length=20, description="Traces that have all of these")
    environment: list[str] | None = Field(None, max_length=20, description="One of these")
    from_timestamp: str | None = Field(None, alias="fromTimestamp", description="RFC 3339; by default a year before")
    to_timestamp: str | None = Field(None, alias="toTimestamp", description="RFC 3339, exclusive; by default now")

    def range(self) -> tuple[int, int]:
        """Raises InvalidInput for one that is empty or too long."""
        told = nanoseconds(self.to_timestamp, "toTimestamp")
        until_ns = SystemClock().now_ns() if told is None else told
        since_ns = nanoseconds(self.from_timestamp, "fromTimestamp")
        since_ns = until_ns - _MOST_DAYS * DAY_NS if since_ns is None else since_ns
        if not 0 < until_ns - since_ns <= _MOST_DAYS * DAY_NS:
            raise InvalidInput(
                f"A range of days begins before it ends, and has at most {_MOST_DAYS} days.",
                field="fromTimestamp",
                value=rfc3339(since_ns),
                fix="narrow it by fromTimestamp and toTimestamp",
            )
        return since_ns, until_ns

    def narrowed(self) -> list[dict[str, list[str]]]:
        """All of these hold. Raises InvalidInput for an environment that cannot be asked for."""
        one_of = {"user": [self.user_id] if self.user_id else [], "environment": self.environment or []}
        for environment in one_of["environment"]:
            filters.known_environment(environment)
        found = [{word: values} for word, values in one_of.items() if values]
        return [*found, *({"tag": [tag]} for tag in self.tags or [])]


@router.get("/metrics/daily", summary="Langfuse: traces, observations, tokens and costs by day")
async def daily(request: Request, caller: Reader, query: Annotated[DailyQuery, Query()]) -> dict[str, Any]:
    """The newest day first; days without anything are left out, and so is traffic of evaluation runs."""
    skipped, (since_ns, until_ns) = query.skipped("fromTimestamp", "toTimestamp"), query.range()
    days = await services(request).costs.daily(caller.project, since_ns, until_ns, query.narrowed())
    shown = days[skipped : skipped + query.limit]
    return {"data": [_day_json(day) for day in shown], "meta": query.told(len(days))}


@router.get("/metrics", summary="Langfuse: queries of metrics, which are refused")
@router.get("/v2/metrics", summary="Langfuse: queries of metrics, which are refused")
async def queried(caller: Reader) -> dict[str, Any]:
    raise Refused(
        "Langfuse's queries of metrics are not spoken here.",
        field="query",
        fix="ask GET /api/public/metrics/daily for traces, tokens and costs by day, GET /api/v1/costs for costs by any"
        " field, POST /api/v1/sql for anything else",
    )


def _day_json(day: DayOfUse) -> dict[str, Any]:
    return {
        "date": rfc3339(day.start_ns)[:10],
        "countTraces": day.traces,
        "countObservations": day.spans,
        "totalCost": sum(used.usd for used in day.models),
        "usage": [
            {
                "model": used.model,
                "inputUsage": used.input,
                "outputUsage": used.output,
                "totalUsage": used.input + used.output,
                "countTraces": used.traces,
                "countObservations": used.calls,
                "totalCost": used.usd,
            }
            for used in day.models
        ],
    }
