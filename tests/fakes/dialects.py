"""The real rooms behind the foreign dialects; accounts made up."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from fastapi import FastAPI

from assay_server.api import problems
from assay_server.api.dialects import ROUTERS
from assay_server.api.routes import media, scores, traces
from assay_server.checks.pii import Scrubber
from assay_server.core.errors import Unauthenticated
from assay_server.core.ports import Principal
from assay_server.ingest import Ingest
from assay_server.providers import Prices
from assay_server.query import Costs, Scores, Traces
from assay_server.store import DuckStore


class RoleAccounts:
    """A key is the name of its role."""

    def __init__(self, project: str) -> None:
        self._project = project

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        role = headers.get("x-api-key", "")
        if role not in {"admin", "viewer", "ingest", "score"}:
            raise Unauthenticated
        return Principal(self._project, f"key:{role}", role)

    async def project(self, project: str) -> dict[str, Any]:
        return {"id": project, "name": "shop"}


@asynccontextmanager
async def dialects(path: Path, project: str = "prj_a", **more: Any) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    """(client, services); `more` are further services."""
    store = await DuckStore.open(path / "facts")
    ingest = Ingest(store, Scrubber(), Prices())
    services = SimpleNamespace(
        accounts=RoleAccounts(project),
        ingest=ingest,
        traces=Traces(store),
        scores=Scores(store),
        costs=Costs(store),
        **more,
    )
    rest = FastAPI()
    rest.state.services = services
    problems.install(rest)
    for module in (traces, scores, media):
        rest.include_router(module.router, prefix="/api/v1")
    for router in ROUTERS:
        rest.include_router(router)
    transport = httpx.ASGITransport(rest)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"x-api-key": "admin"}) as http:
        yield http, services
    await ingest.close()
    await store.close()
