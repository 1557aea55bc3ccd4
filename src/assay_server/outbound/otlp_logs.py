"""Stored log records as OTLP, as their sender said them."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from assay_server.outbound.otlp_parts import Scopes, fill, id_of, put

_HIGHEST_SEVERITY = 24


def encoded_logs(records: Sequence[Mapping[str, Any]], server: str) -> tuple[bytes, int]:
    """One request of records (`query.Stored`), and how many are in it: none that `server` has sent on before."""
    request = ExportLogsServiceRequest()

    def empty() -> tuple[Any, Any]:
        of_resource = request.resource_logs.add()
        return of_resource, of_resource.scope_logs.add()

    scopes, taken = Scopes(server, empty), 0
    for record in records:
        scope = scopes.of(record)
        if scope is not None:
            _add(scope.log_records.add(), record)
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
