"""Prices of the project's own, what nobody could price, and how far re-pricing is."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, seen_by, tagged
from assay_server.api.pages import page
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.clock import SystemClock
from assay_server.core.ports import Principal

router = APIRouter(tags=["costs"])

Reader = Annotated[Principal, Depends(principal("read"))]
Admin = Annotated[Principal, Depends(principal("admin"))]


class TierBody(BaseModel):
    """Rates of a call whose prompt has more than `over` tokens."""

    model_config = ConfigDict(extra="forbid")

    over: int
    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None


class PriceBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    input: float | None = Field(None, description="US dollars per million tokens")
    output: float | None = None
    cache_read: float | None = Field(None, description="default: as input")
    cache_write: float | None = Field(None, description="default: as input")
    reasoning: float | None = Field(None, description="default: as output")
    request: float | None = Field(None, description="US dollars per call")
    batch: float | None = Field(None, description="factor for batch calls; without it their cost is unknown")
    tiers: list[TierBody] | None = Field(None, max_length=20)
    unnamed: Literal["keep", "drop"] | None = Field(
        None, description="what becomes of what the price before it has and this one does not name; default: refused"
    )
    provider: str | None = Field(None, max_length=200)
    valid_from: str | None = Field(None, description="RFC 3339; default: for all time")
    reason: str | None = Field(None, max_length=2000)


@router.get("/prices", summary="The project's own prices")
async def list_prices(request: Request, caller: Reader) -> dict[str, Any]:
    found = await services(request).prices.list(caller.project)
    return page(found, len(found), None)


@router.get("/prices/lookup", summary="What a model costs at a moment")
async def look_up(
    request: Request, caller: Reader, model: str, provider: str | None = None, at: str | None = None
) -> dict[str, Any]:
    at_ns = nanoseconds(at, "at") or SystemClock().now_ns()
    found: dict[str, Any] = services(request).prices.lookup(caller.project, provider, model, at_ns)
    return found


@router.put("/prices/{model:path}", summary="Add or replace an own price; stored calls are re-priced")
async def put_price(
    request: Request, response: Response, model: str, body: PriceBody, caller: Admin, if_match: IfMatch = None
) -> dict[str, Any]:
    """A field that is null is named: the price has none. `instead_of` in the answer tells what calls of this model had
    by a wider own price or the public list and have no longer."""
    rates = body.model_dump(exclude_unset=True, exclude={"provider", "valid_from", "reason", "unnamed"})
    made: dict[str, Any] = await services(request).prices.put(
        caller.project,
        caller.actor,
        model,
        rates,
        provider=body.provider,
        valid_from=body.valid_from,
        unnamed=body.unnamed,
        reason=body.reason,
        seen=seen_by(if_match),
    )
    services(request).repricer.wake()
    return tagged(response, made)


@router.delete("/prices/{price}", status_code=HTTP_204_NO_CONTENT, summary="Remove an own price")
async def delete_price(request: Request, price: str, caller: Admin, reason: str | None = None) -> None:
    await services(request).prices.delete(caller.project, caller.actor, price, reason)
    services(request).repricer.wake()


@router.get("/repricings", summary="How far re-pricing is, newest first")
async def list_repricings(
    request: Request, caller: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> dict[str, Any]:
    found = await services(request).prices.repricings(caller.project, limit)
    return page(found, len(found), None)


@router.get("/models/unpriced", summary="Models with calls that nobody could price")
async def unpriced(
    request: Request, caller: Reader, since: str | None = None, until: str | None = None
) -> dict[str, Any]:
    """`others`: what other calls of the model cost, where anybody knows: only calls that say something more (batch,
    sound) or that came before the price are without one."""
    window = nanoseconds(since, "since"), nanoseconds(until, "until")
    found = await services(request).costs.unpriced(caller.project, *window)
    look_up = services(request).prices.lookup
    for row in found:
        seen_ns = nanoseconds(row["last_seen"], "last_seen") or 0
        others = look_up(caller.project, row["provider"], row["model"], seen_ns)
        row["others"] = None if others["source"] is None else others
    return page(found, len(found), None)
