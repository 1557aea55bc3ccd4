"""OTLP in protobuf: request -> spans as sent, and the reasons for those that cannot be taken."""

import base64
from collections.abc import Iterable
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Span
from assay_server.ingest.limits import Limits
from assay_server.ingest.normalise.values import spelled
from assay_server.ingest.otlp import beside
from assay_server.ingest.otlp.decoded import STATUS, Decoded, Group, SpanRefused, check_times, hex_id
from assay_server.ingest.otlp.message import read_message


def decode_proto(project: str, body: bytes, limits: Limits) -> Decoded[Span]:
    """Raises `InvalidInput` when the body is no ExportTraceServiceRequest."""
    try:
        request = read_message(ExportTraceServiceRequest, body)
    except DecodeError as error:
        raise InvalidInput(
            "The body is not an OTLP ExportTraceServiceRequest in protobuf.",
            field="body",
            fix="send OTLP protobuf, or JSON with 'Content-Type: application/json'",
        ) from error
    decoded: Decoded[Span] = Decoded(limits)
    for resource_spans in request.resource_spans:
        inside = sum(len(scope_spans.spans) for scope_spans in resource_spans.scope_spans)
        resource = decoded.shared(partial(resource_of, resource_spans, limits), inside)
        if resource is None:
            continue
        for scope_spans in resource_spans.scope_spans:
            told = decoded.shared(partial(told_of, resource, scope_spans, limits), len(scope_spans.spans), "scope")
            if told is None:
                continue
            scope = scope_spans.scope
            group = Group.of(project, told, scope.name, scope.version)
            for sent in scope_spans.spans:
                decoded.take(partial(_span, sent, group, limits), sent.name)
    return decoded


def resource_of(sent: Any, limits: Limits) -> dict[str, Any]:
    """Of what one resource sent: spans, log records or metrics."""
    resource = sent.resource
    attributes = attributes_of(resource.attributes, limits)
    entities = [
        beside.entity(ref.schema_url, ref.type, list(ref.id_keys), list(ref.description_keys))
        for ref in _at_most(resource.entity_refs, limits.attributes, "entity references")
    ]
    return beside.of_resource(attributes, sent.schema_url, resource.dropped_attributes_count, entities)


def told_of(resource: dict[str, Any], sent: Any, limits: Limits) -> dict[str, Any]:
    """The resource and what one of its scopes says of itself."""
    scope = sent.scope
    attributes = attributes_of(scope.attributes, limits)
    return beside.with_scope(resource, attributes, sent.schema_url, scope.dropped_attributes_count)


def attributes_of(sent: Any, limits: Limits) -> dict[str, Any]:
    """Key-value pairs as a dictionary of plain values."""
    attributes = {}
    for pair in _at_most(sent, limits.attributes, "attributes"):
        value = pair.value
        # Most values are texts, then integers: asking for one first is cheaper than asking which it is.
        attributes[pair.key] = value.string_value or value.int_value or value_of(value, limits.depth)
    return attributes


def value_of(value: Any, depth: int) -> Any:
    """An AnyValue as a plain value, nested `depth` times at most."""
    which = value.WhichOneof("value")
    if which is None:
        return None
    if which == "array_value":
        return [value_of(part, _deeper(depth)) for part in value.array_value.values]
    if which == "kvlist_value":
        return {pair.key: value_of(pair.value, _deeper(depth)) for pair in value.kvlist_value.values}
    if which == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return spelled(value.double_value) if which == "double_value" else getattr(value, which)


_INTERNAL = 1  # the kind of a span that speaks to nobody; 0 says nothing


def _span(sent: Any, group: Group, limits: Limits) -> Span:
    start, end = check_times(sent.start_time_unix_nano, sent.end_time_unix_nano)
    parent, status = sent.parent_span_id, sent.status
    span = Span(  # by position, as there is one for every span that comes in
        group.project,
        _id(sent.trace_id, 16, "trace_id"),
        _id(sent.span_id, 8, "span_id"),
        _id(parent, 8, "parent_span_id") if parent.strip(b"\0") else None,
        sent.name,
        "span",
        start,
        end,
        STATUS.get(status.code, "unset"),
        status.message or None,
        scope=group.scope,
        attributes=attributes_of(sent.attributes, limits),
        resource=group.resource,
    )
    dropped = (sent.dropped_attributes_count, sent.dropped_events_count, sent.dropped_links_count)
    if sent.kind > _INTERNAL or sent.trace_state or any(dropped) or beside.news(sent.flags):
        beside.of_span(span.attributes, sent.kind, sent.trace_state, dropped, sent.flags)
    if sent.events:
        span.events = [
            {"name": event.name, "time_ns": event.time_unix_nano, "attributes": _of_event(event, limits)}
            for event in _at_most(sent.events, limits.events, "events")
        ]
    if sent.links:
        span.links = [_link(link, limits) for link in _at_most(sent.links, limits.events, "links")]
    return span


def _id(sent: bytes, length: int, what: str) -> str:
    """Of an id that is as it should be; `hex_id` knows what to say about one that is not."""
    return sent.hex() if len(sent) == length and sent.strip(b"\0") else hex_id(sent.hex(), 2 * length, what)


def _link(link: Any, limits: Limits) -> dict[str, Any]:
    attributes = attributes_of(link.attributes, limits)
    return {
        "trace_id": link.trace_id.hex(),
        "span_id": link.span_id.hex(),
        "attributes": beside.of_part(attributes, link.dropped_attributes_count, link.trace_state, link.flags),
    }


def _of_event(event: Any, limits: Limits) -> dict[str, Any]:
    return beside.of_part(attributes_of(event.attributes, limits), event.dropped_attributes_count)


def _deeper(depth: int) -> int:
    if depth <= 0:
        raise SpanRefused("an attribute is nested too deeply")
    return depth - 1


def _at_most(sent: Any, limit: int, what: str) -> Iterable[Any]:
    if len(sent) > limit:
        raise SpanRefused(f"it has {len(sent)} {what}, more than {limit}")
    found: Iterable[Any] = sent
    return found
