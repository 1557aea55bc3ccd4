"""The audit log: who did what, when and why."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from assay_server.api.auth import principal
from assay_server.api.keyset import after_number
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.ports import Principal

router = APIRouter(tags=["audit"])

Reader = Annotated[Principal, Depends(principal("read"))]
Since = Annotated[str | None, Query(description="RFC 3339; what was done then or later")]
Until = Annotated[str | None, Query(description="RFC 3339; what was done before")]


@router.get("/audit", summary="Audit events, newest first")
async def list_events(
    request: Request,
    caller: Reader,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    found, total, following = await services(request).audit.list(
        caller.project,
        limit=limit,
        after=after_number(cursor),
        actor=actor,
        action=action,
        subject=subject,
        since_ns=nanoseconds(since, "since"),
        until_ns=nanoseconds(until, "until"),
    )
    return page(found, total, None if following is None else [following])


@router.get("/audit/verify", summary="Recompute the chain of hashes")
async def verify(request: Request, caller: Reader) -> dict[str, Any]:
    return dict(await services(request).audit.verify(caller.project))
