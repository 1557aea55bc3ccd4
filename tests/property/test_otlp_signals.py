"""Logs and metrics, whatever comes over the wire: stored, told as rejected, or refused with our own errors."""

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from assay_server.checks.pii import Scrubber
from assay_server.core.errors import AssayError
from assay_server.ingest import JSON, PROTOBUF, Ingest, Signal
from assay_server.ingest.normalise.messages import CONTENT_EVENTS, MESSAGE_EVENTS
from assay_server.providers import Prices
from tests.fakes.memory_store import MemoryStore
from tests.fakes.otlp_requests import _put_all

_NAMES = ["", "other", "gen_ai.evaluation.result", *sorted(CONTENT_EVENTS | MESSAGE_EVENTS)]
_KEYS = ["gen_ai.input.messages", "gen_ai.output.messages", "content", "message", "gen_ai.evaluation.name"]
_KEYS += ["gen_ai.evaluation.score.value", "error.type", "tool_calls", "event.name", "role"]
_TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
_SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | _TEXT | st.sampled_from(_NAMES)
_VALUES = st.recursive(
    _SCALARS, lambda v: st.lists(v, max_size=2) | st.dictionaries(_TEXT, v, max_size=2), max_leaves=5
)
_SAID = st.dictionaries(st.sampled_from(_KEYS) | _TEXT, _VALUES, max_size=5)
_RECORDS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(_NAMES),
        "time": st.sampled_from([0, 1, 2**63 - 1, 2**64 - 1]),
        "trace": st.sampled_from([b"", b"\0" * 16, b"\1" * 16, b"\1"]),
        "span": st.sampled_from([b"", b"\1" * 8, b"\1" * 3]),
        "attributes": _SAID,
        "body": _SAID,
    }
)
_JSON = st.recursive(
    _SCALARS,
    lambda v: (
        st.lists(v, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceLogs", "scopeLogs", "logRecords", "resourceMetrics", "scopeMetrics", "metrics"])
            | st.sampled_from(
                ["traceId", "spanId", "body", "attributes", "key", "value", "sum", "dataPoints", "stringValue"]
            ),
            v,
            max_size=3,
        )
    ),
    max_leaves=10,
)


def request_of(records: list[dict[str, Any]]) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add().scope_logs.add().log_records
    for record in records:
        sent = logs.add(
            event_name=record["name"], time_unix_nano=record["time"], trace_id=record["trace"], span_id=record["span"]
        )
        _put_all(sent.attributes, record["attributes"])
        sent.body.kvlist_value.SetInParent()
        _put_all(sent.body.kvlist_value.values, record["body"])
    return request


@given(st.lists(_RECORDS, max_size=3))
@settings(max_examples=60, deadline=None)
async def test_every_record_is_stored_or_told(records: list[dict[str, Any]]) -> None:
    store = MemoryStore()
    ingest = Ingest(store, Scrubber(), Prices())
    accepted = await ingest.otlp("prj_a", request_of(records).SerializeToString(), PROTOBUF, signal="logs")
    kept = [fact for batch in store.batches for fact in (*batch.events, *batch.scores)]
    assert accepted.spans == len(kept)
    assert accepted.spans + accepted.rejected == len(records)
    assert all(fact.time_ns > 0 and fact.project == "prj_a" for fact in kept)
    await ingest.close()


@pytest.mark.parametrize("signal", ["logs", "metrics"])
@given(body=st.binary(max_size=100), shape=_JSON, as_json=st.booleans())
@settings(max_examples=60, deadline=None)
async def test_any_body_is_taken_or_refused(signal: Signal, body: bytes, shape: Any, as_json: bool) -> None:
    ingest = Ingest(MemoryStore(), Scrubber(), Prices())
    sent = json.dumps(shape).encode() if as_json else body
    try:
        await ingest.otlp("prj_a", sent, JSON if as_json else PROTOBUF, signal=signal)
    except AssayError as refusal:
        assert refusal.message
    await ingest.close()


async def test_deep_json_is_refused() -> None:
    ingest = Ingest(MemoryStore(), Scrubber(), Prices())
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(60):
        value = {"arrayValue": {"values": [value]}}
    whole = MessageToDict(request_of([]))
    whole["resourceLogs"][0]["scopeLogs"][0]["logRecords"] = [{"body": value}]
    try:
        accepted = await ingest.otlp("prj_a", json.dumps(whole).encode(), JSON, signal="logs")
        assert (accepted.spans, accepted.rejected) == (0, 1)
    except AssayError as refusal:
        assert refusal.code == "invalid_input"
    with pytest.raises(AssayError):
        await ingest.otlp("prj_a", b'{"a":' * 100_000, JSON, signal="logs")
    await ingest.close()
