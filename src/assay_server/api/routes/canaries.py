"""Canaries: start one, look at it, and the three things a person may do to it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.auth import principal
from assay_server.api.keyset import after_moment
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import Services, services
from assay_server.core.ports import Principal
from assay_server.rollout import Plan, Watched, shaped

router = APIRouter(tags=["canaries"])

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]
Rooms = Annotated[Services, Depends(services)]


class WatchedScore(BaseModel):
    """A score that must not fall (or, where lower is better, rise) by more than `margin`."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    margin: float
    direction: Literal["higher", "lower"] = "higher"


class Guard(BaseModel):
    model_config = ConfigDict(extra="forbid")

    margin: float = 0.0


class NewCanary(BaseModel):
    """What to ship a little of, and what would stop it."""

    model_config = ConfigDict(extra="forbid")

    channel: str
    release: str = Field(description="id, name@version or name")
    scores: list[WatchedScore]
    steps: list[float] = [20, 50]
    unit: str = "user"
    alpha: float = 0.05
    min_units: int | None = Field(None, description="units per arm before a step may end")
    max_units: int | None = Field(None, description="units after which an undecided canary is held for a person")
    guardrails: dict[str, Guard] = {}
    reason: str = ""


class Why(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)


@router.post("/canaries", status_code=201)
async def start(body: NewCanary, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    """Start a canary on a channel."""
    reason = body.reason or f"canary of {body.release}"
    started = await rooms.canaries.start(
        caller.project, channel=body.channel, release=body.release, plan=_plan(body), by=caller.actor, reason=reason
    )
    return shaped(started)


@router.get("/canaries")
async def list_canaries(
    caller: Reader,
    rooms: Rooms,
    channel: str | None = None,
    status: Annotated[str | None, Query(description="running, held, promoted, rolled_back or aborted")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Canaries, newest first."""
    found, total = await rooms.canaries.list(
        caller.project, channel=channel, status=status, limit=limit + 1, after=after_moment(cursor)
    )
    shown = found[:limit]
    following = (shown[-1].started_ns, shown[-1].id) if len(found) > limit else None
    return page([shaped(one) for one in shown], total, following)


@router.get("/canaries/{canary}")
async def get_canary(canary: str, caller: Reader, rooms: Rooms) -> dict[str, Any]:
    """A canary with its looks: the interval over time."""
    return await _whole(rooms, caller.project, canary)


@router.post("/canaries/{canary}/abort")
async def abort(canary: str, body: Why, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    """End it without a judgement; everybody gets the baseline."""
    await rooms.canaries.abort(caller.project, canary, by=caller.actor, reason=body.reason)
    return await _whole(rooms, caller.project, canary)


@router.post("/canaries/{canary}/promote")
async def promote(canary: str, body: Why, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    """Ship the candidate now, on your own word."""
    await rooms.canaries.promote(caller.project, canary, by=caller.actor, reason=body.reason)
    return await _whole(rooms, caller.project, canary)


@router.post("/canaries/{canary}/rollback")
async def rollback(canary: str, body: Why, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    """End it because the candidate is bad."""
    await rooms.canaries.rollback(caller.project, canary, by=caller.actor, reason=body.reason)
    return await _whole(rooms, caller.project, canary)


async def _whole(rooms: Services, project: str, canary: str) -> dict[str, Any]:
    record = await rooms.canaries.get(project, canary)
    return shaped(record, await rooms.canaries.looks(project, canary))


def _plan(body: NewCanary) -> Plan:
    """The plan asked for; what was left out is the plan's own default."""
    given = {name: value for name in ("min_units", "max_units") if (value := getattr(body, name)) is not None}
    return Plan(
        scores=tuple(Watched(score.name, score.margin, score.direction) for score in body.scores),
        steps=tuple(body.steps),
        unit=body.unit,
        alpha=body.alpha,
        guardrails={name: guard.margin for name, guard in body.guardrails.items()},
        **given,
    )
