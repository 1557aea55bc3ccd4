"""Is it up, is it ready, what is it?"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from assay_server import __version__
from assay_server.api.auth import SESSION_COOKIE, identify
from assay_server.api.services import services
from assay_server.core.errors import Unauthenticated

router = APIRouter(tags=["server"])

API_VERSION = "1"


@router.get("/healthz", summary="The process answers")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.head("/healthz", summary="The process answers", response_class=Response)
async def healthz_alone() -> Response:
    """As balancers and monitors of addresses ask: without a body."""
    return Response()


@router.get("/readyz", summary="Every part is ready to serve")
async def readyz(request: Request) -> JSONResponse:
    """200 when facts and decisions can be read and written; otherwise 503 and what is missing. `outgoing` is `held`
    after a restore, until somebody says that messages, forwards and exports may leave."""
    faults: dict[str, str] = await request.app.state.readiness()
    body: dict[str, Any] = {"status": "not ready", "faults": faults} if faults else {"status": "ready"}
    body["outgoing"] = "on" if services(request).keeping.outgoing.held is None else "held"
    return JSONResponse(body, 503 if faults else 200)


@router.head("/readyz", summary="Every part is ready to serve", response_class=Response)
async def readyz_alone(request: Request) -> Response:
    """200 or 503, without a body."""
    return Response(status_code=(await readyz(request)).status_code)


@router.get("/api/v1/info", summary="Version, and who is asking")
async def info(request: Request) -> dict[str, Any]:
    """The caller's project with its name, role and name, the port of OTLP over gRPC, and of which backup a restored
    server still holds what would leave, are null where nobody is signed in."""
    answer: dict[str, Any] = {"version": __version__, "api_version": API_VERSION}
    caller = None
    if "authorization" in request.headers or "x-api-key" in request.headers or SESSION_COOKIE in request.cookies:
        try:
            caller = await identify(request)
        except Unauthenticated:
            caller = None
    project = await services(request).accounts.project(caller.project) if caller else None
    answer["project"] = caller.project if caller else None
    answer["project_name"] = project["name"] if project else None
    answer["role"] = caller.role if caller else None
    answer["actor"] = caller.actor if caller else None
    answer["held"] = services(request).keeping.outgoing.held if caller else None
    answer["grpc_port"] = services(request).grpc_port.number if caller else None
    return answer
