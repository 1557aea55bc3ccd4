"""GET /connect: the address is filled in, the key is left to the page."""

from types import SimpleNamespace
from typing import Any

import httpx
from fastapi import FastAPI

from assay_server.api import problems
from assay_server.api.routes import connect, health
from assay_server.api.services import GrpcPort
from assay_server.core.errors import Unauthenticated
from assay_server.core.ports import Principal


class Accounts:
    async def authenticate(self, headers: Any) -> Principal:
        if headers.get("x-api-key") != "viewer":
            raise Unauthenticated("Nobody knows this key.")
        return Principal("prj_a", "key:key_1", "viewer")

    async def project(self, project: str) -> dict[str, Any]:
        return {"id": project, "name": "shop"}


async def test_lines_hold_the_address_and_a_place_for_the_key() -> None:
    app = FastAPI()
    app.state.services = SimpleNamespace(accounts=Accounts(), public_url="https://assay.example")
    problems.install(app)
    app.include_router(connect.router, prefix="/api/v1")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/api/v1/connect")).status_code == 401
        body = (await client.get("/api/v1/connect", headers={"x-api-key": "viewer"})).json()
    by_client = {item["client"]: item for item in body["items"]}
    assert body["total"] == len(by_client)
    assert by_client["otel-python"]["lines"][:2] == [
        "export OTEL_EXPORTER_OTLP_ENDPOINT=https://assay.example",
        'export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer {key}"',
    ]
    assert by_client["otel-grpc"]["lines"][1] == "export OTEL_EXPORTER_OTLP_ENDPOINT={grpc}"


async def test_who_is_signed_in_is_told_the_project_and_the_port_of_grpc() -> None:
    app = FastAPI()
    app.state.services = SimpleNamespace(
        accounts=Accounts(),
        grpc_port=GrpcPort(5317),
        keeping=SimpleNamespace(outgoing=SimpleNamespace(held=None)),
    )
    app.include_router(health.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        stranger = (await client.get("/api/v1/info")).json()
        told = (await client.get("/api/v1/info", headers={"x-api-key": "viewer"})).json()
    assert (stranger["grpc_port"], stranger["project"], stranger["project_name"]) == (None, None, None)
    assert (told["grpc_port"], told["project"], told["project_name"]) == (5317, "prj_a", "shop")
