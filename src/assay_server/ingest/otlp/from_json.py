"""OTLP in JSON (the OTLP specification's mapping: camelCase, ids in hex, 64-bit integers as texts or numbers)."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Span
from assay_server.ingest.limits import Limits
from assay_server.ingest.normalise.values import spelled
from assay_server.ingest.otlp import beside
from assay_server.ingest.otlp.decoded import STATUS, Decoded, Group, SpanRefused, check_times, hex_id, new_span

T = TypeVar("T")

_STATUS_NAMES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_INT64 = range(-(2**63), 2**63)


class _Camel(msgspec.Struct, rename="camel"):
    """Fields nobody knows are ignored, as the specification asks."""


class _Value(_Camel):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: "_Values | None" = None
    kvlist_value: "_Pairs | None" = None
    bytes_value: str | None = None  # base64 stays base64


class _Values(_Camel):
    values: "list[_Value | None]" = []


class _Pair(_Camel):
    key: str = ""
    value: _Value | None = None


class _Pairs(_Camel):
    values: list[_Pair] = []


class _Status(_Camel):
    code: int | str = 0
    message: str = ""


class _Event(_Camel):
    name: str = ""
    time_unix_nano: int | str = 0
    attributes: list[_Pair] = []
    dropped_attributes_count: Any = 0  # this and its like cost nothing, whatever they are


class _Link(_Camel):
    trace_id: str = ""
    span_id: str = ""
    attributes: list[_Pair] = []
    trace_state: Any = None
    flags: Any = 0
    dropped_attributes_count: Any = 0


class _Span(_Camel):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str | None = None
    name: str = ""
    start_time_unix_nano: int | str = 0
    end_time_unix_nano: int | str = 0
    attributes: list[_Pair] = []
    events: list[_Event] = []
    links: list[_Link] = []
    status: _Status | None = None
    kind: Any = 0
    trace_state: Any = None
    flags: Any = 0
    dropped_attributes_count: Any = 0
    dropped_events_count: Any = 0
    dropped_links_count: Any = 0


class _Scope(_Camel):
    name: str = ""
    version: str = ""
    attributes: list[_Pair] = []
    dropped_attributes_count: Any = 0


class _ScopeSpans(_Camel):
    scope: _Scope | None = None
    schema_url: Any = None
    spans: list[msgspec.Raw] = []  # one by one, so that one broken span does not take the others along


class _Resource(_Camel):
    attributes: list[_Pair] = []
    dropped_attributes_count: Any = 0
    entity_refs: Any = None


class _ResourceSpans(_Camel):
    resource: _Resource | None = None
    schema_url: Any = None
    scope_spans: list[_ScopeSpans] = []


class _Request(_Camel):
    resource_spans: list[_ResourceSpans] = []


_REQUEST = msgspec.json.Decoder(_Request)
_SPAN = msgspec.json.Decoder(_Span)


def decode_json(project: str, body: bytes, limits: Limits) -> Decoded[Span]:
    """Raises `InvalidInput` when the body is no ExportTraceServiceRequest."""
    try:
        request = _REQUEST.decode(_in_utf8(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(
            f"The body is not an OTLP ExportTraceServiceRequest in JSON: {error}.",
            field="body",
            fix="send OTLP JSON, or protobuf with 'Content-Type: application/x-protobuf'",
        ) from error
    decoded: Decoded[Span] = Decoded(limits)
    for resource_spans in request.resource_spans:
        inside = sum(len(scope_spans.spans) for scope_spans in resource_spans.scope_spans)
        resource = decoded.shared(partial(_resource, resource_spans, limits), inside)
        if resource is None:
            continue
        for scope_spans in resource_spans.scope_spans:
            told = decoded.shared(partial(_told, resource, scope_spans, limits), len(scope_spans.spans), "scope")
            if told is None:
                continue
            scope = scope_spans.scope or _Scope()
            group = Group.of(project, told, scope.name, scope.version)
            for raw in scope_spans.spans:
                _take(decoded, raw, group, limits)
    return decoded


def _in_utf8(body: bytes) -> bytes:
    """One text that is none would take all spans along."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace").encode()
    return body


def _resource(sent: _ResourceSpans, limits: Limits) -> dict[str, Any]:
    resource = sent.resource or _Resource()
    attributes = _attributes(resource.attributes, limits)
    entities = _entities(resource.entity_refs, limits)
    return beside.of_resource(attributes, sent.schema_url, resource.dropped_attributes_count, entities)


def _entities(sent: Any, limits: Limits) -> list[dict[str, Any]]:
    refs = [ref for ref in sent if isinstance(ref, dict)] if isinstance(sent, list) else []
    return [
        beside.entity(ref.get("schemaUrl"), ref.get("type"), ref.get("idKeys"), ref.get("descriptionKeys"))
        for ref in _at_most(refs, limits.attributes, "entity references")
    ]


def _told(resource: dict[str, Any], sent: _ScopeSpans, limits: Limits) -> dict[str, Any]:
    """The resource and what one of its scopes says of itself."""
    scope = sent.scope or _Scope()
    attributes = _attributes(scope.attributes, limits)
    return beside.with_scope(resource, attributes, sent.schema_url, scope.dropped_attributes_count)


def _take(decoded: Decoded[Span], raw: msgspec.Raw, group: Group, limits: Limits) -> None:
    try:
        sent = _SPAN.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        decoded.refuse(f"a span that cannot be read: {error}")
        return
    decoded.take(lambda: _span(sent, group, limits), sent.name)


def _span(sent: _Span, group: Group, limits: Limits) -> Span:
    start = _integer(sent.start_time_unix_nano, "startTimeUnixNano")
    start, end = check_times(start, _integer(sent.end_time_unix_nano, "endTimeUnixNano"))
    parent = sent.parent_span_id
    span = new_span(
        group,
        trace_id=hex_id(sent.trace_id, 32, "traceId"),
        span_id=hex_id(sent.span_id, 16, "spanId"),
        parent_id=hex_id(parent, 16, "parentSpanId") if parent and parent.strip("0") else None,
        name=sent.name,
        start_ns=start,
        end_ns=end,
        attributes=_attributes(sent.attributes, limits),
    )
    dropped = (sent.dropped_attributes_count, sent.dropped_events_count, sent.dropped_links_count)
    beside.of_span(span.attributes, sent.kind, sent.trace_state, dropped, sent.flags)
    if sent.status is not None:
        code = sent.status.code
        span.status = STATUS.get(_STATUS_NAMES.get(code, 0) if isinstance(code, str) else code, "unset")
        span.status_message = sent.status.message or None
    span.events = [_event(event, limits) for event in _at_most(sent.events, limits.events, "events")]
    span.links = [
        {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": _of_link(link, limits)}
        for link in _at_most(sent.links, limits.events, "links")
    ]
    return span


def _event(event: _Event, limits: Limits) -> dict[str, Any]:
    return {
        "name": event.name,
        "time_ns": _integer(event.time_unix_nano, "timeUnixNano"),
        "attributes": beside.of_part(_attributes(event.attributes, limits), event.dropped_attributes_count),
    }


def _of_link(link: _Link, limits: Limits) -> dict[str, Any]:
    attributes = _attributes(link.attributes, limits)
    return beside.of_part(attributes, link.dropped_attributes_count, link.trace_state, link.flags)


def _attributes(pairs: list[_Pair], limits: Limits) -> dict[str, Any]:
    _at_most(pairs, limits.attributes, "attributes")
    return {pair.key: _value(pair.value, limits.depth) for pair in pairs}


def _value(value: _Value | None, depth: int) -> Any:
    if value is None:
        return None
    if value.string_value is not None:
        return value.string_value
    if value.bool_value is not None:
        return value.bool_value
    if value.int_value is not None:
        return _integer(value.int_value, "intValue")
    if value.double_value is not None:
        return _number(value.double_value)
    return _nested(value, depth)


def _nested(value: _Value, depth: int) -> Any:
    if value.bytes_value is not None:
        return value.bytes_value
    if value.array_value is None and value.kvlist_value is None:
        return None
    if depth <= 0:
        raise SpanRefused("an attribute is nested too deeply")
    if value.array_value is not None:
        return [_value(part, depth - 1) for part in value.array_value.values]
    pairs = value.kvlist_value.values if value.kvlist_value is not None else []
    return {pair.key: _value(pair.value, depth - 1) for pair in pairs}


def _integer(value: int | str, what: str) -> int:
    number = _converted(int, value, what)
    if number not in _INT64:
        raise SpanRefused(f"{what} is out of range")
    return number


def _number(value: float | str) -> float | str:
    """`NaN` and `Infinity` come as texts."""
    return spelled(_converted(float, value, "doubleValue"))


def _converted(to: Callable[[Any], T], value: int | float | str, what: str) -> T:
    try:
        return to(value)
    except ValueError as error:
        raise SpanRefused(f"{what} is not a number") from error


def _at_most(sent: list[T], limit: int, what: str) -> list[T]:
    if len(sent) > limit:
        raise SpanRefused(f"it has {len(sent)} {what}, more than {limit}")
    return sent
