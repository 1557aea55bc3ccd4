"""SQL over HTTP: shapes, permissions, errors, and hanging up."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from assay_server.api import problems, sql
from assay_server.api.gone import unless_gone
from assay_server.core.errors import Unauthenticated
from assay_server.core.ports import Principal
from assay_server.core.records import Facts, Span
from assay_server.query import Sql
from assay_server.store import DuckStore


class Accounts:
    """A key is the name of its role."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        role = headers.get("x-api-key", "")
        if role not in {"admin", "viewer", "ingest", "score"}:
            raise Unauthenticated
        return Principal("prj_a", f"key:{role}", role)


@pytest.fixture
async def looking_http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts([Span("prj_a", "0" * 31 + "1", "0" * 15 + "1", None, "call", "llm", 1, 2)]))
    queries = Sql(store)
    rest = FastAPI()
    rest.state.services = SimpleNamespace(accounts=Accounts(), sql=queries)
    problems.install(rest)
    rest.include_router(sql.router, prefix="/api/v1")
    transport = httpx.ASGITransport(rest)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"x-api-key": "viewer"}) as http:
        yield http
    await queries.close()
    await store.close()


async def test_sql_answers_with_columns_and_rows(looking_http: httpx.AsyncClient) -> None:
    answer = (await looking_http.post("/api/v1/sql", json={"sql": "SELECT name, 1 AS n FROM spans"})).json()
    assert answer["columns"] == [{"name": "name", "type": "VARCHAR"}, {"name": "n", "type": "INTEGER"}]
    assert (answer["rows"], answer["truncated"]) == ([["call", 1]], False)


@pytest.mark.parametrize(
    ("query", "role", "status", "code"),
    [
        ("SELEC 1", "viewer", 400, "invalid_input"),
        ("SELECT nothing FROM spans", "viewer", 400, "invalid_input"),
        ("SELECT getenv('HOME')", "viewer", 403, "forbidden"),
        ("SELECT 1", "ingest", 403, "forbidden"),
        ("SELECT 1", "score", 403, "forbidden"),
        ("SELECT 1", "", 401, "unauthenticated"),
    ],
)
async def test_sql_says_what_is_wrong(
    looking_http: httpx.AsyncClient, query: str, role: str, status: int, code: str
) -> None:
    answer = await looking_http.post("/api/v1/sql", json={"sql": query}, headers={"x-api-key": role})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_schema_lists_tables(looking_http: httpx.AsyncClient) -> None:
    schema = (await looking_http.get("/api/v1/sql/schema")).json()
    assert [table["name"] for table in schema["tables"]] == [
        "spans",
        "calls",
        "traces",
        "scores",
        "run_items",
        "events",
    ]
    assert "quantile_cont" in schema["functions"]


async def test_work_ends_when_the_client_hangs_up() -> None:
    started, hung_up, cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        await hung_up.wait()
        return {"type": "http.disconnect"}

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    waiting = asyncio.create_task(unless_gone(Request({"type": "http"}, receive), work()))
    await started.wait()
    hung_up.set()
    await waiting
    assert cancelled.is_set()


async def test_errors_of_the_work_come_through() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await unless_gone(Request({"type": "http"}, receive), work())
