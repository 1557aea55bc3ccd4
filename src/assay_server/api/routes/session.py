"""Signing in with a browser: a one-time link, or a key, becomes a session cookie that scripts cannot read."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from assay_server.api.auth import SESSION_COOKIE, principal
from assay_server.api.services import services
from assay_server.core.ports import Principal

router = APIRouter(tags=["session"])

Admin = Annotated[Principal, Depends(principal("admin"))]

_WEEK_S = 7 * 24 * 3600


class TokenBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str = Field(min_length=1, max_length=500, description="a one-time token, or an API key")


@router.post("/session", summary="Sign in: sets the session cookie")
async def sign_in(request: Request, response: Response, body: TokenBody) -> dict[str, Any]:
    rooms = services(request)
    opened = dict(await rooms.accounts.sign_in(body.token))
    secret = opened.pop("secret")
    is_https = rooms.public_url.startswith("https://")
    response.set_cookie(
        SESSION_COOKIE, secret, max_age=_WEEK_S, httponly=True, samesite="strict", secure=is_https, path="/"
    )
    return opened


@router.delete("/session", status_code=HTTP_204_NO_CONTENT, summary="Sign out")
async def sign_out(request: Request, response: Response) -> None:
    secret = request.cookies.get(SESSION_COOKIE)
    if secret is not None:
        await services(request).accounts.sign_out(secret)
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")


@router.post("/sign-in-tokens", status_code=HTTP_201_CREATED, summary="A link that signs a browser in, once")
async def create_token(request: Request, caller: Admin) -> dict[str, str]:
    rooms = services(request)
    token = await rooms.accounts.create_sign_in_token(caller.project, role=caller.role, actor=caller.actor)
    return {"url": f"{rooms.public_url}/sign-in?token={token}"}
