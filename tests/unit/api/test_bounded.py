from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from assay_server.api import problems
from assay_server.api.bounded import Bounded


@pytest.fixture
async def bounded() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)

    @app.post("/items")
    async def items(sent: dict[str, str]) -> int:
        return len(sent)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(Bounded(app, 20)), base_url="http://test") as client:
        yield client


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 8):
        yield body[start : start + 8]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_body_over_the_ceiling_is_refused_with_a_fix(bounded: httpx.AsyncClient, streamed: bool) -> None:
    body = b'{"a": "' + b"x" * 20 + b'"}'
    answer = await bounded.post(
        "/items", content=_pieces(body) if streamed else body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"
    assert answer.json()["fix"] == "send less at once"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_body_of_just_the_ceiling_is_read(bounded: httpx.AsyncClient, streamed: bool) -> None:
    body = b'{"a": "' + b"x" * 11 + b'"}'
    answer = await bounded.post(
        "/items", content=_pieces(body) if streamed else body, headers={"content-type": "application/json"}
    )

    assert (answer.status_code, answer.json()) == (200, 1)
