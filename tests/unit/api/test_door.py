"""What the door says when the server stops while a request is under way."""

import asyncio
from typing import Any

import pytest

from assay_server.api.door import Door

SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}


async def stopped(*, begun: bool) -> list[dict[str, Any]]:
    """The messages that a client is sent where its request is cut off."""
    sent: list[dict[str, Any]] = []
    reached = asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message)

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        reached.set()
        await asyncio.sleep(60)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    request = asyncio.create_task(Door(slow, {})(dict(SCOPE), receive, send))
    await reached.wait()
    request.cancel()
    await request
    return sent


async def test_a_request_that_the_end_cuts_off_is_told_to_come_again() -> None:
    start, body = await stopped(begun=False)
    headers = dict(start["headers"])
    assert (start["status"], headers[b"retry-after"]) == (503, b"5")
    assert headers[b"x-request-id"].startswith(b"req_")
    assert b"The server is stopping." in body["body"]


async def test_an_answer_that_began_just_ends() -> None:
    assert [message.get("status") for message in await stopped(begun=True)] == [200]


async def test_other_faults_are_not_the_doors() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError(scope["path"])

    with pytest.raises(ValueError, match="/"):
        await Door(broken, {})(dict(SCOPE), lambda: None, lambda message: None)  # type: ignore[arg-type, return-value]
