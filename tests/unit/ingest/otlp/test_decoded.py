"""What both decoders keep of a span beside its attributes."""

import base64
import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Span
from assay_server.ingest.limits import DEFAULT
from assay_server.ingest.otlp.from_json import decode_json
from assay_server.ingest.otlp.from_proto import decode_proto
from assay_server.ingest.otlp.message import written
from tests.fakes.otlp_requests import a_span, as_json, protobuf

SAMPLED, RANDOM, KNOWN, REMOTE = 0x1, 0x2, 0x100, 0x200
KEPT = {"span.kind": "client", "w3c.tracestate": "vendor=1", "otel.dropped_events_count": 2}


def of_protobuf(attributes: dict[str, Any], **said: Any) -> Span:
    request = ExportTraceServiceRequest.FromString(protobuf(a_span(attributes=attributes)))
    span = request.resource_spans[0].scope_spans[0].spans[0]
    for name, value in said.items():
        setattr(span, name, value)
    [decoded] = decode_proto("prj_a", request.SerializeToString(), DEFAULT).taken
    return decoded


def of_json(attributes: dict[str, Any], **said: Any) -> Span:
    request = json.loads(as_json(a_span(attributes=attributes)))
    request["resourceSpans"][0]["scopeSpans"][0]["spans"][0] |= said
    [decoded] = decode_json("prj_a", json.dumps(request).encode(), DEFAULT).taken
    return decoded


def test_what_kind_of_span_it_was_is_kept_and_what_the_client_let_go() -> None:
    assert of_protobuf({}, kind=3, trace_state="vendor=1", dropped_events_count=2).attributes == KEPT
    told = {"kind": "SPAN_KIND_CLIENT", "traceState": "vendor=1", "droppedEventsCount": 2}
    assert of_json({}, **told).attributes == KEPT
    assert of_json({}, **{**told, "kind": 3}).attributes == KEPT


@pytest.mark.parametrize("kind", [0, 1])
def test_a_span_that_says_nothing_beside_has_no_more_attributes(kind: int) -> None:
    assert of_protobuf({}, kind=kind).attributes == {}
    assert of_json({}, kind=kind).attributes == {}


def test_an_attribute_of_that_name_stays() -> None:
    assert of_protobuf({"span.kind": "mine"}, kind=2).attributes == {"span.kind": "mine"}


@pytest.mark.parametrize("odd", [None, {}, [], "x", 1.5])
def test_what_is_not_as_it_should_be_costs_no_span(odd: Any) -> None:
    assert of_json({}, kind=odd, traceState=[odd], droppedLinksCount=str(odd)).attributes == {}


@pytest.mark.parametrize("flags", [SAMPLED, KNOWN, SAMPLED | RANDOM | KNOWN])
def test_flags_that_nearly_every_span_has_are_no_attribute(flags: int) -> None:
    assert of_protobuf({}, flags=flags).attributes == of_json({}, flags=flags).attributes == {}


@pytest.mark.parametrize("flags", [SAMPLED | KNOWN | REMOTE, 0x4, 0x80000000])
def test_flags_that_say_more_are_kept_whole(flags: int) -> None:
    assert of_protobuf({}, flags=flags).attributes == of_json({}, flags=flags).attributes == {"otel.flags": flags}


@pytest.mark.parametrize("odd", [2**32, -1, "769", None, {}])
def test_flags_that_are_none_cost_no_span(odd: Any) -> None:
    assert of_json({}, flags=odd).attributes == {}


@pytest.mark.parametrize("odd", [None, {}, "x", [None], [{"type": 5, "idKeys": "k"}]])
def test_entity_references_that_are_none_cost_no_span(odd: Any) -> None:
    request = json.loads(as_json(a_span()))
    request["resourceSpans"][0]["resource"]["entityRefs"] = odd
    [span] = decode_json("prj_a", json.dumps(request).encode(), DEFAULT).taken
    assert "otel.resource.entity_refs" not in span.resource


V1, V2 = "https://opentelemetry.io/schemas/1.37.0", "https://opentelemetry.io/schemas/1.38.0"
TOLD = {
    "service.name": "shop",
    "otel.resource.schema_url": V1,
    "otel.resource.dropped_attributes_count": 1,
    "otel.resource.entity_refs": [{"schema_url": V1, "type": "service", "id_keys": ["service.name"]}, {"type": "host"}],
    "otel.scope.flavour": "plain",
    "otel.scope.schema_url": V2,
    "otel.scope.dropped_attributes_count": 2,
}


def a_full_request() -> ExportTraceServiceRequest:
    """Everything that may stand beside attributes."""
    request = ExportTraceServiceRequest.FromString(protobuf(a_span(), resource={"service.name": "shop"}))
    [of_resource] = request.resource_spans
    of_resource.schema_url, of_resource.resource.dropped_attributes_count = V1, 1
    of_resource.resource.entity_refs.add(type="service", schema_url=V1, id_keys=["service.name"])
    of_resource.resource.entity_refs.add(type="host")
    [of_scope] = of_resource.scope_spans
    of_scope.schema_url, of_scope.scope.dropped_attributes_count = V2, 2
    of_scope.scope.attributes.add(key="flavour").value.string_value = "plain"
    of_scope.spans[0].events.add(name="e", time_unix_nano=1, dropped_attributes_count=3)
    link = of_scope.spans[0].links.add(trace_id=b"t" * 16, span_id=b"s" * 8, trace_state="v=1")
    link.dropped_attributes_count, link.flags = 4, SAMPLED | KNOWN | REMOTE
    return request


def as_otlp_json(request: ExportTraceServiceRequest) -> bytes:
    said = MessageToDict(request)
    [span] = said["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for one in (span, *span["links"]):
        one["traceId"], one["spanId"] = (base64.b64decode(one[name]).hex() for name in ("traceId", "spanId"))
    return json.dumps(said).encode()


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_what_a_resource_a_scope_an_event_and_a_link_say_is_kept(encoding: str) -> None:
    request = a_full_request()
    if encoding == "protobuf":
        [span] = decode_proto("prj_a", request.SerializeToString(), DEFAULT).taken
    else:
        [span] = decode_json("prj_a", as_otlp_json(request), DEFAULT).taken
    assert span.resource == TOLD
    assert span.events[0]["attributes"] == {"otel.dropped_attributes_count": 3}
    said = {"otel.dropped_attributes_count": 4, "w3c.tracestate": "v=1", "otel.flags": 0x301}
    assert span.links[0]["attributes"] == said


def test_scopes_of_one_resource_do_not_speak_for_each_other() -> None:
    request = a_full_request()
    request.resource_spans[0].scope_spans.add(spans=[request.resource_spans[0].scope_spans[0].spans[0]])
    first, second = decode_proto("prj_a", request.SerializeToString(), DEFAULT).taken
    assert first.resource == TOLD
    assert second.resource == {key: value for key, value in TOLD.items() if not key.startswith("otel.scope.")}


def test_a_scope_that_cannot_be_taken_is_told() -> None:
    request = a_full_request()
    [of_scope] = request.resource_spans[0].scope_spans
    for n in range(5000):
        of_scope.scope.attributes.add(key=f"k{n}").value.int_value = n
    decoded = decode_proto("prj_a", request.SerializeToString(), DEFAULT)
    assert (decoded.taken, decoded.rejected) == ([], 1)
    assert decoded.reasons == [f"scope: it has 5001 attributes, more than {DEFAULT.attributes}"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_know_are_kept_as_otlp_spells_them(number: float) -> None:
    spelled = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(number)]
    sent = {"score": number, "all": [number, 1.5]}
    assert of_protobuf(sent).attributes == {"score": spelled, "all": [spelled, 1.5]}


def test_a_text_that_is_no_utf_8_takes_no_span_along() -> None:
    body = protobuf(a_span(name="first", attributes={"cut": "caf@@"}), a_span(name="café"), resource={"host": "h@@"})
    broken = body.replace(b"@@", b"\xc3\x28")
    [first, second] = decode_proto("prj_a", broken, DEFAULT).taken
    assert (first.attributes, first.resource) == ({"cut": "caf\ufffd("}, {"host": "h\ufffd("})
    assert second.name == "café"
    as_text = as_json(a_span(name="caf@@")).replace(b"@@", b"\xc3\x28")
    assert [span.name for span in decode_json("prj_a", as_text, DEFAULT).taken] == ["caf\ufffd("]


def a_nest(kind: str, levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"k": value} if kind == "object" else [value]
    return value


def nested(kind: str, levels: int) -> bytes:
    """Built by hand, a span whose attribute is so deep: protobuf's own writer goes no further than its reader."""
    value = b"\x0a\x01x"

    def field(tag: bytes, part: bytes) -> bytes:
        return tag + written(len(part)) + part

    for _ in range(levels):
        inner = field(b"\x0a", field(b"\x0a", b"k") + field(b"\x12", value)) if kind == "object" else b""
        value = field(b"\x32", inner) if kind == "object" else field(b"\x2a", field(b"\x0a", value))
    whole = protobuf(a_span(name="deep", attributes={"at": "@@"}))
    request = ExportTraceServiceRequest.FromString(whole)
    span = request.resource_spans[0].scope_spans[0].spans[0]
    del span.attributes[:]
    of_span = span.SerializeToString() + field(b"\x4a", field(b"\x0a", b"at") + field(b"\x12", value))
    return field(b"\x0a", field(b"\x12", field(b"\x12", of_span)))


@pytest.mark.parametrize("kind", ["object", "list"])
def test_a_value_that_is_too_deep_takes_no_other_span_along(kind: str) -> None:
    """The parser refused the whole request, with the spans of everybody else in it."""
    good = protobuf(a_span(name="good"))
    [whole] = decode_proto("prj_a", nested(kind, DEFAULT.depth), DEFAULT).taken
    assert whole.attributes == {"at": a_nest(kind, DEFAULT.depth)}
    for levels in (DEFAULT.depth + 1, 40, 200, 5_000):
        decoded = decode_proto("prj_a", nested(kind, levels) + good, DEFAULT)
        assert ([span.name for span in decoded.taken], decoded.rejected) == (["good"], 1), levels
        assert decoded.reasons == ["span 'deep': an attribute is nested too deeply"]


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_body_that_ends_too_early_is_refused_whatever_its_texts(cut: int) -> None:
    broken = protobuf(a_span(name="caf@@")).replace(b"@@", b"\xc3\x28")
    with pytest.raises(InvalidInput):
        decode_proto("prj_a", broken[:-cut], DEFAULT)
