"""Langfuse's sessions read back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import Response

from assay_server.api.answers import Document, written
from assay_server.api.auth import principal
from assay_server.api.dialects.langfuse import filters
from assay_server.api.dialects.langfuse.errors import LangfuseRoute
from assay_server.api.dialects.langfuse.paging import Paged
from assay_server.api.dialects.langfuse.shapes import ABOUT_TRACE, NO_ENVIRONMENT, SPAN_ID, trace_json
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.errors import TooLarge
from assay_server.core.ports import Principal
from assay_server.query import PeopleFilter

router = APIRouter(prefix="/sessions", route_class=LangfuseRoute)

Reader = Annotated[Principal, Depends(principal("read"))]

_WITH_TEXTS = frozenset({"core", "io", "metrics"})


class SessionQuery(Paged):
    from_timestamp: str | None = Field(None, alias="fromTimestamp", description="RFC 3339: began then or later")
    to_timestamp: str | None = Field(None, alias="toTimestamp", description="RFC 3339, exclusive: began before")
    environment: list[str] | None = Field(None, max_length=20, description="One at a time")

    def narrowed(self) -> PeopleFilter:
        """Raises InvalidInput for what cannot be asked for here."""
        return PeopleFilter(
            environment=filters.one_environment(self.environment),
            began_since_ns=nanoseconds(self.from_timestamp, "fromTimestamp"),
            began_until_ns=nanoseconds(self.to_timestamp, "toTimestamp"),
        )


@router.get("", summary="Langfuse: sessions, the last active first")
async def sessions(request: Request, caller: Reader, query: Annotated[SessionQuery, Query()]) -> dict[str, Any]:
    """What is asked for behind the first ten thousand is refused."""
    skipped, narrow = query.skipped("fromTimestamp", "toTimestamp"), query.narrowed()
    found = await services(request).people.sessions(caller.project, narrow, limit=query.limit, skip=skipped)
    return {"data": [_session(row, caller.project) for row in found.items], "meta": query.told(found.total)}


@router.get("/{session_id:path}", summary="Langfuse: a session with its traces", response_model=Document)
async def get(request: Request, caller: Reader, session_id: str) -> Response:
    rooms = services(request)
    found = await rooms.people.session(caller.project, session_id)
    if found["more"]:
        raise TooLarge(
            f"This session has more than {len(found['turns'])} traces, too many for one answer.",
            field="sessionId",
            value=session_id[:80],
            fix="turn the pages of GET /api/public/traces?sessionId=…",
        )
    trace_ids = [turn["trace_id"] for turn in found["turns"]]
    heads = await rooms.traces.heads(caller.project, trace_ids, SPAN_ID, ABOUT_TRACE)
    traces = [trace_json(heads[one], caller.project, _WITH_TEXTS) for one in trace_ids if one in heads]
    return written({**_session(found, caller.project), "traces": traces})


def _session(row: dict[str, Any], project: str) -> dict[str, Any]:
    environment = row["environment"] or NO_ENVIRONMENT
    return {"id": row["session"], "createdAt": row["start"], "projectId": project, "environment": environment}
