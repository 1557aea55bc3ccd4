"""Stored log records as OTLP, as their sender said them."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from assay_server.outbound.otlp_parts import fill, forwarded_by, id_of, put, tell_origin

_HIGHEST_SEVERITY = 24


def encoded_logs(records: Sequence[Mapping[str, Any]], server: str) -> tuple[bytes, int]:
    """One request of records (`query.Stored`), and how many are in it: none that `server` has sent on before."""
    request = ExportLogsServiceRequest()
    scopes: dict[tuple[str, str | None], Any] = {}
    taken = 0
    for record in records:
        past = forwarded_by(record)
        if server in past:
            continue
        key = (repr(record["resource"]), record["scope"])
        if key not in scopes:
            of_resource = request.resource_logs.add()
            scopes[key] = of_resource.scope_logs.add()
            tell_origin(of_resource, scopes[key], record, [*past, server])
        _add(scopes[key].log_records.add(), record)
        taken += 1
    return request.SerializeToString(), taken


def _add(out: LogRecord, record: Mapping[str, Any]) -> None:
    out.time_unix_nano = record["time_ns"]
    out.trace_id, out.span_id = id_of(record["trace_id"], 16) or b"", id_of(record["span_id"], 8) or b""
    out.event_name = record["name"] or ""
    severity = record["severity"] or ""
    if severity.isdecimal() and int(severity) <= _HIGHEST_SEVERITY:  # its sender gave a number and no word
        out.severity_number = int(severity)  # type: ignore[assignment]  # an open enum is an int
    else:
        out.severity_text = severity
    if record["body"] is not None:
        fill(out.body, record["body"])
    for key, value in record["attributes"].items():
        put(out.attributes, key, value)
