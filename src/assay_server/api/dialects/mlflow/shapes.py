"""A trace of ours as MLflow's clients read it: their TraceInfo, and spans in OTLP's JSON for protobuf."""

import base64
from typing import Any

from assay_server.api.dialects.mlflow.assessments import assessment_json
from assay_server.api.dialects.mlflow.ids import told_of
from assay_server.core.clock import parse_rfc3339

IN_TRACKING_STORE = {"mlflow.trace.spansLocation": "TRACKING_STORE"}
"""Spans are asked for over REST: there is no artifact to download."""

_STATES = {"ok": "OK", "error": "ERROR", "unset": "STATE_UNSPECIFIED"}
_CODES = {"ok": "STATUS_CODE_OK", "error": "STATUS_CODE_ERROR", "unset": "STATUS_CODE_UNSET"}
_TYPES = {"llm": "LLM", "span": "UNKNOWN"}
_PREVIEW = 1000  # characters
_WIDEST = 2**63


def info_json(trace: dict[str, Any]) -> dict[str, Any]:
    """TraceInfo, of a trace as the REST API gives it."""
    root = next((span for span in trace["spans"] if span["span_id"] == trace["root_span_id"]), None)
    said = root["attributes"] if root else {}
    tags = {
        key.removeprefix("mlflow.traceTag."): str(value)
        for key, value in said.items()
        if key.startswith("mlflow.traceTag.") or key == "mlflow.linkedPrompts"
    }
    metadata = {key: str(value) for key, value in said.items() if key.startswith("mlflow.trace.")}
    metadata |= _known({"mlflow.trace.user": trace["user"], "mlflow.trace.session": trace["session"]})
    number = str(said.get("mlflow.experimentId", "0"))
    return {
        **_known({"client_request_id": said.get("mlflow.clientRequestId")}),
        "trace_id": told_of(trace["trace_id"]),
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": number}},
        "request_preview": _preview(root["input"] if root else None),
        "response_preview": _preview(root["output"] if root else None),
        "request_time": trace["start"],
        "execution_duration": f"{trace['latency_ms'] / 1000:.6f}s",
        "state": _STATES[trace["status"]],
        "trace_metadata": metadata,
        "tags": {**tags, "mlflow.traceName": trace["name"], **IN_TRACKING_STORE},
        "assessments": [assessment_json(score) for score in trace["scores"]],
    }


def spans_json(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """Spans of any client; those that are not MLflow's own get its words for kind, inputs and outputs."""
    return [_span(span) for span in trace["spans"]]


def _span(span: dict[str, Any]) -> dict[str, Any]:
    ours = {
        "mlflow.traceRequestId": told_of(span["trace_id"]),
        "mlflow.spanType": _TYPES.get(span["kind"], span["kind"].upper()),
        "mlflow.spanInputs": span["input"],
        "mlflow.spanOutputs": span["output"],
    }
    start = int(span["start_ns"])
    told = {
        "trace_id": _bytes(span["trace_id"]),
        "span_id": _bytes(span["span_id"]),
        "name": span["name"],
        "start_time_unix_nano": str(start),
        "end_time_unix_nano": str(start + round(span["latency_ms"] * 1e6)),
        "attributes": _pairs({**_known(ours), **span["attributes"]}),
        "status": {"code": _CODES[span["status"]], "message": span["status_message"] or ""},
        "events": [_event(event) for event in span["events"]],
    }
    return told if span["parent_id"] is None else {**told, "parent_span_id": _bytes(span["parent_id"])}


def _event(event: dict[str, Any]) -> dict[str, Any]:
    at = str(parse_rfc3339(event["time"])) if event.get("time") else "0"
    return {"name": event["name"], "time_unix_nano": at, "attributes": _pairs(event["attributes"])}


def _pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    """An AnyValue; numbers that it cannot hold are texts."""
    match value:
        case None:
            return {}
        case bool():
            return {"bool_value": value}
        case int() if -_WIDEST <= value < _WIDEST:
            return {"int_value": str(value)}
        case float():
            return {"double_value": value}
        case list():
            return {"array_value": {"values": [_value(part) for part in value]}}
        case dict():
            return {"kvlist_value": {"values": _pairs(value)}}
        case _:
            return {"string_value": str(value)}


def _bytes(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


def _preview(body: Any) -> str:
    return "" if body is None else (body if isinstance(body, str) else str(body))[:_PREVIEW]


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
