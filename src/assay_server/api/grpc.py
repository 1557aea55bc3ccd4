"""OTLP over gRPC: the three `Export` methods, with the handler, keys and limits of the HTTP door.

grpcio is imported when the door is opened, not before. Messages are passed on as the bytes they came in.

The methods are unary to clients, and streams here: of a stream gRPC reads nothing before it is asked to. So a caller
without a key sends no more than a window, and how many messages are in memory at once is ours to say.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from assay_server.api.auth import authorise
from assay_server.api.otlp import answer_of
from assay_server.api.problems import status_of
from assay_server.api.services import Services
from assay_server.core.errors import AssayError, Busy, InvalidInput, RateLimited, RetryableError, Unavailable
from assay_server.ingest import PROTOBUF, Accepted, Signal

_log = logging.getLogger(__name__)

SERVICES: dict[str, Signal] = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "traces",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "metrics",
}

_READ_AT_ONCE = 8
_READ_S = 20.0  # twice as long as exporters wait for their answer
_WINDOW = 64 << 10  # what may come of a message that nobody reads yet; gRPC makes it larger for one that is read

_PING_S, _PONG_S = 60, 20  # whoever answers no ping is gone: a machine that fell asleep closes nothing
_PINGED_MS = 1000  # how often clients may ask whether we are there; idle ones by default once in two hours

_DETAILS = "grpc-status-details-bin"
_NAMES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_NAMES |= {413: "RESOURCE_EXHAUSTED", 415: "INVALID_ARGUMENT", 503: "UNAVAILABLE"}


class GrpcDoor:
    """A gRPC server on the event loop it is opened on."""

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts
        self._ingest = services.ingest
        self._server: Any = None
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    async def open(self, host: str, port: int) -> int:
        """Listens on `port` (0: any free one) and gives the port. Raises `Unavailable` where that cannot be."""
        try:
            grpc = await asyncio.to_thread(import_module, "grpc.aio")
        except ImportError as error:
            raise Unavailable("The package grpcio is not installed.", fix="pip install grpcio") from error
        limit = self._ingest.limits.body_bytes  # of a message as it was before it was compressed
        options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", limit)]
        options += [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", _WINDOW)]
        server = grpc.server(options=options + _keepalive())
        server.add_generic_rpc_handlers([self._handler(name, signal) for name, signal in SERVICES.items()])
        try:
            bound: int = server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except RuntimeError as error:
            raise Unavailable(
                f"Port {port} on {host} is taken.", field="grpc_port", value=port, fix="assay up --grpc-port N"
            ) from error
        await server.start()
        self._server = server
        return bound

    async def close(self, grace_s: float = 5) -> None:
        """Finishes what is under way, for `grace_s` seconds at most."""
        if self._server is not None:
            await self._server.stop(grace_s)
            self._server = None

    def _handler(self, name: str, signal: Signal) -> Any:
        grpc = import_module("grpc")

        async def export(_: Any, context: Any) -> bytes:
            return await self._export(context, signal)

        method = grpc.stream_unary_rpc_method_handler(export)
        return grpc.method_handlers_generic_handler(name, {"Export": method})

    async def _export(self, context: Any, signal: Signal) -> bytes:
        # `abort` raises, and gRPC keeps what it raised until the collector comes. So the error is let go before: it
        # leads to the message, and a full server would keep each one that it refuses.
        try:
            answer: bytes = answer_of(await self._take(context, signal), signal).SerializeToString()
            return answer
        except AssayError as error:
            code, message = code_of(error), str(error)
            context.set_trailing_metadata(_details(error, code, message))
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - the last resort: the caller hears no more than that it failed
            _log.exception("unexpected error in gRPC %s", signal)
            code, message = "UNKNOWN", "Unexpected error; the server's log has it."
        try:
            await context.abort(_status_code(code), message)
        except import_module("grpc.aio").InternalError:  # gone just now, and gRPC would log a failure of ours
            raise asyncio.CancelledError from None
        raise AssertionError("abort raises")

    async def _take(self, context: Any, signal: Signal) -> Accepted:
        caller = await self._accounts.authenticate(_headers(context.invocation_metadata()))
        authorise(caller, "ingest")
        body = await self._read(context)
        accepted: Accepted = await self._ingest.otlp(caller.project, body, PROTOBUF, None, signal)
        return accepted

    async def _read(self, context: Any) -> bytes:
        """The message. Whoever sends slowly does not keep the others waiting for ever."""
        async with self._reading:
            try:
                async with asyncio.timeout(_READ_S):
                    body: Any = await context.read()
            except TimeoutError as error:
                raise Unavailable(
                    f"The message did not come within {_READ_S:g} s.", fix="send smaller batches", retry_after_s=1
                ) from error
        if not isinstance(body, bytes):
            raise InvalidInput("The call has no message.", fix="send one Export request")
        return body


def code_of(error: AssayError) -> str:
    """The name of the gRPC code. Exporters send again after RESOURCE_EXHAUSTED only where RetryInfo says when."""
    if isinstance(error, Busy | RateLimited):
        return "RESOURCE_EXHAUSTED"
    return _NAMES.get(status_of(error), "UNKNOWN")


async def opened(services: Services, host: str, port: int, say: Callable[[str], None]) -> Callable[[], Awaitable[None]]:
    """Opens the door unless `port` is 0, and gives how to close it.

    Where it stays shut, `say` hears one line why, and the services no longer name a port that is somebody else's.
    """
    door = GrpcDoor(services)
    if port:
        try:
            await door.open(host, port)
        except Unavailable as error:
            services.grpc_port.number = 0
            say(f"OTLP over gRPC is off: {str(error).rstrip('.')}. HTTP is not affected. --grpc-port 0 silences this.")
    return door.close


def _keepalive() -> list[tuple[str, int]]:
    """Pings both ways. Collectors ping every ten seconds or thirty; a connection that does so too often is closed."""
    return [
        ("grpc.keepalive_time_ms", _PING_S * 1000),
        ("grpc.keepalive_timeout_ms", _PONG_S * 1000),
        ("grpc.http2.ping_timeout_ms", _PONG_S * 1000),  # without it the other one is not followed
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", _PINGED_MS),
    ]


def _headers(metadata: Iterable[tuple[str, str | bytes]] | None) -> dict[str, str]:
    return {name: value for name, value in metadata or () if isinstance(value, str)}


def _details(error: AssayError, code: str, message: str) -> tuple[tuple[str, bytes], ...]:
    """When to come back, as exporters look for it."""
    if not isinstance(error, RetryableError) or error.retry_after_s is None:
        return ()
    nanos, seconds = math.modf(error.retry_after_s)
    packed = AnyMessage()
    packed.Pack(RetryInfo(retry_delay=Duration(seconds=int(seconds), nanos=int(nanos * 1e9))))
    status = Status(code=_status_code(code).value[0], message=message, details=[packed])
    return ((_DETAILS, status.SerializeToString()),)


def _status_code(name: str) -> Any:
    return getattr(import_module("grpc").StatusCode, name)
