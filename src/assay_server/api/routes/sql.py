"""SQL over one's own facts."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from assay_server.api.auth import principal
from assay_server.api.gone import unless_gone
from assay_server.api.services import services
from assay_server.core.ports import Principal
from assay_server.query import Answer

router = APIRouter(prefix="/sql", tags=["sql"])

Reader = Annotated[Principal, Depends(principal("read"))]

_NOBODY_LISTENS = 499


class Query(BaseModel):
    """One SELECT. Nothing a query says can reach another project, a file or the network."""

    model_config = ConfigDict(extra="forbid")

    sql: str = Field(min_length=1, max_length=20_000)
    limit: int = Field(1000, ge=1, le=10_000, description="Rows; `truncated` tells where there were more")


@router.post("", summary="Run one SELECT over this project's facts")
async def run(request: Request, caller: Reader, query: Query) -> Response:
    """Hanging up stops it."""
    work = services(request).sql.run(caller.project, query.sql, limit=query.limit)
    answer: Answer | None = await unless_gone(request, work)
    if answer is None:
        return Response(status_code=_NOBODY_LISTENS)
    told = {"columns": answer.columns, "rows": answer.rows, "truncated": answer.truncated}
    return JSONResponse({**told, "elapsed_ms": answer.elapsed_ms})


@router.get("/schema", summary="The tables, columns and functions that can be used")
async def schema(request: Request, caller: Reader) -> dict[str, Any]:
    found: dict[str, Any] = services(request).sql.schema()
    return found
