"""Spans, traces and the values to filter them by."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.auth import principal
from assay_server.api.pages import DEFAULT_LIMIT, decode_cursor, page
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.ports import Principal
from assay_server.query import SpanFilter, TraceFilter

router = APIRouter(tags=["traces"])

Reader = Annotated[Principal, Depends(principal("read"))]


class _Listing(BaseModel):
    """A filter nobody knows is refused: ignoring it would answer another question."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=500, description="How many items a page holds")
    cursor: str | None = Field(None, description="`next` of the page before")


class SpanQuery(_Listing):
    trace_id: str | None = None
    kind: str | None = None
    name: str | None = None
    model: str | None = None
    status: str | None = None
    release: str | None = None
    run: str | None = None
    user: str | None = None
    session: str | None = None


class TraceQuery(_Listing):
    since: str | None = Field(None, description="RFC 3339")
    until: str | None = Field(None, description="RFC 3339, exclusive")
    model: str | None = None
    provider: str | None = None
    user: str | None = None
    session: str | None = None
    status: str | None = Field(None, description="ok, error or unset; error finds an error in any span")
    kind: str | None = None
    name: str | None = None
    text: str | None = Field(None, max_length=1000, description="In inputs, outputs and names")
    release: str | None = None
    channel: str | None = None
    canary: str | None = None
    arm: str | None = None
    run: str | None = None
    environment: str | None = None
    tag: str | None = None
    min_latency_ms: float | None = None
    max_latency_ms: float | None = None
    min_cost: float | None = Field(None, description="US dollars")
    score: list[str] = Field([], description="`name:op:value` over the mean; op: lt, le, gt, ge, eq, ne")


@router.get("/spans", summary="Spans, newest first")
async def list_spans(request: Request, caller: Reader, query: Annotated[SpanQuery, Query()]) -> dict[str, Any]:
    narrow = SpanFilter(**query.model_dump(exclude={"limit", "cursor"}))
    after = decode_cursor(query.cursor, 2)
    found = await services(request).traces.spans(caller.project, narrow, limit=query.limit, after=after)
    return page(found.items, found.total, found.following)


@router.get("/traces", summary="Traces, newest first")
async def list_traces(request: Request, caller: Reader, query: Annotated[TraceQuery, Query()]) -> dict[str, Any]:
    narrow = TraceFilter(
        since_ns=nanoseconds(query.since, "since"),
        until_ns=nanoseconds(query.until, "until"),
        scores=tuple(query.score),
        **query.model_dump(exclude={"limit", "cursor", "since", "until", "score"}),
    )
    after = decode_cursor(query.cursor, 2)
    found = await services(request).traces.find(caller.project, narrow, limit=query.limit, after=after)
    return page(found.items, found.total, found.following)


@router.get("/traces/{trace_id}", summary="One trace with its spans and scores")
async def get_trace(
    request: Request,
    caller: Reader,
    trace_id: str,
    outline: Annotated[bool, Query(description="spans without texts and attributes")] = False,
) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).traces.get(caller.project, trace_id.lower(), outline=outline)
    return found


@router.get("/traces/{trace_id}/spans/{span_id}", summary="One span, whole")
async def get_span(request: Request, caller: Reader, trace_id: str, span_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).traces.span(caller.project, trace_id.lower(), span_id.lower())
    return found


@router.get("/facets", summary="The values a field has, most frequent first")
async def facets(request: Request, caller: Reader, field: str) -> dict[str, Any]:
    return {"items": await services(request).traces.facets(caller.project, field)}
