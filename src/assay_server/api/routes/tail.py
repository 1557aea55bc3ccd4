"""Live tail, as server-sent events."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from assay_server.api.auth import Permission, principal
from assay_server.api.narrowing import MOST, Several, asked, said
from assay_server.api.openapi import answers
from assay_server.api.services import services
from assay_server.api.welcome import StillWelcome
from assay_server.core.errors import InvalidInput
from assay_server.core.ports import Principal
from assay_server.query import News, TailFilter, read_condition

router = APIRouter(tags=["tail"])

_PERMISSION: Permission = "read"
Reader = Annotated[Principal, Depends(principal(_PERMISSION))]


class TailQuery(BaseModel):
    """A filter nobody knows is refused."""

    model_config = ConfigDict(extra="forbid")

    q: str | None = Field(None, max_length=2000, description="All filters in one line: docs/api/search.md")
    trace_id: Several = []
    kind: Several = []
    name: Several = []
    model: Several = []
    status: Several = []
    user: Several = []
    session: Several = []
    prompt: Several = []
    prompt_version: Several = []
    error_type: Several = []
    endpoint: Several = []
    release: Several = []
    environment: Several = []
    feature: Several = []
    tenant: Several = []
    cost_center: Several = []
    text: str | None = None
    exclude: list[str] = Field([], max_length=MOST, description="A part of `q` that may not hold: `status:error`")


@router.get(
    "/tail",
    summary="Spans and scores as they are stored (server-sent events)",
    response_class=StreamingResponse,
    responses=answers("text/event-stream"),
)
async def tail(request: Request, caller: Reader, query: Annotated[TailQuery, Query()]) -> StreamingResponse:
    """Events `span`, `score` and `missed`; a comment every 15 quiet seconds. Nothing is repeated after a reconnect."""
    news = services(request).tail.watch(caller.project, _filter(query))
    first = await anext(news)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(request, caller, first, news), media_type="text/event-stream", headers=headers)


async def _events(
    request: Request, caller: Principal, first: News, rest: AsyncGenerator[News, None]
) -> AsyncIterator[bytes]:
    """Ends for a key that was revoked and a session that ended: a stream would outlive both."""
    is_welcome = StillWelcome(request, caller, _PERMISSION)
    async with aclosing(rest):
        yield _event(first)
        async for news in rest:
            if not await is_welcome():
                return
            yield _event(news)


def _event(news: News) -> bytes:
    if news.kind == "quiet":
        return b": quiet\n\n"
    return f"event: {news.kind}\ndata: {json.dumps(news.data)}\n\n".encode()


def _filter(query: TailQuery) -> TailFilter:
    """Raises `InvalidInput` for what cannot be known of a span that was just stored."""
    wanted, excluded = asked(said(query.model_dump(exclude={"q"})), query.q)
    return replace(_known(wanted, query.q), exclude=tuple(_known(each, query.q) for each in excluded))


def _known(wanted: dict[str, Any], q: str | None) -> TailFilter:
    for name, why in _NOT_YET.items():
        if name in wanted:
            fix = f"leave '{name}' out, or look at the list of traces"
            raise InvalidInput(why, field="q", value=q, fix=fix)
    conditions = tuple(read_condition(text) for text in wanted.pop("attribute", ()))
    differs = tuple(wanted.pop("differs", ()))
    return TailFilter(**wanted, attributes=conditions, differs=differs)


_NOT_YET = {
    "score": "A span is judged after it is stored: a live tail knows no scores.",
    "since": "A live tail shows what comes from now on.",
    "until": "A live tail shows what comes from now on.",
}
