import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.requests import HTTPConnection

from assay_server.api import problems
from assay_server.api.bounded import Bounded
from assay_server.core.errors import Unauthenticated

MOST, FIRST = 40, 16


async def known(connection: HTTPConnection) -> None:
    if "authorization" not in connection.headers:
        raise Unauthenticated(fix="send a key")


@pytest.fixture
async def bounded() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)

    @app.post("/items")
    async def items(sent: dict[str, str]) -> int:
        return len(sent)

    @app.put("/api/public/media/{name}/content")
    async def content(name: str, request: Request) -> int:
        return len(await request.body())

    transport = httpx.ASGITransport(Bounded(app, known, MOST, FIRST))
    headers = {"content-type": "application/json", "authorization": "Bearer sk_a"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 8):
        yield body[start : start + 8]


def of_size(size: int) -> bytes:
    body = json.dumps({"a": "x" * (size - 9)}).encode()
    assert len(body) == size
    return body


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_body_over_the_ceiling_is_refused_with_a_fix(bounded: httpx.AsyncClient, streamed: bool) -> None:
    body = of_size(MOST + 1)
    answer = await bounded.post("/items", content=_pieces(body) if streamed else body)

    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"
    assert answer.json()["fix"] == "send less at once"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_body_of_just_the_ceiling_is_read(bounded: httpx.AsyncClient, streamed: bool) -> None:
    body = of_size(MOST)
    answer = await bounded.post("/items", content=_pieces(body) if streamed else body)

    assert (answer.status_code, answer.json()) == (200, 1)


async def test_no_more_than_a_first_piece_is_read_of_somebody_whom_nobody_knows(bounded: httpx.AsyncClient) -> None:
    del bounded.headers["authorization"]
    read = []

    async def sent() -> AsyncIterator[bytes]:
        async for piece in _pieces(of_size(MOST)):
            read.append(piece)
            yield piece

    refused = await bounded.post("/items", content=sent())
    assert (refused.status_code, refused.json()["code"], len(read)) == (401, "unauthenticated", 3)
    short = await bounded.post("/items", content=of_size(FIRST))
    assert (short.status_code, short.json()) == (200, 1)
    media = await bounded.put("/api/public/media/m/content?ticket=t", content=b"m" * MOST)
    assert (media.status_code, media.json()) == (200, MOST)


async def test_large_bodies_share_the_room_of_one_and_short_ones_always_come_in(bounded: httpx.AsyncClient) -> None:
    waits, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        body = of_size(MOST - 8)
        yield body[:24]
        waits.set()
        await go_on.wait()
        yield body[24:]

    first = asyncio.create_task(bounded.post("/items", content=slow()))
    await waits.wait()
    busy = await bounded.post("/items", content=of_size(FIRST + 1))
    assert (busy.status_code, busy.headers["retry-after"], busy.json()["code"]) == (503, "1", "busy")
    assert (await bounded.post("/items", content=of_size(FIRST))).status_code == 200
    go_on.set()
    assert (await first).status_code == 200
    assert (await bounded.post("/items", content=of_size(MOST))).status_code == 200, "the room was not given back"
