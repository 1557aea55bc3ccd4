"""Scores: given by applications, people and end users; listed for anybody who may read."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, page
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.known import check_known
from assay_server.core.ports import Principal
from assay_server.ingest import SAID, ScoreInput, told_again
from assay_server.query import ScoreFilter, score_json

router = APIRouter(tags=["scores"])

Reader = Annotated[Principal, Depends(principal("read"))]
Scorer = Annotated[Principal, Depends(principal("score"))]
Author = Annotated[Principal, Depends(principal("ingest"))]
"""The public key that may only score is everybody's: with it anybody could take back what another end user said."""


@router.post("/scores", status_code=HTTP_201_CREATED, summary="Give one score or a list of them")
async def post_scores(request: Request, caller: Scorer, body: ScoreInput | list[ScoreInput]) -> dict[str, Any]:
    """The same `id` twice is stored once; where it says something else it is kept beside the first, under an id of its
    own. A `value`, a `label`, a `reason` (a comment) or an `error` is needed."""
    given = body if isinstance(body, list) else [body]
    rooms = services(request)
    scores, known = await rooms.ingest.scores_known(caller, given)
    told = [score_json(score) for score in scores]
    before = await rooms.scores.by_id(caller.project, [score.id for score in known]) if known else {}
    for at, (score, shown) in enumerate(zip(scores, told, strict=True)):
        first = before.get(score.id)
        if first is None:
            continue
        if any(first[name] != shown[name] for name in SAID):
            [changed] = await rooms.ingest.scores(caller, [told_again(score)])
            told[at] = score_json(changed)
        else:
            told[at] = first
    return {"items": told}


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
    check_known("source", source)
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


@router.delete("/scores/{score:path}", status_code=HTTP_204_NO_CONTENT, summary="Take a score back")
async def take_back(request: Request, score: str, caller: Author) -> None:
    """By whoever gave it, or by an admin. It is gone from everything that is read from now on; the audit log keeps who
    took it back. A score of a run stays: verdicts were computed from it."""
    await services(request).keeping.scores.take_back(caller, score)
