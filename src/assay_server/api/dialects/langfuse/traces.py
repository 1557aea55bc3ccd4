"""Langfuse's traces read back; and their deletion, which is ours, with its proof (`GET /api/v1/deletions`)."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import Response

from assay_server.api.answers import Document, written
from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, texts_in
from assay_server.api.dialects.deleting import MOST, delete_traces
from assay_server.api.dialects.ids import trace_id_of
from assay_server.api.dialects.langfuse import filters
from assay_server.api.dialects.langfuse.errors import LangfuseRoute
from assay_server.api.dialects.langfuse.paging import Paged, groups
from assay_server.api.dialects.langfuse.score_shapes import score_v1_json
from assay_server.api.dialects.langfuse.shapes import (
    ABOUT_TRACE,
    SPAN_ID,
    TRACE_ID,
    VERSION,
    is_trace,
    observation_json,
    sent_ids,
    trace_id_told,
    trace_json,
)
from assay_server.api.services import Services, services
from assay_server.api.times import nanoseconds
from assay_server.core.errors import InvalidInput, NotFound, TooLarge
from assay_server.core.ports import Principal
from assay_server.query import Head, Order, TraceFilter

router = APIRouter(prefix="/traces", route_class=LangfuseRoute)

Admin = Annotated[Principal, Depends(principal("admin"))]
Reader = Annotated[Principal, Depends(principal("read"))]

_CLIENT = "a Langfuse client"
_GROUPS = frozenset({"core", "io", "scores", "observations", "metrics"})
_NEWEST, _OLDEST = "timestamp.desc", "timestamp.asc"
_ORDERS = {_NEWEST: None, _OLDEST: Order("start", descending=False)}

_COLUMNS: filters.Table = {
    **filters.texts_of("id", "trace_id", trace_id_of),
    **filters.texts_of("traceid", "trace_id", trace_id_of),
    **filters.texts("name", filters.field("called")),
    **filters.texts("tracename", filters.field("called")),
    **filters.texts_of("userid", "user"),
    **filters.texts_of("sessionid", "session"),
    **filters.texts_of("release", "release"),
    **filters.texts("version", lambda value: filters.attribute(VERSION, value, "filter")),
    **filters.texts_of("environment", "environment", filters.known_environment),
    **filters.tags("tags"),
    **filters.tags("tracetags"),
    **{(of, "any of"): filters.texts_of(of, "tag")[of, "any of"] for of in ("tags", "tracetags")},
    **filters.times("timestamp"),
    **filters.numbers("latency", "latency_ms", 1000),
    **filters.numbers("totalcost", "cost"),
    **filters.numbers("totaltokens", "tokens"),
    **filters.metadata("langfuse.trace.metadata"),
}


class TraceQuery(Paged):
    name: str | None = Field(None, description="What the trace is called")
    user_id: str | None = Field(None, alias="userId")
    session_id: str | None = Field(None, alias="sessionId")
    from_timestamp: str | None = Field(None, alias="fromTimestamp", description="RFC 3339")
    to_timestamp: str | None = Field(None, alias="toTimestamp", description="RFC 3339, exclusive")
    order_by: str = Field(_NEWEST, alias="orderBy", description=f"{_NEWEST} or {_OLDEST}")
    tags: list[str] | None = Field(None, max_length=20, description="The trace has all of them")
    version: str | None = None
    release: str | None = None
    environment: list[str] | None = Field(None, max_length=20, description="One of them")
    fields: str | None = Field(None, description=f"Groups: {', '.join(sorted(_GROUPS))}")
    filter: str | None = Field(None, max_length=20_000, description="Conditions in JSON: docs/langfuse.md")

    def narrowed(self) -> TraceFilter:
        """Raises InvalidInput for what cannot be asked for here."""
        parameters: filters.Narrowed = {
            "called": self.name,
            "user": self.user_id,
            "session": self.session_id,
            "since_ns": nanoseconds(self.from_timestamp, "fromTimestamp"),
            "until_ns": nanoseconds(self.to_timestamp, "toTimestamp"),
            "tags": tuple(self.tags or ()),
            "release": self.release,
            "environment": [filters.known_environment(one) for one in self.environment or ()] or None,
        }
        parameters |= filters.attribute(VERSION, self.version, "version") if self.version else {}
        return TraceFilter(**filters.both(parameters, filters.read_filter(self.filter, _COLUMNS)))


@router.get("", summary="Langfuse: traces, by pages", response_model=Document)
async def list_traces(request: Request, caller: Reader, query: Annotated[TraceQuery, Query()]) -> Response:
    """What is asked for behind the first ten thousand is refused; `totalItems` is at least so many."""
    shown = groups(query.fields, _GROUPS, _GROUPS)
    rooms, narrow = services(request), query.narrowed()
    trace_ids, total = await _page(rooms, caller.project, narrow, query)
    heads = await rooms.traces.heads(caller.project, trace_ids, SPAN_ID, ABOUT_TRACE)
    data = [trace_json(heads[one], caller.project, shown) for one in trace_ids if one in heads]
    return written({"data": data, "meta": query.told(total)})


async def _page(rooms: Services, project: str, narrow: TraceFilter, query: TraceQuery) -> tuple[list[str], int]:
    skipped = query.skipped("fromTimestamp", "toTimestamp")
    if query.order_by not in _ORDERS:
        raise InvalidInput(
            "Traces come in the order of their time.",
            field="orderBy",
            value=query.order_by[:80],
            fix=f"ask for {_NEWEST} or {_OLDEST}",
        )
    found = await rooms.traces.ids(project, narrow, limit=skipped + query.limit, order=_ORDERS[query.order_by])
    return found.items[skipped:], found.total


@router.get("/{trace_id:path}", summary="Langfuse: a trace with its observations and scores", response_model=Document)
async def get(
    request: Request,
    caller: Reader,
    trace_id: str,
    fields: Annotated[str | None, Query(description=f"Groups: {', '.join(sorted(_GROUPS))}")] = None,
) -> Response:
    """A client that just flushed wants to see it: what waits for more is written first."""
    shown, told = groups(fields, _GROUPS, _GROUPS), trace_id_of(trace_id)
    rooms = services(request)
    await rooms.partial_spans.flush(caller.project, told)
    try:
        if "observations" in shown:
            found = await rooms.traces.get(caller.project, told)
            return written(await asyncio.to_thread(_whole, found, caller.project, shown))
        return written(await _without_observations(rooms, caller.project, told, shown))
    except NotFound as error:
        raise _unknown("traceId", trace_id) from error
    except TooLarge as error:
        fix = "ask with fields=core,io,scores,metrics, and turn the pages of GET /api/public/v2/observations?traceId=…"
        raise TooLarge(error.message, field="traceId", value=trace_id[:80], fix=fix) from error


def _whole(found: dict[str, Any], project: str, shown: frozenset[str]) -> dict[str, Any]:
    root = next(span for span in found["spans"] if span["span_id"] == found["root_span_id"])
    called, trace_id = sent_ids(found["spans"]), trace_id_told(root)
    observations = [
        {**observation_json(span, project, called), "traceId": trace_id}
        for span in found["spans"]
        if not is_trace(span)
    ]
    scores = _scores(found["scores"], project, trace_id, called) if "scores" in shown else []
    said: dict[str, Any] = {}
    for span in found["spans"]:
        said |= {name: value for name, value in span["attributes"].items() if name.startswith(ABOUT_TRACE)}
    told = trace_json(Head(found, root, [], [], {}, said), project, shown)
    return {**told, "observations": observations, "scores": scores}


async def _without_observations(rooms: Services, project: str, trace_id: str, shown: frozenset[str]) -> dict[str, Any]:
    """Of a trace of any length. Raises NotFound."""
    found = await rooms.traces.get(project, trace_id, outline=True)
    head = (await rooms.traces.heads(project, [trace_id], SPAN_ID, ABOUT_TRACE))[trace_id]
    told = trace_json(head, project, shown)
    called = head.sent_as | ({head.root["span_id"]: TRACE_ID} if is_trace(head.root) else {})
    return {**told, "scores": _scores(found["scores"], project, told["id"], called) if "scores" in shown else []}


def _scores(
    given: list[dict[str, Any]], project: str, trace_id: str, called: Mapping[str, str]
) -> list[dict[str, Any]]:
    told = [score_v1_json(score, project, trace_id, called) for score in given]
    return [score for score in told if score is not None]


@router.delete("/{trace_id}", summary="Langfuse: delete a trace")
async def delete(request: Request, trace_id: str, caller: Admin) -> dict[str, str]:
    """As there, it is gone a moment after the answer."""
    if not await delete_traces(services(request), caller, [trace_id_of(trace_id)], _CLIENT):
        raise _unknown("trace_id", trace_id)
    return {"message": "Trace deleted successfully"}


@router.delete("", summary="Langfuse: delete traces")
async def delete_multiple(request: Request, caller: Admin) -> dict[str, str]:
    """Those that nobody knows are passed over, unless nobody knows any."""
    told = texts_in(await json_body(request), "traceIds", MOST)
    if not told:
        raise InvalidInput("'traceIds' is missing.", field="traceIds", fix="send the ids of the traces in a list")
    if not await delete_traces(services(request), caller, [trace_id_of(one) for one in told], _CLIENT):
        raise _unknown("traceIds", told[0])
    return {"message": "Traces deleted successfully"}


def _unknown(field: str, value: str) -> NotFound:
    return NotFound(
        "Nothing of this trace is stored.", field=field, value=value[:80], fix="look the id up in GET /api/v1/traces"
    )
