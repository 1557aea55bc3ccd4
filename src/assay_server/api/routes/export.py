"""Everything that matches, as a file."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.auth import Permission, principal
from assay_server.api.narrowing import TraceQuery, narrowed
from assay_server.api.openapi import answers
from assay_server.api.routes.traces import SpanQuery
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.api.unread import CutOff, ReadInTime
from assay_server.api.welcome import StillWelcome
from assay_server.core.known import check_known
from assay_server.core.ports import Principal
from assay_server.query import MEDIA_TYPES, Format, ScoreFilter

router = APIRouter(prefix="/export", tags=["export"])

_PERMISSION: Permission = "read"
Reader = Annotated[Principal, Depends(principal(_PERMISSION))]

_FILE = answers(*MEDIA_TYPES.values())


class TraceExport(TraceQuery):
    format: Format = "jsonl"


class SpanExport(SpanQuery):
    format: Format = "jsonl"


class ScoreExport(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Format = "jsonl"
    name: str | None = None
    trace_id: str | None = None
    run: str | None = None
    item: str | None = None
    since: str | None = Field(None, description="RFC 3339; scores given then or later")
    until: str | None = Field(None, description="RFC 3339, exclusive")
    source: str | None = Field(None, description="code, judge, human or end_user")


@router.get("/traces", summary="Traces as a file, newest first", response_class=ReadInTime, responses=_FILE)
async def export_traces(request: Request, caller: Reader, query: Annotated[TraceExport, Query()]) -> ReadInTime:
    return await _file(request, caller, narrowed(query), "traces", query)


@router.get("/spans", summary="Spans as a file, newest first", response_class=ReadInTime, responses=_FILE)
async def export_spans(request: Request, caller: Reader, query: Annotated[SpanExport, Query()]) -> ReadInTime:
    return await _file(request, caller, query.narrowed(), "spans", query)


@router.get("/scores", summary="Scores as a file, newest first", response_class=ReadInTime, responses=_FILE)
async def export_scores(request: Request, caller: Reader, query: Annotated[ScoreExport, Query()]) -> ReadInTime:
    check_known("source", query.source)
    narrow = ScoreFilter(
        query.name,
        query.trace_id,
        query.run,
        query.item,
        nanoseconds(query.since, "since"),
        until_ns=nanoseconds(query.until, "until"),
        source=query.source,
    )
    return await _file(request, caller, narrow, "scores", query)


async def _file(
    request: Request, caller: Principal, narrow: Any, kind: str, query: TraceExport | SpanExport | ScoreExport
) -> ReadInTime:
    """The first page is read before the answer begins, so that a wrong filter is told as such."""
    form = query.format
    stream = services(request).exports.download(caller.project, narrow, form)
    first = await anext(stream)
    given = query.model_dump(exclude_unset=True, exclude_none=True, exclude={"format"})
    await services(request).outbound.downloads.note(caller.project, caller.actor, kind, form, given)
    headers = {"content-disposition": f'attachment; filename="{kind}.{form}"'}
    return ReadInTime(
        _joined(first, stream, StillWelcome(request, caller, _PERMISSION)),
        media_type=MEDIA_TYPES[form],
        headers=headers,
    )


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None], is_welcome: StillWelcome) -> AsyncIterator[bytes]:
    """Cut off for a key that was revoked and a session that ended: millions of rows take minutes."""
    async with aclosing(rest):
        yield first
        async for part in rest:
            if not await is_welcome():
                raise CutOff("its key was revoked, or its session has ended")
            yield part
