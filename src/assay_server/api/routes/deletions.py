"""Deletion of a person by the id that their spans carry, or of one trace, with proof."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse
from starlette.status import HTTP_200_OK, HTTP_202_ACCEPTED

from assay_server.api.auth import principal
from assay_server.api.keyset import after_name
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import services
from assay_server.core.ports import Principal
from assay_server.keeping import Asked

router = APIRouter(prefix="/deletions", tags=["keeping"])

Admin = Annotated[Principal, Depends(principal("admin"))]


class DeletionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: str | None = Field(None, min_length=1, max_length=100_000, description="as it stands in the spans")
    trace_id: str | None = Field(None, description="instead of a user: all of one trace, whoever is named in it")
    reason: str = Field(min_length=1, max_length=2000)
    datasets: Literal["keep", "erase"] = Field("keep", description="golden-set items made from these spans")


@router.post(
    "",
    status_code=HTTP_202_ACCEPTED,
    summary="Delete what is stored of a user, or a trace, or look at what that is",
    responses={HTTP_200_OK: {"description": "What there is (`dry_run`)"}},
)
async def ask(
    request: Request,
    response: Response,
    body: DeletionBody,
    caller: Admin,
    dry_run: Annotated[bool, Query(description="change nothing, tell what there is")] = False,
) -> dict[str, Any]:
    keeping = services(request).keeping
    asked = Asked(body.user, None if body.trace_id is None else body.trace_id.replace("-", "").lower())
    if dry_run:
        response.status_code = HTTP_200_OK
        return dict(await keeping.deletions.preview(caller.project, asked))
    found: dict[str, Any] = await keeping.deletions.ask(caller.project, caller.actor, asked, body.reason, body.datasets)
    keeping.wake()
    return found


@router.get("", summary="Deletions, newest first")
async def list_deletions(
    request: Request, caller: Admin, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    found, total, following = await services(request).keeping.deletions.list(
        caller.project, limit=limit, after=after_name(cursor)
    )
    return page(found, total, None if following is None else [following])


@router.get("/{deletion}", summary="One deletion, and how far it is")
async def get_deletion(request: Request, deletion: str, caller: Admin) -> dict[str, Any]:
    return dict(await services(request).keeping.deletions.get(caller.project, deletion))


@router.get("/{deletion}/proof", summary="The certificate, signed by the audit chain")
async def proof(request: Request, deletion: str, caller: Admin) -> JSONResponse:
    found = await services(request).keeping.deletions.proof(caller.project, deletion)
    headers = {"content-disposition": f'attachment; filename="proof-{deletion}.json"'}
    return JSONResponse(dict(found), headers=headers)
