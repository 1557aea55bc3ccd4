"""Langfuse's observations read back: by pages with all fields (versions 2 to 4), or from where a list ended, with the
groups of fields that are asked for (3 to 5)."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import Response

from assay_server.api.answers import Document, written
from assay_server.api.auth import principal
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.dialects.langfuse import filters
from assay_server.api.dialects.langfuse.errors import LangfuseRoute
from assay_server.api.dialects.langfuse.observation_filters import COLUMNS, of_level, of_parent, of_type
from assay_server.api.dialects.langfuse.paging import Paged, Strict, groups
from assay_server.api.dialects.langfuse.shapes import IS_APP_ROOT, TRACE_ID, VERSION, is_trace, observation_json, raw_of
from assay_server.api.dialects.lookup import known_traces_of
from assay_server.api.pages import decode_cursor, encode_cursor
from assay_server.api.services import Services, services
from assay_server.api.times import nanoseconds
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ports import Principal
from assay_server.ingest import ROOT_NAME
from assay_server.query import SpanFilter

router = APIRouter(route_class=LangfuseRoute)

Reader = Annotated[Principal, Depends(principal("read"))]

_FIELDS: dict[str, tuple[str, ...]] = {
    "core": ("id", "traceId", "startTime", "endTime", "projectId", "parentObservationId", "type"),
    "basic": ("name", "level", "statusMessage", "version", "environment"),
    "time": ("completionStartTime", "createdAt", "updatedAt"),
    "io": (),
    "metadata": ("metadata",),
    "model": ("model", "modelId", "modelParameters", "inputPrice", "outputPrice", "totalPrice"),
    "usage": ("usageDetails", "costDetails"),
    "prompt": ("promptId", "promptName", "promptVersion"),
    "metrics": ("latency", "timeToFirstToken"),
    "trace_context": (),
}
"""What each group has of `observation_json`; some have more."""
_GROUPS, _ALWAYS, _AT_FIRST = frozenset(_FIELDS), frozenset({"core"}), frozenset({"core", "basic"})


class _Asked(Strict):
    """What both forms of the list are narrowed by."""

    name: str | None = None
    user_id: str | None = Field(None, alias="userId")
    type: str | None = Field(None, description="GENERATION, SPAN, EVENT, AGENT, TOOL, …")
    trace_id: str | None = Field(None, alias="traceId")
    level: str | None = Field(None, description="DEBUG, DEFAULT, WARNING or ERROR")
    parent_observation_id: str | None = Field(None, alias="parentObservationId")
    environment: list[str] | None = Field(None, max_length=20, description="One at a time")
    from_start_time: str | None = Field(None, alias="fromStartTime", description="RFC 3339")
    to_start_time: str | None = Field(None, alias="toStartTime", description="RFC 3339, exclusive")
    version: str | None = None
    filter: str | None = Field(None, max_length=20_000, description="Conditions in JSON: docs/langfuse.md")

    @classmethod
    def may_be_empty(cls) -> frozenset[str]:
        """Nothing above it: then it is the outermost."""
        return frozenset({"parent_observation_id"})

    def parameters(self) -> filters.Narrowed:
        narrowed: filters.Narrowed = {
            "name": self.name,
            "user": self.user_id,
            "trace_id": trace_id_of(self.trace_id) if self.trace_id else None,
            "since_ns": nanoseconds(self.from_start_time, "fromStartTime"),
            "until_ns": nanoseconds(self.to_start_time, "toStartTime"),
            "environment": filters.one_environment(self.environment),
        }
        given = [
            of_type(self.type, "type") if self.type else {},
            of_level(self.level, "level") if self.level else {},
            {} if self.parent_observation_id is None else of_parent(self.parent_observation_id),
            filters.attribute(VERSION, self.version, "version") if self.version else {},
        ]
        for one in given:
            narrowed = filters.both(narrowed, one)
        return narrowed

    def narrowed(self) -> SpanFilter:
        """Raises InvalidInput for what cannot be asked for here."""
        both = filters.both(self.parameters(), filters.read_filter(self.filter, COLUMNS))
        return SpanFilter(**both, lacking=TRACE_ID, leading=IS_APP_ROOT, named_by=ROOT_NAME)


class ObservationQuery(_Asked, Paged):
    """By pages."""


class ObservationV2Query(_Asked):
    """From where a page before ended."""

    session_id: str | None = Field(None, alias="sessionId")
    is_root_observation: bool | None = Field(None, alias="isRootObservation")
    fields: str | None = Field(None, description=f"Groups: {', '.join(_FIELDS)}")
    expand_metadata: str | None = Field(None, alias="expandMetadata", description="All of it is, always")
    parse_io_as_json: bool | None = Field(None, alias="parseIoAsJson", description="They are texts: false")
    limit: int = Field(50, ge=1, le=1000)
    cursor: str | None = None

    def parameters(self) -> filters.Narrowed:
        if self.parse_io_as_json:
            raise InvalidInput(
                "Inputs and outputs are texts here.",
                field="parseIoAsJson",
                value=True,
                fix="leave it out, and parse them",
            )
        if self.is_root_observation is False:
            raise InvalidInput(
                "All but the outermost cannot be asked for.",
                field="isRootObservation",
                value=False,
                fix="leave it out, and pass over those where it is true",
            )
        outermost = {"outermost": True} if self.is_root_observation else {}
        return {**super().parameters(), "session": self.session_id, **outermost}


@router.get("/observations", summary="Langfuse: observations, by pages", response_model=Document)
async def by_pages(request: Request, caller: Reader, query: Annotated[ObservationQuery, Query()]) -> Response:
    """What is asked for behind the first ten thousand is refused."""
    skipped, narrow = query.skipped("fromStartTime", "toStartTime"), query.narrowed()
    await _flush(services(request), caller.project, narrow)
    found = await services(request).traces.spans(caller.project, narrow, limit=query.limit, skip=skipped)
    data = [observation_json(span, caller.project) for span in found.items]
    return written({"data": data, "meta": query.told(found.total)})


@router.get("/v2/observations", summary="Langfuse: observations, newest first", response_model=Document)
async def by_cursor(request: Request, caller: Reader, query: Annotated[ObservationV2Query, Query()]) -> Response:
    shown, narrow, rooms = groups(query.fields, _GROUPS, _AT_FIRST) | _ALWAYS, query.narrowed(), services(request)
    await _flush(rooms, caller.project, narrow)
    after = decode_cursor(query.cursor, 2)
    found = await rooms.traces.spans(caller.project, narrow, limit=query.limit, after=after)
    names: dict[str, str] = {}
    if "trace_context" in shown:
        trace_ids = list(dict.fromkeys(span["trace_id"] for span in found.items))
        names = {row["trace_id"]: row["name"] for row in await rooms.traces.rows(caller.project, trace_ids)}
    meta = {} if found.following is None else {"cursor": encode_cursor(found.following)}
    data = await asyncio.to_thread(lambda: [_shown(span, caller.project, shown, names) for span in found.items])
    return written({"data": data, "meta": meta})


@router.get("/observations/{observation_id:path}", summary="Langfuse: one observation")
async def get(request: Request, caller: Reader, observation_id: str) -> dict[str, Any]:
    """A client that just flushed wants to see it: what waits for more is written first."""
    rooms, span_id = services(request), span_id_of(observation_id)
    known = await known_traces_of(rooms, caller.project, [span_id], looks=1)
    if span_id in known:
        await rooms.partial_spans.flush(caller.project, known[span_id])
        span = await rooms.traces.span(caller.project, known[span_id], span_id)
        if not is_trace(span):
            return observation_json(span, caller.project)
    raise NotFound(
        "There is no such observation.",
        field="observationId",
        value=observation_id[:80],
        fix="look the id up in GET /api/public/v2/observations; one that has not ended is not there yet",
    )


async def _flush(rooms: Services, project: str, narrow: SpanFilter) -> None:
    if narrow.trace_id is not None:
        await rooms.partial_spans.flush(project, narrow.trace_id)


def _shown(span: dict[str, Any], project: str, shown: frozenset[str], names: dict[str, str]) -> dict[str, Any]:
    whole = observation_json(span, project)
    told = {name: whole[name] for group in _FIELDS if group in shown for name in _FIELDS[group]}
    if "basic" in shown:
        told |= {"bookmarked": False, "public": False, "userId": span["user"], "sessionId": span["session"]}
        told["isRootObservation"] = whole["parentObservationId"] is None or IS_APP_ROOT in span["attributes"]
    if "io" in shown:
        told |= {side: raw_of(span, side) for side in ("input", "output")}
    if "model" in shown:
        told["internalModelId"] = None
    if "usage" in shown:
        told |= {"totalCost": span["cost"], "usagePricingTierName": None}
    if "trace_context" in shown:
        told |= {"tags": span["tags"], "release": span["release"], "traceName": names.get(span["trace_id"])}
    return told
