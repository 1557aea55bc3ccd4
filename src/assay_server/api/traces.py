"""Spans, traces and the values to filter them by."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from assay_server.api.auth import principal
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, page
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.ports import Principal
from assay_server.query import SpanFilter, TraceFilter

router = APIRouter(tags=["traces"])

Reader = Annotated[Principal, Depends(principal("read"))]
Scores = Annotated[list[str] | None, Query(description="`name:op:value` over the mean; op: lt, le, gt, ge, eq, ne")]
Time = Annotated[str | None, Query(description="RFC 3339")]


@router.get("/spans", summary="Spans, newest first")
async def list_spans(
    request: Request,
    caller: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    trace_id: str | None = None,
    kind: str | None = None,
    name: str | None = None,
    model: str | None = None,
    status: str | None = None,
    release: str | None = None,
    run: str | None = None,
    user: str | None = None,
    session: str | None = None,
) -> dict[str, Any]:
    narrow = SpanFilter(trace_id, kind, name, model, status, release, run, user, session)
    after = decode_cursor(cursor, 2)
    found = await services(request).traces.spans(caller.project, narrow, limit=limit, after=after)
    return page(found.items, found.total, found.following)


@router.get("/traces", summary="Traces, newest first")
async def list_traces(
    request: Request,
    caller: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    since: Time = None,
    until: Time = None,
    model: str | None = None,
    provider: str | None = None,
    user: str | None = None,
    session: str | None = None,
    status: str | None = None,
    kind: str | None = None,
    name: str | None = None,
    text: Annotated[str | None, Query(max_length=1000, description="In inputs, outputs and names")] = None,
    release: str | None = None,
    channel: str | None = None,
    canary: str | None = None,
    arm: str | None = None,
    run: str | None = None,
    environment: str | None = None,
    tag: str | None = None,
    min_latency_ms: float | None = None,
    max_latency_ms: float | None = None,
    min_cost: float | None = None,
    score: Scores = None,
) -> dict[str, Any]:
    narrow = TraceFilter(
        since_ns=nanoseconds(since, "since"),
        until_ns=nanoseconds(until, "until"),
        model=model,
        provider=provider,
        kind=kind,
        name=name,
        status=status,
        user=user,
        session=session,
        release=release,
        channel=channel,
        canary=canary,
        arm=arm,
        run=run,
        environment=environment,
        tag=tag,
        text=text,
        min_latency_ms=min_latency_ms,
        max_latency_ms=max_latency_ms,
        min_cost=min_cost,
        scores=tuple(score or ()),
    )
    after = decode_cursor(cursor, 2)
    found = await services(request).traces.find(caller.project, narrow, limit=limit, after=after)
    return page(found.items, found.total, found.following)


@router.get("/traces/{trace_id}", summary="One trace with its spans and scores")
async def get_trace(request: Request, caller: Reader, trace_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).traces.get(caller.project, trace_id.lower())
    return found


@router.get("/facets", summary="The values a field has, most frequent first")
async def facets(request: Request, caller: Reader, field: str) -> dict[str, Any]:
    return {"items": await services(request).traces.facets(caller.project, field)}
