"""OTLP over gRPC: the three `Export` methods, with the handler, keys and limits of the HTTP door.

grpcio is imported when the door is opened, not before. Messages are passed on as the bytes they came in.
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
from assay_server.core.errors import AssayError, Busy, RateLimited, RetryableError, Unavailable
from assay_server.ingest import PROTOBUF, Signal

_log = logging.getLogger(__name__)

SERVICES: dict[str, Signal] = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "traces",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "metrics",
}

_DETAILS = "grpc-status-details-bin"
_NAMES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_NAMES |= {413: "RESOURCE_EXHAUSTED", 415: "INVALID_ARGUMENT", 503: "UNAVAILABLE"}


class GrpcDoor:
    """A gRPC server on the event loop it is opened on."""

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts
        self._ingest = services.ingest
        self._server: Any = None

    async def open(self, host: str, port: int) -> int:
        """Listens on `port` (0: any free one) and gives the port. Raises `Unavailable` where that cannot be."""
        try:
            grpc = await asyncio.to_thread(import_module, "grpc.aio")
        except ImportError as error:
            raise Unavailable("The package grpcio is not installed.", fix="pip install grpcio") from error
        limit = self._ingest.limits.unpacked_bytes
        options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", limit)]
        server = grpc.server(options=options)
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

        async def export(body: bytes, context: Any) -> bytes:
            return await self._export(body, context, signal)

        method = grpc.unary_unary_rpc_method_handler(export)
        return grpc.method_handlers_generic_handler(name, {"Export": method})

    async def _export(self, body: bytes, context: Any, signal: Signal) -> bytes:
        try:
            caller = await self._accounts.authenticate(_headers(context.invocation_metadata()))
            authorise(caller, "ingest")
            accepted = await self._ingest.otlp(caller.project, body, PROTOBUF, None, signal)
        except AssayError as error:
            code = code_of(error)
            context.set_trailing_metadata(_details(error, code, str(error)))
            await context.abort(_status_code(code), str(error))
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - the last resort: the caller hears no more than that it failed
            _log.exception("unexpected error in gRPC %s", signal)
            await context.abort(_status_code("UNKNOWN"), "Unexpected error; the server's log has it.")
        answer: bytes = answer_of(accepted, signal).SerializeToString()
        return answer


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
