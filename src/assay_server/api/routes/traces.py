"""Spans, traces and the values to filter them by."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import Response

from assay_server.api.answers import Document, written
from assay_server.api.auth import principal
from assay_server.api.deleted import deletion_told
from assay_server.api.keyset import after_counted, after_ranked, ranked_key
from assay_server.api.narrowing import Listing, Narrow, TraceQuery, narrowed
from assay_server.api.pages import decode_cursor, page
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.clock import SystemClock
from assay_server.core.known import check_known
from assay_server.core.ports import Principal
from assay_server.ingest import TOOL_LOOP, loop_counted
from assay_server.query import (
    ORDERS_OF_TRACES,
    Order,
    SpanFilter,
    TraceFilter,
    Traces,
    line_json,
    offered_tools,
    read_line,
)

router = APIRouter(tags=["traces"])

Reader = Annotated[Principal, Depends(principal("read"))]


class SpanQuery(Narrow):
    since: str | None = Field(None, description="RFC 3339; spans that began then or later")
    until: str | None = Field(None, description="RFC 3339, exclusive")
    trace_id: str | None = None
    kind: str | None = None
    name: str | None = None
    model: str | None = None
    status: str | None = None
    release: str | None = None
    run: str | None = None
    user: str | None = None
    session: str | None = None
    service: str | None = None
    environment: str | None = None

    def narrowed(self) -> SpanFilter:
        """Raises InvalidInput for what is not a time."""
        check_known("kind", self.kind)
        check_known("status", self.status)
        given = self.model_dump(include=set(SpanQuery.model_fields) - {"since", "until"})
        since, until = nanoseconds(self.since, "since"), nanoseconds(self.until, "until")
        return SpanFilter(**given, since_ns=since, until_ns=until)


class SpanList(SpanQuery, Listing):
    pass


@router.get("/spans", summary="Spans, newest first")
async def list_spans(request: Request, caller: Reader, query: Annotated[SpanList, Query()]) -> dict[str, Any]:
    narrow = query.narrowed()
    after = decode_cursor(query.cursor, 2)
    found = await services(request).traces.spans(caller.project, narrow, limit=query.limit, after=after)
    return page(found.items, found.total, found.following)


class TraceList(TraceQuery, Listing):
    sort: str | None = Field(
        None,
        max_length=300,
        description="`FIELD:asc` or `:desc`, FIELD being start, latency, cost, tokens or score.NAME; else newest first",
    )


@router.get("/traces", summary="Traces, newest first or in another order")
async def list_traces(request: Request, caller: Reader, query: Annotated[TraceList, Query()]) -> dict[str, Any]:
    narrow, traces = narrowed(query), services(request).traces
    if query.sort is None:
        answer = await _newest(traces, caller.project, narrow, query)
    else:
        answer = await _sorted(traces, caller.project, narrow, query, Order.read(query.sort, ORDERS_OF_TRACES))
    return {**answer, "text": await traces.text_state(caller.project) if narrow.text else None}


async def _newest(traces: Traces, project: str, narrow: TraceFilter, query: TraceList) -> dict[str, Any]:
    after = after_counted(query.cursor)
    found = await traces.find(project, narrow, limit=query.limit, after=after and after[0])
    total, exact = (found.total, found.exact) if after is None else after[1:]
    following = None if found.following is None else [*found.following, total, int(exact)]
    return {**page(found.items, total, following), **_told(exact, None)}


async def _sorted(traces: Traces, project: str, narrow: TraceFilter, query: TraceList, order: Order) -> dict[str, Any]:
    after = after_ranked(query.cursor, order)
    found = await traces.ranked(project, narrow, order, limit=query.limit, after=after and after[0])
    total, among = (found.total, found.among) if after is None else after[1:]
    following = ranked_key(order, found, total, among)
    return {**page(found.items, total, following), **_told(among is None, among)}


def _told(exact: bool, among: int | None) -> dict[str, Any]:
    return {"total_is": "exact" if exact else "at_least", "sorted_among": among}


@router.get("/traces/{trace_id}", summary="One trace with its spans and scores", response_model=Document)
async def get_trace(
    request: Request,
    caller: Reader,
    trace_id: str,
    outline: Annotated[bool, Query(description="spans without texts and attributes")] = False,
) -> Response:
    traces = services(request).traces
    async with deletion_told(request, caller, trace_id.lower()):
        found = await traces.get(caller.project, trace_id.lower(), outline=outline)
    if any(score["name"] == TOOL_LOOP for score in found["scores"]):
        calls = await traces.tool_calls(caller.project, found["trace_id"])
        found["scores"] = await asyncio.to_thread(_with_loops, found["scores"], calls)
    return written(found)


def _with_loops(scores: list[dict[str, Any]], calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A flag says how often a circle came until it was seen; here how often it came in the end."""
    return [loop_counted(score, calls) if score["name"] == TOOL_LOOP else score for score in scores]


@router.get("/traces/{trace_id}/spans/{span_id}", summary="One span, whole", response_model=Document)
async def get_span(request: Request, caller: Reader, trace_id: str, span_id: str) -> Response:
    async with deletion_told(request, caller, trace_id.lower()):
        span = await services(request).traces.span(caller.project, trace_id.lower(), span_id.lower())
    return written({**span, "tools": await asyncio.to_thread(offered_tools, span)})


@router.get("/facets", summary="The values a field has, most frequent first")
async def facets(request: Request, caller: Reader, field: str) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).traces.facets(caller.project, field)
    return found


@router.get("/search/state", summary="How far the text index is behind what is stored")
async def search_state(request: Request, caller: Reader) -> dict[str, Any]:
    """`behind` counts rows that are read plainly until they are indexed."""
    state: dict[str, Any] = await services(request).traces.text_state(caller.project)
    return state


@router.get("/search/parse", summary="What a line of filters says, part by part")
async def parse_line(caller: Reader, q: Annotated[str, Query(max_length=2000)]) -> dict[str, Any]:
    """The filters of `GET /traces` that say the same, and the place of every part."""
    return line_json(q, read_line(q, SystemClock().now_ns()))
