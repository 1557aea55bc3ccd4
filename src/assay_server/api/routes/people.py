"""Sessions and users."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.auth import principal
from assay_server.api.keyset import after_moment, after_ranked, ranked_key
from assay_server.api.pages import DEFAULT_LIMIT, page
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.ports import Principal
from assay_server.query import ORDERS_OF_SESSIONS, ORDERS_OF_USERS, Order, Page, PeopleFilter

router = APIRouter(tags=["people"])

Reader = Annotated[Principal, Depends(principal("read"))]
Name = Annotated[str, Query(alias="id", min_length=1)]


class UserQuery(BaseModel):
    """A filter nobody knows is refused."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=500, description="How many items a page holds")
    cursor: str | None = Field(None, description="`next` of the page before")
    since: str | None = Field(None, description="RFC 3339: active since then")
    until: str | None = Field(None, description="RFC 3339, exclusive")
    environment: str | None = None
    q: str | None = Field(None, description="A part of the id, in upper or lower case")
    search: str | None = Field(
        None, max_length=2000, description="A line of the list of traces, without times: who has a trace that it finds"
    )
    sort: str | None = Field(
        None, max_length=100, description="last, sessions, traces, errors, tokens or cost, with `:asc` or `:desc`"
    )

    def narrow(self, user: str | None = None) -> PeopleFilter:
        since_ns, until_ns = nanoseconds(self.since, "since"), nanoseconds(self.until, "until")
        return PeopleFilter(since_ns, until_ns, user, self.environment, self.q, search=self.search or None)


class SessionQuery(UserQuery):
    user: str | None = None
    sort: str | None = Field(
        None, max_length=100, description="last, start, traces, errors, tokens or cost, with `:asc` or `:desc`"
    )


@router.get("/sessions", summary="Sessions, the last active first or in another order")
async def sessions(request: Request, caller: Reader, query: Annotated[SessionQuery, Query()]) -> dict[str, Any]:
    people, narrow = services(request).people, query.narrow(query.user)
    if query.sort is not None:
        order = Order.read(query.sort, ORDERS_OF_SESSIONS)
        return await _sorted(people.ranked_sessions, caller.project, narrow, order, query)
    found = await people.sessions(caller.project, narrow, limit=query.limit, after=after_moment(query.cursor))
    return page(found.items, found.total, found.following)


async def _sorted(
    ranked: Callable[..., Awaitable[Page]], project: str, narrow: PeopleFilter, order: Order, query: UserQuery
) -> dict[str, Any]:
    after = after_ranked(query.cursor, order)
    found = await ranked(project, narrow, order, limit=query.limit, after=after and after[0])
    total = found.total if after is None else after[1]
    return page(found.items, total, ranked_key(order, found, total, None))


@router.get("/sessions/one", summary="One session as a conversation, whatever its id looks like")
async def one_session(request: Request, caller: Reader, name: Name) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).people.session(caller.project, name)
    return found


@router.get("/sessions/{session}", summary="One session as a conversation")
async def session(request: Request, caller: Reader, session: str) -> dict[str, Any]:
    return await one_session(request, caller, session)


@router.get("/users", summary="Users, the last active first or in another order")
async def users(request: Request, caller: Reader, query: Annotated[UserQuery, Query()]) -> dict[str, Any]:
    people, narrow = services(request).people, query.narrow()
    if query.sort is not None:
        order = Order.read(query.sort, ORDERS_OF_USERS)
        return await _sorted(people.ranked_users, caller.project, narrow, order, query)
    found = await people.users(caller.project, narrow, limit=query.limit, after=after_moment(query.cursor))
    return page(found.items, found.total, found.following)


@router.get("/users/one", summary="One user's history and cost, whatever the id looks like")
async def one_user(request: Request, caller: Reader, name: Name) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).people.user(caller.project, name)
    return found


@router.get("/users/{user}", summary="One user's history and cost")
async def user(request: Request, caller: Reader, user: str) -> dict[str, Any]:
    return await one_user(request, caller, user)
