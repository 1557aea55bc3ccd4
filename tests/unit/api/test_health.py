"""What balancers and monitors of addresses ask."""

from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assay_server.api.routes import health

FAULT = {"store": "The disk is full."}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("faults", "status"), [({}, 200), (FAULT, 503)])
def test_it_answers_also_without_a_body(method: str, faults: dict[str, str], status: int) -> None:
    """Many ask with HEAD, which was 405: a server that is well was called down."""
    app = FastAPI()
    app.include_router(health.router)

    async def readiness() -> dict[str, str]:
        return faults

    app.state.readiness = readiness
    app.state.services = SimpleNamespace(keeping=SimpleNamespace(outgoing=SimpleNamespace(held=None)))
    client = TestClient(app)
    assert client.request(method, "/healthz").status_code == 200
    assert client.request(method, "/readyz").status_code == status
    assert set(app.openapi()["paths"]["/readyz"]) == {"get", "head"}
