"""Where messages go, and what became of them. Addresses come in and are never shown again."""

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.keyset import after_moment
from assay_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, page
from assay_server.api.services import Services, services
from assay_server.core.errors import InvalidInput
from assay_server.core.ports import Principal
from assay_server.notify import notification_json

router = APIRouter(tags=["notifications"])

Reader = Annotated[Principal, Depends(principal("read"))]
Admin = Annotated[Principal, Depends(principal("admin"))]
Rooms = Annotated[Services, Depends(services)]

# Read by `_parsed`: the usual way answers (and remembers, for the Idempotency-Key) what was sent along with what is
# wrong with it.
Unread = Annotated[Any, Body()]

M = TypeVar("M", bound=BaseModel)


class NewChannel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    url: SecretStr = Field(max_length=4000, description="an Apprise address; it is never shown again")
    enabled: bool = True


class ChannelChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    url: SecretStr | None = Field(None, max_length=4000)
    enabled: bool | None = None


@router.get("/notification-channels")
async def list_channels(caller: Reader, rooms: Rooms) -> dict[str, Any]:
    """All of them by name, without their addresses."""
    found = await rooms.notification_channels.list(caller.project)
    return page(found, len(found), None)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}, "required": True}}


@router.post("/notification-channels", status_code=HTTP_201_CREATED, openapi_extra=_schema(NewChannel))
async def create(given: Unread, caller: Admin, rooms: Rooms) -> dict[str, Any]:
    """Tell people here from now on."""
    body = _parsed(NewChannel, given)
    made = await rooms.notification_channels.create(
        caller.project, caller.actor, name=body.name, url=body.url.get_secret_value(), enabled=body.enabled
    )
    return dict(made)


@router.put("/notification-channels/{channel}", openapi_extra=_schema(ChannelChange))
async def change(channel: str, given: Unread, caller: Admin, rooms: Rooms) -> dict[str, Any]:
    """Another name or address, or off; what was left out stays."""
    body = _parsed(ChannelChange, given)
    url = None if body.url is None else body.url.get_secret_value()
    values = {"name": body.name, "url": url, "enabled": body.enabled}
    return dict(await rooms.notification_channels.change(caller.project, caller.actor, channel, values))


@router.delete("/notification-channels/{channel}", status_code=HTTP_204_NO_CONTENT)
async def delete(channel: str, caller: Admin, rooms: Rooms) -> None:
    """Tell nobody here any more."""
    await rooms.notification_channels.delete(caller.project, caller.actor, channel)


@router.post("/notification-channels/{channel}/test")
async def test(channel: str, caller: Admin, rooms: Rooms) -> dict[str, Any]:
    """Send a message now, and say how that went."""
    return dict(await rooms.notification_channels.test(caller.project, channel))


@router.get("/notifications")
async def list_notifications(
    caller: Reader,
    rooms: Rooms,
    channel: str | None = None,
    status: Annotated[str | None, Query(description="waiting, sent, failed or dropped")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Messages, newest first."""
    found, total = await rooms.notifications.list(
        caller.project, channel=channel, status=status, limit=limit + 1, after=after_moment(cursor)
    )
    shown = found[:limit]
    following = (shown[-1].created_ns, shown[-1].id) if len(found) > limit else None
    return page([notification_json(row) for row in shown], total, following)


def _parsed(model: type[M], given: Any) -> M:
    """Raises InvalidInput that names the field and keeps its value to itself."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise InvalidInput(fault["msg"], field=".".join(str(part) for part in fault["loc"]) or "body") from None
