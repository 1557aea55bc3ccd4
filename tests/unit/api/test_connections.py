"""Callers that are slow, silent, or send heads without an end, on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from assay_server.api import connections
from assay_server.api.connections import HEAD_BYTES, Connection, sweep

_ANSWER = b"x" * (16 << 20)


async def _application(scope: Any, receive: Any, send: Any) -> None:
    """Reads all, and says how much that was; `/much` answers with more than sockets hold, `/early` before it reads."""
    size, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            scope["state"]["gone"].set()
            return
        size += len(message["body"])
        more = message["more_body"]
    body = _ANSWER if scope["path"] == "/much" else str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class _Served:
    def __init__(self, port: int, server: uvicorn.Server, gone: asyncio.Event) -> None:
        self.port, self.server, self.gone = port, server, gone

    async def call(self, *pieces: bytes) -> tuple[int, dict[str, Any]]:
        """Sends the pieces and then nothing; the status and the document, once the connection was closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        return int(head.split()[1]), json.loads(body)


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_Served]:
    for name in ("HEAD_S", "BODY_S"):
        monkeypatch.setattr(connections, name, 0.3)
    monkeypatch.setattr(connections, "UNREAD_S", 0.5)
    monkeypatch.setattr(connections, "BODY_RATE", 1 << 20)
    server = uvicorn.Server(
        uvicorn.Config(_application, port=0, http=Connection, lifespan="off", log_config=None, timeout_keep_alive=75)
    )
    gone = asyncio.Event()
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    server.lifespan.state["gone"] = gone
    sweeping = asyncio.ensure_future(sweep(server.server_state.connections, 0.05))
    try:
        yield _Served(server.servers[0].sockets[0].getsockname()[1], server, gone)
    finally:
        sweeping.cancel()
        server.should_exit = server.force_exit = True
        await task


async def test_a_caller_that_says_nothing_is_let_go_without_a_word(served: _Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()

    assert not served.server.server_state.connections


async def test_a_head_that_stops_in_the_middle_is_let_go(served: _Served) -> None:
    status, document = await served.call(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ")

    assert (status, document["code"], document["field"]) == (408, "too_slow", "head")
    assert document["fix"]


async def test_a_body_that_stops_in_the_middle_is_let_go_and_the_application_hears_it(served: _Served) -> None:
    status, document = await served.call(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", b"abc")

    assert (status, document["field"]) == (408, "body")
    async with asyncio.timeout(2):
        await served.gone.wait()


async def test_a_body_that_stops_after_much_of_it_is_let_go_as_soon(served: _Served) -> None:
    much = b"a" * (8 << 20)  # brings no time for later
    status, document = await served.call(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n", much)

    assert (status, document["field"]) == (408, "body")


async def test_a_body_that_is_slow_and_goes_on_is_taken(served: _Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BODY_RATE", 10)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\nConnection: close\r\n\r\n")
    for _ in range(10):
        await asyncio.sleep(0.1)
        writer.write(b"ab")

    answer = await reader.read()
    writer.close()

    assert answer.endswith(b"\r\n\r\n20")


@pytest.mark.parametrize("piece", [b"X-A: " + b"a" * 1000 + b"\r\n", b"a" * 1000], ids=["many headers", "one value"])
async def test_a_head_without_an_end_is_refused_before_it_fills_memory(served: _Served, piece: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-B: ")
    sent = 0
    try:
        while sent < 40 * HEAD_BYTES:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
        head = await reader.readline()
    except ConnectionError:
        head = await reader.readline() if not reader.exception() else b" 431 "
    writer.close()

    assert b" 431 " in head


async def test_a_large_head_that_comes_at_once_is_refused_too(served: _Served) -> None:
    large = b"X-A: " + b"a" * (HEAD_BYTES + 1000)

    status, document = await served.call(b"GET / HTTP/1.1\r\nHost: x\r\n" + large + b"\r\n\r\n")

    assert (status, document["code"]) == (431, "head_too_large")


async def test_a_head_just_below_the_bound_is_taken_with_a_body_in_the_same_piece(served: _Served) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 90000\r\nX-A: "
    status, document = await served.call(head + b"a" * (HEAD_BYTES - 500) + b"\r\n\r\n" + b"b" * 90_000)

    assert (status, document) == (200, 90_000)


async def test_what_is_no_http_is_refused_with_a_fix(served: _Served) -> None:
    status, document = await served.call(b"\x16\x03\x01\x02\x00" + b"a" * 100)

    assert status == 400
    assert "without TLS" in document["fix"]


async def test_an_idle_connection_between_two_requests_is_kept(served: _Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(1) == b"0"
        await asyncio.sleep(0.5)
    writer.close()


async def test_after_an_answer_one_byte_does_not_hold_the_connection(served: _Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n0")
    writer.write(b"\r\n")
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()

    assert b" 408 " in answer


async def test_a_body_that_goes_on_after_its_answer_is_not_read_to_its_end(served: _Served) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)

    async def send_on() -> None:
        while True:
            writer.write(b"a" * 1000)
            await writer.drain()
            await asyncio.sleep(0.01)

    writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000\r\n\r\n")
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(send_on(), 5)
    writer.close()


async def test_who_does_not_read_the_answer_is_cut_off(served: _Served) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
    writer.write(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        while not served.server.server_state.connections:
            await asyncio.sleep(0.01)
        while served.server.server_state.connections:
            await asyncio.sleep(0.05)
    writer.close()


async def test_past_the_most_connections_the_next_hears_so_at_once(
    served: _Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "most", 1)
    _, first = await asyncio.open_connection("127.0.0.1", served.port)
    while not served.server.server_state.connections:
        await asyncio.sleep(0.01)

    status, document = await served.call()
    first.close()

    assert (status, document["code"]) == (503, "busy")


async def test_one_that_cannot_be_looked_at_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        transport = object()

        def look(self, now: float) -> None:
            raise RuntimeError("broken")

    class Whole(Broken):
        looked = 0

        def look(self, now: float) -> None:
            self.looked += 1

    whole = Whole()
    sweeping = asyncio.ensure_future(sweep([Broken(), whole], 0.01))
    async with asyncio.timeout(5):
        while whole.looked < 2:
            await asyncio.sleep(0.01)
    sweeping.cancel()
    assert "could not be looked at" in caplog.text
