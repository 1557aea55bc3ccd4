"""How much of the bodies of calls is in memory at once."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import httpx
import pytest

from assay_server.api import chat
from assay_server.core.errors import Refused
from assay_server.core.ports import Principal
from assay_server.gateway import Gateway


class Slow:
    """A gateway that refuses every call, once it may."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    def parse(self, *_: Any) -> Any:
        return None

    async def chat(self, call: Any) -> Any:
        self.begun.set()
        await self.go_on.wait()
        raise Refused("Not now.")


async def authenticate(headers: Mapping[str, str]) -> Principal:
    return Principal("prj_a", "key:a", "ingest")


async def test_calls_that_are_under_way_leave_room_for_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "MOST_HELD", 100)
    gateway = Slow()
    app = chat.ChatApp(cast("Gateway", gateway), authenticate)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        path = "/v1/chat/completions"
        first = asyncio.create_task(http.post(path, content=b"x" * 80))
        await gateway.begun.wait()
        second = await http.post(path, content=b"x" * 21)
        assert (second.status_code, second.headers["retry-after"]) == (503, "1")
        assert "leave no room" in second.json()["error"]["message"]
        third = asyncio.create_task(http.post(path, content=b"x" * 20))
        gateway.go_on.set()
        assert [(await call).status_code for call in (first, third)] == [422, 422]
        alone = await http.post(path, content=b"x" * 101)
        assert alone.status_code == 422, "the room was not given back"
