"""OTLP requests out of plain dictionaries, in both encodings."""

import json
from math import isfinite
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

START_NS = 1_795_248_000_000_000_000  # 2026-11-21T08:00:00Z
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def a_span(**fields: Any) -> dict[str, Any]:
    """`attributes` and `events` as plain values; the rest has defaults."""
    return {
        "trace_id": TRACE_ID,
        "span_id": "b7ad6b7169203331",
        "parent_id": "",
        "name": "call",
        "start_ns": START_NS,
        "end_ns": START_NS + 1_500_000_000,
        "status": 0,
        "status_message": "",
        "attributes": {},
        "events": [],
        **fields,
    }


def protobuf(*spans: dict[str, Any], scope: str = "", resource: dict[str, Any] | None = None) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    _put_all(resource_spans.resource.attributes, resource or {})
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name, _, scope_spans.scope.version = scope.partition("@")
    for span in spans:
        sent = scope_spans.spans.add(
            trace_id=bytes.fromhex(span["trace_id"]),
            span_id=bytes.fromhex(span["span_id"]),
            parent_span_id=bytes.fromhex(span["parent_id"]),
            name=span["name"],
            start_time_unix_nano=span["start_ns"],
            end_time_unix_nano=span["end_ns"],
        )
        sent.status.code, sent.status.message = span["status"], span["status_message"]
        _put_all(sent.attributes, span["attributes"])
        for event in span["events"]:
            made = sent.events.add(name=event["name"], time_unix_nano=event["time_ns"])
            _put_all(made.attributes, event["attributes"])
    return request.SerializeToString()


def as_json(*spans: dict[str, Any], scope: str = "", resource: dict[str, Any] | None = None) -> bytes:
    name, _, version = scope.partition("@")
    scope_spans = {"scope": {"name": name, "version": version}, "spans": [json_span(span) for span in spans]}
    attributes = _pairs(resource or {})
    return json.dumps(
        {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [scope_spans]}]}
    ).encode()


def json_span(span: dict[str, Any]) -> dict[str, Any]:
    return {
        "traceId": span["trace_id"],
        "spanId": span["span_id"],
        "parentSpanId": span["parent_id"],
        "name": span["name"],
        "startTimeUnixNano": str(span["start_ns"]),
        "endTimeUnixNano": str(span["end_ns"]),
        "status": {"code": span["status"], "message": span["status_message"]},
        "attributes": _pairs(span["attributes"]),
        "events": [
            {"name": e["name"], "timeUnixNano": str(e["time_ns"]), "attributes": _pairs(e["attributes"])}
            for e in span["events"]
        ],
    }


def _pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any(value)} for key, value in values.items()]


def _any(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value if isfinite(value) else str(value)}  # protobuf's JSON writes those as texts
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any(part) for part in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _pairs(value)}}
    return {} if value is None else {"stringValue": value}


def _put_all(target: Any, values: dict[str, Any]) -> None:
    for key, value in values.items():
        pair = target.add(key=key)
        _put(pair.value, value)


def _put(target: Any, value: Any) -> None:
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for part in value:
            _put(target.array_value.values.add(), part)
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        _put_all(target.kvlist_value.values, value)
    elif value is not None:
        target.string_value = value
