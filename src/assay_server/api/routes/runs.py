"""Runs: evaluations of a release, an endpoint or recorded answers on a dataset version."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, page
from assay_server.api.services import services
from assay_server.core.errors import InvalidInput
from assay_server.core.ports import Principal

router = APIRouter(tags=["evaluation"])

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]


class RunBody(BaseModel):
    """Who answers: the application at `endpoint`, the `recorded` answers, or the `release` through the gateway."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(description="id, name@version or name")
    release: str | None = None
    endpoint: str | None = Field(None, description="the application under test: an http(s) address that takes POST")
    recorded: list[dict[str, Any]] | None = Field(None, description='[{"item", "output", "contexts"?, "latency_ms"?}]')
    metrics: list[str] | None = None
    suite: str | None = Field(None, description="take the metrics of this suite")
    concurrency: int | None = None
    repeats: int | None = None


class CancelBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(None, max_length=2000)


@router.post("/runs", status_code=HTTP_201_CREATED, summary="Start a run; it is finished even if the server is killed")
async def start_run(request: Request, body: RunBody, caller: Writer) -> dict[str, Any]:
    given = body.model_dump(exclude_none=True)
    started: dict[str, Any] = await services(request).runs.start(caller.project, caller.actor, given)
    return started


@router.get("/runs", summary="Runs, newest first")
async def list_runs(
    request: Request, caller: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    after = decode_cursor(cursor, 2)
    found, total, following = await services(request).runs.list(caller.project, limit=limit, after=after)
    return page(found, total, following)


@router.get("/runs/{run}", summary="One run with its scores, n, errors and intervals")
async def get_run(request: Request, run: str, caller: Reader) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).runs.get(caller.project, run)
    return found


@router.get("/runs/{run}/items", summary="What was answered and scored, item by item, in the dataset's order")
async def list_run_items(
    request: Request, run: str, caller: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    start = _offset(cursor)
    found = await services(request).runs.items(caller.project, run)
    end = start + limit
    return page(found[start:end], len(found), [end] if end < len(found) else None)


@router.get("/runs/{a}/compare/{b}", summary="Two runs item by item, the largest differences first (b minus a)")
async def compare_runs(request: Request, a: str, b: str, caller: Reader) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).runs.compare(caller.project, a, b)
    return found


@router.post("/runs/{run}/cancel", summary="Stop a run; what it has answered stays")
async def cancel_run(request: Request, run: str, caller: Writer, body: CancelBody | None = None) -> dict[str, Any]:
    reason = None if body is None else body.reason
    found: dict[str, Any] = await services(request).runs.cancel(caller.project, run, actor=caller.actor, reason=reason)
    return found


def _offset(cursor: str | None) -> int:
    """A run's items never change their order, so a position is a safe cursor here. Raises InvalidInput."""
    after = decode_cursor(cursor, 1)
    if after is None:
        return 0
    if not isinstance(after[0], int) or after[0] < 0:
        raise InvalidInput("This cursor was not made by this list.", field="cursor", value=cursor, fix="leave it out")
    return after[0]
