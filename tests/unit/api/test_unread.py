"""Downloads that nobody reads give their place back."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Message

from assay_server.api import unread
from assay_server.api.unread import ReadInTime


class Parts:
    """Three of them; `closed` once their source has let go."""

    def __init__(self) -> None:
        self.closed = False

    async def each(self) -> AsyncIterator[bytes]:
        try:
            for part in (b"a", b"b", b"c"):
                yield part
        finally:
            self.closed = True


async def answered(parts: Parts, reads: int) -> list[Message]:
    """What arrives at somebody who takes so many messages and then none."""
    arrived: list[Message] = []

    async def send(message: Message) -> None:
        if len(arrived) == reads:
            await asyncio.Event().wait()
        arrived.append(message)

    async def receive() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]  # stays connected

    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}}
    await asyncio.wait_for(ReadInTime(parts.each())(scope, receive, send), 10)
    return arrived


async def test_what_is_read_arrives_whole() -> None:
    parts = Parts()
    arrived = await answered(parts, reads=99)
    assert b"".join(message.get("body", b"") for message in arrived) == b"abc"
    assert arrived[-1]["more_body"] is False
    assert parts.closed


async def test_what_nobody_reads_is_cut_off_and_lets_go(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unread, "IDLE_S", 0.05)
    parts = Parts()
    arrived = await answered(parts, reads=2)
    assert [message["type"] for message in arrived] == ["http.response.start", "http.response.body"]
    assert arrived[-1]["more_body"] is True
    assert parts.closed
    assert "nobody had read of it" in caplog.text
