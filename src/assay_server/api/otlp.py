"""`POST /v1/traces`, `/v1/logs`, `/v1/metrics` and the paths other products have for them: plain ASGI, because this is
the hottest door.

Errors are a `google.rpc.Status` in the request's own encoding, as the OTLP specification asks.
"""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any, get_args

from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from assay_server.api.auth import authorise
from assay_server.api.dialects.mlflow import spans as mlflow
from assay_server.api.problems import headers_of, status_of
from assay_server.api.services import Services
from assay_server.core.errors import AssayError, Busy, TooLarge
from assay_server.core.ports import Principal
from assay_server.ingest import JSON, PROTOBUF, Accepted, Place, Signal

_log = logging.getLogger(__name__)

_PREFIXES = (
    "",
    "/api/public/otel",  # Langfuse
    "/otel",  # LangSmith
    "/api/v1/private/otel",  # Opik
)
SIGNALS: tuple[Signal, ...] = get_args(Signal)
PATHS: dict[str, Signal] = {f"{prefix}/v1/{signal}": signal for prefix in _PREFIXES for signal in SIGNALS}

_RESPONSES = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}
_REJECTED = {"traces": "rejectedSpans", "logs": "rejectedLogRecords", "metrics": "rejectedDataPoints"}
_REJECTED_FIELD = {"traces": "rejected_spans", "logs": "rejected_log_records", "metrics": "rejected_data_points"}
_GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 8, 415: 3, 429: 8, 503: 14}
_UNKNOWN = 2


class Otlp:
    """An ASGI application that takes OTLP requests of all signals; the path says which (`PATHS`)."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._accounts = services.accounts
        self._ingest = services.ingest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        as_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON
        if request.method != "POST":
            return _refusal(405, "OTLP is sent with POST.", {"Allow": "POST"}, as_json)
        try:
            signal = PATHS[request.url.path]
            return _success(await self._take(request, request.headers, signal), signal, as_json)
        except AssayError as error:
            return _refusal(status_of(error), str(error), headers_of(error), as_json)
        except ClientDisconnect:
            raise
        except Exception:  # noqa: BLE001 - the last resort, as OTLP wants its own shape of error
            _log.exception("unexpected error, request %s", request.scope.get("assay.request_id"))
            return _refusal(500, "Unexpected error; the server's log has it.", {}, as_json)

    async def _take(self, request: Request, headers: Headers, signal: Signal) -> Accepted:
        caller = await self._accounts.authenticate(headers)
        authorise(caller, "ingest")
        if signal == "traces" and mlflow.is_mlflow(headers):
            return await self._take_of_mlflow(request, caller, headers)
        with self._ingest.place() as place:
            body = await _body(request, place, self._ingest.limits.body_bytes)
            accepted: Accepted = await self._ingest.otlp(
                caller.project,
                body,
                headers.get("content-type"),
                headers.get("content-encoding"),
                signal,
                admitted=True,
            )
        return accepted

    async def _take_of_mlflow(self, request: Request, caller: Principal, headers: Headers) -> Accepted:
        """Its client neither packs nor divides what it sends, so as much comes in as of others unpacked; and it says
        nothing of a refusal, so the trace does."""
        limit = self._ingest.limits.unpacked_bytes
        with self._ingest.place(limit) as place:
            try:
                body = await _body(request, place, limit)
            except TooLarge:
                if _length(request) > limit:  # nothing of it was read
                    began = await anext(request.stream())
                    await mlflow.tell_refused(self._services, caller, began, _length(request), limit)
                raise
            return await mlflow.take_spans(self._services, caller, headers, body)


def _length(request: Request) -> int:
    """What Content-Length says; 0 where there is none."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isdecimal() else 0


async def _body(request: Request, place: Place, limit: int) -> bytes:
    """Reads no more than there is room for, whatever the client says or does not say about the length."""
    if (said := _length(request)) > limit:
        place.take(said)  # raises: there is no need to read any of it
    parts: list[bytes] = []
    stream = request.stream()
    async for part in stream:
        try:
            place.take(len(part))
        except Busy:
            parts.clear()
            await _pass_over(stream, limit)
            raise
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _pass_over(stream: AsyncIterator[bytes], limit: int) -> None:
    """The rest of a body that is refused: most clients read no answer, and so no Retry-After, before they have sent
    all of theirs."""
    size = 0
    async for part in stream:
        size += len(part)
        if size > limit:
            return


def answer_of(accepted: Accepted, signal: Signal) -> Any:
    """The signal's response message; a partial success tells how many were rejected and why."""
    answer = _RESPONSES[signal]()
    if accepted.rejected:
        setattr(answer.partial_success, _REJECTED_FIELD[signal], accepted.rejected)
        answer.partial_success.error_message = accepted.message
    return answer


def _success(accepted: Accepted, signal: Signal, as_json: bool) -> Response:
    if as_json:
        partial = {_REJECTED[signal]: str(accepted.rejected), "errorMessage": accepted.message}
        return Response(json.dumps({"partialSuccess": partial} if accepted.rejected else {}), media_type=JSON)
    return Response(answer_of(accepted, signal).SerializeToString(), media_type=PROTOBUF)


def _refusal(status: int, message: str, headers: dict[str, str], as_json: bool) -> Response:
    code = _GRPC_CODES.get(status, _UNKNOWN)
    if as_json:
        return Response(json.dumps({"code": code, "message": message}), status, headers, media_type=JSON)
    return Response(Status(code=code, message=message).SerializeToString(), status, headers, media_type=PROTOBUF)
