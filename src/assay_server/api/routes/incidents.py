"""Incidents: what went wrong, with numbers, and who took care of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.auth import principal
from assay_server.api.keyset import after_moment
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import Services, services
from assay_server.core.ports import Principal
from assay_server.monitors import shaped

router = APIRouter(tags=["incidents"])

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]
Rooms = Annotated[Services, Depends(services)]


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)


@router.get("/incidents")
async def list_incidents(
    caller: Reader,
    rooms: Rooms,
    status: Annotated[str | None, Query(description="open, acknowledged or resolved")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Incidents, newest first."""
    found, total = await rooms.incidents.list(
        caller.project, status=status, limit=limit + 1, after=after_moment(cursor)
    )
    shown = found[:limit]
    following = (shown[-1].opened_ns, shown[-1].id) if len(found) > limit else None
    return page([shaped(one) for one in shown], total, following)


@router.get("/incidents/{incident}")
async def get_incident(incident: str, caller: Reader, rooms: Rooms) -> dict[str, Any]:
    """An incident with its timeline."""
    return shaped(await rooms.incidents.get(caller.project, incident))


@router.post("/incidents/{incident}/acknowledge")
async def acknowledge(incident: str, body: Note, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    """Say that you are on it."""
    return shaped(await rooms.incidents.acknowledge(caller.project, incident, by=caller.actor, reason=body.reason))


@router.post("/incidents/{incident}/resolve")
async def resolve(incident: str, body: Note, caller: Writer, rooms: Rooms) -> dict[str, Any]:
    """Say that it is over, and how."""
    return shaped(await rooms.incidents.resolve(caller.project, incident, by=caller.actor, reason=body.reason))
