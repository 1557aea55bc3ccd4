"""What both decoders keep of a span beside its attributes."""

import json
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from assay_server.core.records import Span
from assay_server.ingest.limits import DEFAULT
from assay_server.ingest.otlp_json import decode_json
from assay_server.ingest.otlp_proto import decode_proto
from tests.fakes.otlp_requests import a_span, as_json, protobuf

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
