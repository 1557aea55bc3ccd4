"""OTLP log records: content of model calls, judgements, and everything else, in both encodings.

A record becomes one event (`core.records.Event`), so that nothing is dropped:

- `kind` is `content` where it carries the input or output of a model call (GenAI content events) and names its span;
  `data.input` and `data.output` then hold what the span's own fields would. `query` joins them to the span when it is
  read, whichever came first; nothing that was stored is changed.
- `kind` is `log` otherwise.
- `gen_ai.evaluation.result` that names a trace becomes a score instead.

The id follows from the content, so that a record sent twice is stored once.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any

import msgspec
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Event, Score, Span
from assay_server.ingest.limits import Limits
from assay_server.ingest.normalise.evaluation_events import EVALUATION, score_of_event
from assay_server.ingest.normalise.messages import CONTENT_EVENTS, MESSAGE_EVENTS, messages_of_events
from assay_server.ingest.normalise.normaliser import Normaliser
from assay_server.ingest.normalise.values import text_of
from assay_server.ingest.otlp import beside
from assay_server.ingest.otlp.decoded import LAST_NS, Decoded, SpanRefused, hex_id
from assay_server.ingest.otlp.from_proto import attributes_of, resource_of, told_of, value_of
from assay_server.ingest.otlp.message import read_message


@dataclass(slots=True)
class LogRecord:
    """A log record as it was sent; `time_ns` is when it happened, otherwise when it was seen (0: nobody said)."""

    project: str
    time_ns: int
    trace_id: str | None
    span_id: str | None
    name: str
    severity: str | None
    body: Any
    attributes: dict[str, Any]
    scope: str | None
    resource: dict[str, Any]
    pii: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        said = [self.time_ns, self.trace_id, self.span_id, self.name, self.severity, self.body, self.attributes]
        return event_id("log", [*said, self.scope, self.resource])


def decode_logs_proto(project: str, body: bytes, limits: Limits) -> Decoded[LogRecord]:
    """Raises `InvalidInput` when the body is no ExportLogsServiceRequest."""
    try:
        request = read_message(ExportLogsServiceRequest, body)
    except DecodeError as error:
        raise _not_logs("protobuf", error) from error
    return _decoded(project, request, limits)


def decode_logs_json(project: str, body: bytes, limits: Limits) -> Decoded[LogRecord]:
    """Raises `InvalidInput` when the body is no ExportLogsServiceRequest."""
    return _decoded(project, json_request(body, ExportLogsServiceRequest(), partial(_not_logs, "JSON")), limits)


def json_request(body: bytes, request: Any, refuse: Callable[[Exception], InvalidInput]) -> Any:
    """Fills `request` from OTLP's JSON. Its ids are hex where protobuf's own mapping has base64 (`_ids`)."""
    try:
        return ParseDict(_with_ids(msgspec.json.decode(body, type=dict[str, Any])), request, ignore_unknown_fields=True)
    except (msgspec.DecodeError, ParseError, UnicodeDecodeError, RecursionError, ValueError, AttributeError) as error:
        raise refuse(error) from error


def facts_of(record: LogRecord, normaliser: Normaliser, now_ns: int) -> Event | Score:
    """What is stored of a record (scrubbed before). One without a time happened now."""
    if record.name == EVALUATION and record.trace_id:
        score = score_of_event(
            Span(record.project, record.trace_id, record.span_id or "", None, "", "span", 0, 0),
            {"time_ns": record.time_ns or now_ns, "attributes": _spoken(record)},
        )
        if score is not None:
            score.span_id = record.span_id
            return score
    data: dict[str, Any] = {
        "name": record.name or None,
        "severity": record.severity,
        "body": record.body,
        "attributes": record.attributes,
        "scope": record.scope,
        "resource": record.resource,
        "pii": record.pii,
    }
    content = _content(record, normaliser) if record.span_id else {}
    return Event(
        project=record.project,
        id=record.id,
        kind="content" if content else "log",
        time_ns=record.time_ns or now_ns,
        trace_id=record.trace_id,
        span_id=record.span_id,
        data={key: value for key, value in (data | content).items() if value not in (None, {}, [])},
    )


def event_id(kind: str, said: list[Any]) -> str:
    """The same content gives the same id."""
    try:
        text = msgspec.json.encode(said, order="sorted")
    except UnicodeEncodeError:
        text = repr(said).encode("utf-8", "replace")
    return f"evt_{blake2b(text, digest_size=13, person=kind.encode()).hexdigest()}"


def _decoded(project: str, request: Any, limits: Limits) -> Decoded[LogRecord]:
    decoded: Decoded[LogRecord] = Decoded(limits)
    for resource_logs in request.resource_logs:
        inside = sum(len(scope_logs.log_records) for scope_logs in resource_logs.scope_logs)
        resource = decoded.shared(partial(resource_of, resource_logs, limits), inside)
        if resource is None:
            continue
        for scope_logs in resource_logs.scope_logs:
            told = decoded.shared(partial(told_of, resource, scope_logs, limits), len(scope_logs.log_records), "scope")
            if told is None:
                continue
            name, version = scope_logs.scope.name, scope_logs.scope.version
            scope = (f"{name}@{version}" if version else name) or None
            for sent in scope_logs.log_records:
                take = partial(_record, sent, project, told, scope, limits)
                decoded.take(take, sent.event_name or "log record", "log record")
    return decoded


def _record(sent: Any, project: str, resource: dict[str, Any], scope: str | None, limits: Limits) -> LogRecord:
    attributes = beside.of_part(attributes_of(sent.attributes, limits), sent.dropped_attributes_count)
    time_ns = sent.time_unix_nano or sent.observed_time_unix_nano
    if time_ns > LAST_NS:
        raise SpanRefused("time_unix_nano is out of range")
    return LogRecord(
        project=project,
        time_ns=time_ns,
        trace_id=_optional_id(sent.trace_id, 32, "trace_id"),
        span_id=_optional_id(sent.span_id, 16, "span_id"),
        name=sent.event_name or text_of(attributes.get("event.name")) or "",
        severity=sent.severity_text or (str(sent.severity_number) if sent.severity_number else None),
        body=value_of(sent.body, limits.depth),
        attributes=attributes,
        scope=scope,
        resource=resource,
    )


def _optional_id(sent: bytes, length: int, what: str) -> str | None:
    return hex_id(sent.hex(), length, what) if sent.strip(b"\0") else None


def _content(record: LogRecord, normaliser: Normaliser) -> dict[str, str | None]:
    """`{"input", "output"}` where the record carries either."""
    said = _spoken(record)
    if record.name in MESSAGE_EVENTS:
        into, out = messages_of_events([{"name": record.name, "attributes": said}])
        return {"input": text_of(into), "output": text_of(out)}
    if record.name not in CONTENT_EVENTS:
        return {}
    span = Span(record.project, "", "", None, "", "span", 0, 0, attributes=said)
    normaliser.fill(span)
    return {"input": span.input, "output": span.output} if span.input or span.output else {}


def _spoken(record: LogRecord) -> dict[str, Any]:
    """Attributes, and what older conventions put into the body."""
    return {**record.attributes, **record.body} if isinstance(record.body, dict) else record.attributes


def _with_ids(value: Any) -> Any:
    """Protobuf's mapping reads ids as base64: what is hex here is rewritten, at any depth of the message itself."""
    if isinstance(value, list):
        return [_with_ids(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {key: _base64(part) if key in _IDS else _with_ids(part) for key, part in value.items()}


def _base64(text: Any) -> Any:
    return base64.b64encode(bytes.fromhex(text)).decode() if isinstance(text, str) else text


_IDS = frozenset({"traceId", "spanId"})


def _not_logs(encoding: str, error: Exception) -> InvalidInput:
    return InvalidInput(
        f"The body is not an OTLP ExportLogsServiceRequest in {encoding}: {error}.",
        field="body",
        fix="send OTLP protobuf with 'Content-Type: application/x-protobuf', or JSON with 'application/json'",
    )
