"""Spans to the server: OpenTelemetry's own OTLP exporter, made quiet, its answers understood."""

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry import context as otel_context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from assay._config import Connection
from assay._errors import TooLarge, from_response
from assay._mended import mended
from assay._outbox import Outage, TryAgain, Undeliverable

_TIMEOUT_S = 5.0
_RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_ours = threading.local()


class _Session(requests.Session):
    """Knows whether it was used: the exporter says of a batch that it could not write only that it failed."""

    asked = False

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        self.asked = True
        return super().send(request, **how)


class SpanSender:
    """Sends batches of spans; raises TryAgain or Undeliverable. Used by one thread at a time."""

    def __init__(self, connection: Connection, outage: Outage) -> None:
        self._outage = outage
        self._answer: requests.Response | None = None
        self._closed = False
        self._session = session = _Session()
        session.hooks["response"].append(self._keep)
        self._exporter = OTLPSpanExporter(
            endpoint=f"{connection.url}/v1/traces",
            headers={name: value for name, value in connection.headers().items() if name != "Accept"},
            timeout=_TIMEOUT_S,
            compression=_compression(connection.url),
            session=session,
        )
        logging.getLogger(OTLPSpanExporter.__module__).addFilter(_not_ours)

    def __call__(self, spans: Sequence[ReadableSpan]) -> None:
        self._answer = None
        self._session.asked = False
        with _unseen():
            result = self._exporter.export([mended(span) for span in spans])
        if result is SpanExportResult.SUCCESS:
            self._tell_rejected()
            return
        raise self._reason()

    def close(self) -> None:
        """Ends an attempt that is still waiting."""
        self._closed = True
        with _unseen():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _keep(self, answer: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        self._answer = answer

    def _reason(self) -> Exception:
        answer = self._answer
        if answer is None:
            if not self._session.asked and not self._closed:
                return Undeliverable("a span cannot be written", parts=True)
            return TryAgain("no answer")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        error = from_response(answer.status_code, headers, _said(headers, answer.content))
        if answer.status_code in _RETRYABLE:
            return TryAgain(error.message, getattr(error, "retry_after_s", None))
        return Undeliverable(f"{error} (HTTP {answer.status_code})", parts=isinstance(error, TooLarge))

    def _tell_rejected(self) -> None:
        """OTLP's partial success: some spans of the batch were broken."""
        if self._answer is None or not self._answer.content:
            return
        told = ExportTraceServiceResponse.FromString(self._answer.content).partial_success
        if told.rejected_spans:
            self._outage.tell_once(f"Assay refused {told.rejected_spans} span(s): {told.error_message}")


def _said(headers: Mapping[str, str], body: bytes) -> bytes:
    """What was sent in protobuf is answered in it, faults too."""
    if not headers.get("content-type", "").startswith("application/x-protobuf"):
        return body
    with contextlib.suppress(DecodeError):
        message: str = Status.FromString(body).message
        return message.encode()
    return body


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """Our own requests make no spans, and the exporter's log lines give way to our one warning."""
    token = otel_context.attach(otel_context.set_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY, True))
    _ours.sending = True
    try:
        yield
    finally:
        _ours.sending = False
        otel_context.detach(token)


def _not_ours(_record: logging.LogRecord) -> bool:
    return not getattr(_ours, "sending", False)


def _compression(url: str) -> Compression:
    """On the same machine the bytes are cheaper than the CPU."""
    return Compression.NoCompression if urlsplit(url).hostname in _LOOPBACK else Compression.Gzip
