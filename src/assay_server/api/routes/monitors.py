"""Monitors: define them, see what they say, silence them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, seen_by, tagged
from assay_server.api.pages import DEFAULT_LIMIT, Limit, page
from assay_server.api.services import Services, services
from assay_server.api.times import nanoseconds
from assay_server.core.errors import InvalidInput
from assay_server.core.ports import Principal

router = APIRouter(tags=["monitors"])

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]
Rooms = Annotated[Services, Depends(services)]

_MINUTE_NS = 60 * 1_000_000_000


class MonitorBody(BaseModel):
    """A definition; what was left out gets its default. The room checks the values, field by field."""

    model_config = ConfigDict(extra="forbid")

    name: str
    metric: str | dict[str, Any] = Field(description="its name, or {name, quantile | threshold_ms | score}")
    rule: dict[str, Any] = Field(description="{kind: threshold | change | missing | burn, …}")
    filter: dict[str, str | list[str]] = {}
    group_by: str | None = None
    window_s: int | None = None
    every_s: int | None = None
    min_n: int | None = None
    severity: str = "warning"
    notify: list[str] | None = Field(None, description="names of notification channels; null: all")
    enabled: bool = True
    description: str = ""


class SilenceFor(BaseModel):
    model_config = ConfigDict(extra="forbid")

    minutes: float = Field(60, gt=0, le=60 * 24 * 366)
    reason: str = Field(min_length=1, max_length=2000)


class NewSilence(BaseModel):
    model_config = ConfigDict(extra="forbid")

    subject: str | None = Field(None, description="a monitor's id; null: everything in the project")
    starts_at: str | None = None
    ends_at: str | None = Field(None, description="may be left out where it repeats")
    minutes: float | None = Field(
        None, gt=0, le=60 * 24 * 366, description="instead of both: from now on for so long, by the server's clock"
    )
    repeats: dict[str, Any] | None = Field(None, description="{days?, from, until, time_zone}; null: all the time")
    reason: str = Field(min_length=1, max_length=2000)


@router.get("/monitors")
async def list_monitors(caller: Reader, rooms: Rooms) -> dict[str, Any]:
    """All monitors with what they say now, by name."""
    found = await rooms.monitors.list(caller.project)
    return page(found, len(found), None)


@router.post("/monitors", status_code=HTTP_201_CREATED)
async def create(body: MonitorBody, caller: Writer, rooms: Rooms, response: Response) -> dict[str, Any]:
    """Watch something."""
    return tagged(response, await rooms.monitors.create(caller.project, caller.actor, _given(body)))


@router.post("/monitors/preview")
async def preview(body: MonitorBody, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    """What such a monitor would say now, and would have said in the past week. Nothing is stored, nobody is told."""
    return dict(await rooms.monitors.rehearse(caller.project, _given(body)))


@router.get("/monitors/{monitor}")
async def get_monitor(monitor: str, caller: Reader, rooms: Rooms, response: Response) -> dict[str, Any]:
    """One monitor, by id or name."""
    return tagged(response, await rooms.monitors.get(caller.project, monitor))


@router.put("/monitors/{monitor}")
async def replace(
    monitor: str, body: MonitorBody, caller: Writer, rooms: Rooms, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Another definition for it. If it measures something else from now on, what is open is resolved."""
    seen = seen_by(if_match)
    changed = await rooms.monitors.replace(caller.project, caller.actor, monitor, _given(body), seen=seen)
    return tagged(response, changed)


@router.delete("/monitors/{monitor}", status_code=HTTP_204_NO_CONTENT)
async def delete(monitor: str, caller: Writer, rooms: Rooms, if_match: IfMatch = None) -> None:
    """End it; its open incidents are resolved."""
    await rooms.monitors.delete(caller.project, caller.actor, monitor, seen=seen_by(if_match))


@router.get("/monitors/{monitor}/evaluations")
async def evaluations(monitor: str, caller: Reader, rooms: Rooms, limit: Limit = DEFAULT_LIMIT) -> dict[str, Any]:
    """What it said, newest first; `late_s` marks what was caught up."""
    found = await rooms.monitors.evaluations(caller.project, monitor, limit)
    return page(found, len(found), None)


@router.get("/monitors/{monitor}/past")
async def past(monitor: str, caller: Reader, rooms: Rooms) -> dict[str, Any]:
    """What it would have said in the past week by its definition of now, at evenly spaced looks."""
    return dict(await rooms.monitors.past(caller.project, monitor))


@router.post("/monitors/{monitor}/test")
async def test(monitor: str, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    """What it would say now. Nothing is opened, nobody is told."""
    return {"findings": list(await rooms.monitors.test(caller.project, monitor))}


@router.post("/monitors/{monitor}/silence", status_code=HTTP_201_CREATED)
async def silence(monitor: str, body: SilenceFor, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    """Tell nobody about it for a while."""
    subject = (await rooms.monitors.get(caller.project, monitor))["id"]
    made = await rooms.silences.create_for(
        caller.project, caller.actor, subject=subject, for_ns=int(body.minutes * _MINUTE_NS), reason=body.reason
    )
    return dict(made)


@router.get("/silences")
async def list_silences(caller: Reader, rooms: Rooms, past: bool = False) -> dict[str, Any]:
    """Silences that have not ended, soonest end first."""
    found = await rooms.silences.list(caller.project, past=past)
    return page(found, len(found), None)


@router.post("/silences", status_code=HTTP_201_CREATED)
async def create_silence(body: NewSilence, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    """Tell nobody between two moments, for a while, or at the same times again and again."""
    if body.minutes is not None:
        told = {"starts_at": body.starts_at, "ends_at": body.ends_at, "repeats": body.repeats}
        beside = next((name for name, value in told.items() if value is not None), None)
        if beside is not None:
            raise InvalidInput("Say how long it lasts, or from when to when.", field=beside, value=told[beside])
        for_ns = int(body.minutes * 60 * 1e9)
        return dict(
            await rooms.silences.create_for(
                caller.project, caller.actor, subject=body.subject, for_ns=for_ns, reason=body.reason
            )
        )
    made = await rooms.silences.create(
        caller.project,
        caller.actor,
        subject=body.subject,
        starts_ns=nanoseconds(body.starts_at, "starts_at"),
        ends_ns=nanoseconds(body.ends_at, "ends_at"),
        reason=body.reason,
        repeats=body.repeats,
    )
    return dict(made)


@router.delete("/silences/{silence_id}", status_code=HTTP_204_NO_CONTENT)
async def end_silence(silence_id: str, caller: Writer, rooms: Rooms) -> None:
    """End it now; what waited for its end goes out."""
    await rooms.silences.end(caller.project, caller.actor, silence_id)


def _given(body: MonitorBody) -> dict[str, Any]:
    """Without what was left out, so that the room's own defaults hold."""
    return {name: value for name, value in body.model_dump().items() if value is not None}
