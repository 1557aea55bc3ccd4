"""Scores: given by applications, people and end users; listed for anybody who may read."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.status import HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, page
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.ports import Principal
from assay_server.ingest import ScoreInput
from assay_server.query import ScoreFilter, score_json

router = APIRouter(tags=["scores"])

Reader = Annotated[Principal, Depends(principal("read"))]
Scorer = Annotated[Principal, Depends(principal("score"))]


@router.post("/scores", status_code=HTTP_201_CREATED, summary="Give one score or a list of them")
async def post_scores(request: Request, caller: Scorer, body: ScoreInput | list[ScoreInput]) -> dict[str, Any]:
    """The same `id` twice is stored once. Exactly one of `value` and `error` is needed."""
    given = body if isinstance(body, list) else [body]
    stored = await services(request).ingest.scores(caller, given)
    return {"items": [score_json(score) for score in stored]}


@router.get("/scores", summary="Scores, newest first")
async def list_scores(
    request: Request,
    caller: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    name: str | None = None,
    trace_id: str | None = None,
    run: str | None = None,
    item: str | None = None,
    since: str | None = None,
    until: str | None = None,
    source: str | None = None,
) -> dict[str, Any]:
    narrow = ScoreFilter(
        name=name,
        trace_id=trace_id,
        run=run,
        item=item,
        since_ns=nanoseconds(since, "since"),
        until_ns=nanoseconds(until, "until"),
        source=source,
    )
    after = decode_cursor(cursor, 2)
    found = await services(request).scores.find(caller.project, narrow, limit=limit, after=after)
    return page(found.items, found.total, found.following)
