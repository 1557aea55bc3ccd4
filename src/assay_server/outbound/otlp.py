"""Stored spans as OTLP, for another collector: what the sender said, and in common words what Assay made of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2

from assay_server.core.otlp_names import (
    DROPPED,
    FLAGS,
    REMOTE_KINDS,
    SPAN_KIND,
    TRACE_STATE,
)
from assay_server.outbound.otlp_parts import Scopes, id_of, put

_MOST = 2**32 - 1
_STATUS = {"unset": 0, "ok": 1, "error": 2}
_KINDS: dict[Any, Any] = {name: number for number, name in REMOTE_KINDS.items()}
_SAID = (
    ("model", "gen_ai.request.model"),
    ("provider", "gen_ai.provider.name"),
    ("input", "input.value"),
    ("output", "output.value"),
    ("session", "session.id"),
    ("user", "user.id"),
)


def encoded(spans: Sequence[Mapping[str, Any]], server: str) -> tuple[bytes, int]:
    """One request of span documents (as the API shows them), and how many are in it.

    A span whose ids OTLP cannot carry is left out, as is one that `server` has sent on before.
    """
    request = ExportTraceServiceRequest()

    def empty() -> tuple[Any, Any]:
        of_resource = request.resource_spans.add()
        return of_resource, of_resource.scope_spans.add()

    scopes, taken = Scopes(server, empty), 0
    for span in spans:
        ids = _ids(span)
        scope = None if ids is None else scopes.of(span)
        if ids is not None and scope is not None:
            _add(scope.spans.add(), span, ids)
            taken += 1
    return request.SerializeToString(), taken


def _add(out: trace_pb2.Span, span: Mapping[str, Any], ids: tuple[bytes, bytes, bytes]) -> None:
    out.trace_id, out.span_id, out.parent_span_id = ids
    out.name = span["name"]
    out.start_time_unix_nano = int(span["start_ns"])
    out.end_time_unix_nano = int(span["start_ns"]) + round(span["latency_ms"] * 1e6)
    out.status.code = _STATUS[span["status"]]  # type: ignore[assignment]  # an open enum is an int
    out.status.message = span["status_message"] or ""
    said = _attributes(span)
    if said.get(SPAN_KIND) in _KINDS:
        out.kind = _KINDS[said.pop(SPAN_KIND)]
    _put_beside(out, said)
    for key, value in said.items():
        put(out.attributes, key, value)
    for event in span["events"]:
        made = out.events.add(name=event["name"], time_unix_nano=event["time_ns"])
        for key, value in event["attributes"].items():
            put(made.attributes, key, value)
    for link in span["links"]:
        pair = id_of(link.get("trace_id"), 16), id_of(link.get("span_id"), 8)
        if pair[0] is not None and pair[1] is not None:
            linked = out.links.add(trace_id=pair[0], span_id=pair[1])
            of_link = dict(link.get("attributes") or {})
            _put_beside(linked, of_link)
            for key, value in of_link.items():
                put(linked.attributes, key, value)


def _put_beside(out: Any, said: dict[str, Any]) -> None:
    """Takes out of `said` what is no attribute of a span or link `out`."""
    if isinstance(said.get(TRACE_STATE), str):
        out.trace_state = said.pop(TRACE_STATE)
    if isinstance(said.get(FLAGS), int) and 0 <= said[FLAGS] <= _MOST:
        out.flags = said.pop(FLAGS)
    for name in DROPPED:
        if hasattr(out, name) and isinstance(said.get(f"otel.{name}"), int):
            setattr(out, name, min(max(said.pop(f"otel.{name}"), 0), _MOST))


def _attributes(span: Mapping[str, Any]) -> dict[str, Any]:
    """What the sender said wins; what Assay knows besides is added under the names most collectors know."""
    said = dict(span["attributes"])
    told = [value for value in said.values() if isinstance(value, str)]
    for field, key in _SAID:
        if span[field] is not None and span[field] not in told:
            said.setdefault(key, span[field])
    if span["kind"] != "span":
        said.setdefault("openinference.span.kind", span["kind"].upper())
    tokens = span["tokens"] or {}
    for total, key in (("input_total", "gen_ai.usage.input_tokens"), ("output_total", "gen_ai.usage.output_tokens")):
        if tokens.get(total) is not None:
            said.setdefault(key, tokens[total])
    return said


def _ids(span: Mapping[str, Any]) -> tuple[bytes, bytes, bytes] | None:
    trace_id, span_id = id_of(span["trace_id"], 16), id_of(span["span_id"], 8)
    if trace_id is None or span_id is None:
        return None
    return trace_id, span_id, id_of(span["parent_id"], 8) or b""
