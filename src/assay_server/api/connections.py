"""Who holds a connection and says nothing, or reads nothing, is let go in time.

uvicorn waits for ever for the rest of a head or of a body, and takes a head of any size: a laptop that fell asleep in
the middle of a body kept its share of the memory that bodies may take, and anybody could fill memory with headers.

Nothing is timed request by request: a sweep looks at all connections every few seconds.
"""

import asyncio
import json
import logging
from collections.abc import Collection
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from assay_server.api.problems import HeadTooLarge, TooSlow, headers_of, problem, status_of
from assay_server.api.unread import IDLE_S
from assay_server.core.errors import AssayError, Busy, InvalidInput

HEAD_BYTES = 64 << 10  # the request line with its headers
HEAD_S = 30.0
BODY_S = 30.0
BODY_RATE = 1024  # bytes a second that a body has to bring, counted over `BODY_S` each
UNREAD_S = IDLE_S  # nothing of an answer was taken; as long as for one part of a download
SWEEP_S = 5.0
_AT_ONCE = 500

_log = logging.getLogger(__name__)


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with bounds on the head, on the time that a request takes to come, and on their number."""

    most = 0
    """Connections at once; 0: as many as come."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._since: float | None = None
        """When this head, or body, began to come; None while nothing of the next one has."""
        self._piece = self._fed = self._came = 0
        self._unread: tuple[int, float] = (0, 0.0)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        if self.most and len(self.connections) > self.most:
            self._refuse(Busy("Too many connections are open.", fix="close those that are idle", retry_after_s=5))

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            if self._since is None:
                self._since = self.loop.time()
            if self._fed > HEAD_BYTES:
                self._refuse(_head_too_large())
                return
            self._fed += len(data)
        self._piece = len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._fed, self._since = True, self._piece, self.loop.time()

    def on_headers_complete(self) -> None:
        if self._is_head_too_large():
            raise _head_too_large()  # the parser makes an error of its own of it, and `send_400_response` is asked
        self._in_head, self._came, self._since = False, 0, self.loop.time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._came += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._fed, self._since = True, 0, None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no request. Of a head that is too large the parser says no more than that."""
        if self._in_head and self._is_head_too_large():
            self._refuse(_head_too_large())
            return
        self._refuse(
            InvalidInput(
                "This is no request of HTTP/1.1.",
                fix="send HTTP/1.1 without TLS to this port; OTLP over gRPC has a port of its own (4317)",
            )
        )

    def look(self, now: float) -> None:
        """Ends the connection where its other end has been silent for too long."""
        if self._is_unread(now):
            _log.warning("a connection was cut off: nobody had read of its answer for %d s", UNREAD_S)
            self.transport.abort()
        elif not self.transport.is_closing() and self._since is not None:
            self._end_if_late(now, now - self._since)

    def _end_if_late(self, now: float, waited: float) -> None:
        answered = self.cycle is None or self.cycle.response_complete
        if self._in_head:
            if not answered or waited <= HEAD_S:  # the request before it may still be being answered
                return
            if self._fed:
                self._refuse(_too_slow("head", f"within {HEAD_S:g} s"))
            else:  # browsers open some ahead, and would take an answer now for that to their next request
                self.transport.close()
        elif answered:  # what it was sent for is over, so there is no need to read all of it
            if waited > BODY_S:
                self.transport.close()
        elif self.flow.read_paused:  # it is for us to go on
            self._since, self._came = now, 0
        elif waited > BODY_S:
            self._go_on_or_end(now)

    def _go_on_or_end(self, now: float) -> None:
        if self._came >= BODY_RATE * BODY_S:
            self._since, self._came = now, 0
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self._refuse(_too_slow("body", f"within {BODY_S:g} s, nor at {BODY_RATE} bytes a second"))

    def _is_unread(self, now: float) -> bool:
        waiting = self.transport.get_write_buffer_size()
        if waiting == 0 or waiting != self._unread[0]:
            self._unread = (waiting, now)
        return now - self._unread[1] > UNREAD_S

    def _is_head_too_large(self) -> bool:
        """Of a body that came with it not counted: it is added up only where both together are too large."""
        if self._fed <= HEAD_BYTES:
            return False
        return len(self.url or b"") + sum(len(name) + len(value) + 4 for name, value in self.headers or ()) > HEAD_BYTES

    def _refuse(self, error: AssayError) -> None:
        """Written past the application, which hears that the caller is gone."""
        self._unset_keepalive_if_required()
        body = json.dumps(problem(error)).encode()
        headers = {
            **headers_of(error),
            "Content-Type": "application/problem+json",
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(STATUS_LINE[status_of(error)] + lines.encode("ascii") + b"\r\n" + body)
        self.transport.close()


async def sweep(connections: Collection[Any], every_s: float = SWEEP_S) -> None:
    """Looks at all of them, again and again, a few hundred at a time."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(every_s)
        for number, connection in enumerate(list(connections), 1):
            if connection in connections and connection.transport is not None:
                _look(connection, loop.time())
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)


def _look(connection: Any, now: float) -> None:
    try:
        connection.look(now)
    except Exception:  # noqa: BLE001 - the others are looked at all the same, now and later
        _log.exception("a connection could not be looked at")


def _head_too_large() -> HeadTooLarge:
    return HeadTooLarge(
        f"The request line and headers are larger than {HEAD_BYTES} bytes.", field="headers", fix="send shorter ones"
    )


def _too_slow(part: str, bound: str) -> TooSlow:
    return TooSlow(f"The {part} of the request did not come {bound}.", field=part, fix="send it again, in one go")
