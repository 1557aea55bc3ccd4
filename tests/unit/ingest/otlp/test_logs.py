"""Logs and metrics at the door, read back from a real store: content joins its span, judgements become scores."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from assay_server.checks.pii import Scrubber
from assay_server.core.errors import InvalidInput
from assay_server.ingest import JSON, PROTOBUF, Ingest
from assay_server.providers import Prices
from assay_server.query import Traces
from assay_server.store import DuckStore
from tests.fakes.otlp_requests import START_NS, TRACE_ID, _put_all, a_span, protobuf

SPAN_ID = a_span()["span_id"]
QUESTION = "I am ada.lovelace@mail-box.org, where is my parcel?"


class House:
    def __init__(self, store: DuckStore) -> None:
        self.store = store
        self.ingest = Ingest(store, Scrubber(), Prices(), salt=b"salt")
        self.traces = Traces(store)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store = await DuckStore.open(tmp_path / "facts")
    made = House(store)
    yield made
    await made.ingest.close()
    await store.close()


def request_of(*records: dict[str, Any]) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    _put_all(resource_logs.resource.attributes, {"service.name": "support"})
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "shop"
    for record in records:
        sent = scope_logs.log_records.add(
            time_unix_nano=record.get("time_ns", START_NS),
            event_name=record.get("name", ""),
            severity_text=record.get("severity", ""),
            trace_id=bytes.fromhex(record.get("trace_id", TRACE_ID)),
            span_id=bytes.fromhex(record.get("span_id", SPAN_ID)),
        )
        _put_all(sent.attributes, record.get("attributes", {}))
        if "body" in record:
            holder = ExportLogsServiceRequest().resource_logs.add().resource
            _put_all(holder.attributes, {"body": record["body"]})
            sent.body.CopyFrom(holder.attributes[0].value)
    return request


def as_json(request: ExportLogsServiceRequest | ExportMetricsServiceRequest) -> bytes:
    """OTLP's JSON: protobuf's mapping, but for ids in hex."""
    return json.dumps(_with_hex_ids(MessageToDict(request))).encode()


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(part) for part in value]
    if not isinstance(value, dict):
        return value
    hexed = {name: b64decode(value[name]).hex() for name in ("traceId", "spanId") if name in value}
    return {key: _with_hex_ids(part) for key, part in value.items()} | hexed


DETAILS = {
    "name": "gen_ai.client.inference.operation.details",
    "attributes": {
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "On its way."}]}],
    },
}
MESSAGES = (
    {"name": "gen_ai.system.message", "time_ns": START_NS + 1, "body": {"content": "Be kind."}},
    {"name": "gen_ai.user.message", "time_ns": START_NS + 2, "body": {"content": QUESTION}},
    {
        "name": "gen_ai.choice",
        "time_ns": START_NS + 3,
        "body": {"index": 0, "message": {"role": "assistant", "content": "On its way."}},
    },
)


@pytest.mark.parametrize("first", ["log", "span"])
@pytest.mark.parametrize("encoding", [PROTOBUF, JSON])
@pytest.mark.parametrize("records", [(DETAILS,), MESSAGES], ids=["details", "messages"])
async def test_content_of_a_log_joins_its_span(house: House, records: Any, encoding: str, first: str) -> None:
    request = request_of(*records)
    log = request.SerializeToString() if encoding == PROTOBUF else as_json(request)
    span = protobuf(a_span(attributes={"gen_ai.operation.name": "chat"}))
    if first == "span":
        await house.ingest.otlp("prj_a", span, PROTOBUF)
    for _ in range(2):  # sent twice, stored once
        accepted = await house.ingest.otlp("prj_a", log, encoding, signal="logs")
        assert (accepted.spans, accepted.rejected) == (len(records), 0)
    if first == "log":
        await house.ingest.otlp("prj_a", span, PROTOBUF)
    trace = await house.traces.get("prj_a", TRACE_ID)
    (found,) = trace["spans"]
    assert found["input"][-1]["role"] == "user"
    assert "where is my parcel?" in json.dumps(found["input"])
    assert "On its way." in json.dumps(found["output"])
    assert found["output"][0]["role"] == "assistant"
    assert QUESTION not in json.dumps(trace)
    assert found["pii"] == trace["pii"] == ["EMAIL_ADDRESS"]
    assert len(trace["logs"]) == len(records)
    (row,) = (await house.traces.find("prj_a")).items
    assert "where is my parcel?" in row["input"]
    assert (await house.traces.spans("prj_a")).items[0]["output"] == found["output"]


async def test_what_a_span_says_itself_comes_first(house: House) -> None:
    await house.ingest.otlp("prj_a", protobuf(a_span(attributes={"assay.input": "mine"})), PROTOBUF)
    await house.ingest.otlp("prj_a", request_of(DETAILS).SerializeToString(), PROTOBUF, signal="logs")
    (span,) = (await house.traces.get("prj_a", TRACE_ID))["spans"]
    assert span["input"] == "mine"
    assert span["output"][0]["parts"][0]["content"] == "On its way."


async def test_other_projects_see_nothing_of_a_log(house: House) -> None:
    await house.ingest.otlp("prj_a", protobuf(a_span()), PROTOBUF)
    await house.ingest.otlp("prj_b", request_of(DETAILS).SerializeToString(), PROTOBUF, signal="logs")
    trace = await house.traces.get("prj_a", TRACE_ID)
    assert (trace["spans"][0]["input"], trace["logs"]) == (None, [])


async def test_an_evaluation_becomes_a_score(house: House) -> None:
    judged = {
        "name": "gen_ai.evaluation.result",
        "attributes": {
            "gen_ai.evaluation.name": "relevance",
            "gen_ai.evaluation.score.value": 0.75,
            "gen_ai.evaluation.explanation": QUESTION,
        },
    }
    await house.ingest.otlp("prj_a", protobuf(a_span()), PROTOBUF)
    body = request_of(judged).SerializeToString()
    for _ in range(2):
        await house.ingest.otlp("prj_a", body, PROTOBUF, signal="logs")
    (score,) = (await house.traces.get("prj_a", TRACE_ID))["scores"]
    assert (score["name"], score["value"], score["span_id"]) == ("relevance", 0.75, SPAN_ID)
    assert "mail-box" not in score["reason"]


async def test_any_other_record_is_kept_and_shown(house: House) -> None:
    await house.ingest.otlp("prj_a", protobuf(a_span()), PROTOBUF)
    record = {"severity": "WARN", "body": "slow", "attributes": {"shelf": 3}}
    await house.ingest.otlp("prj_a", request_of(record).SerializeToString(), PROTOBUF, signal="logs")
    (shown,) = (await house.traces.get("prj_a", TRACE_ID))["logs"]
    assert (shown["severity"], shown["body"], shown["attributes"], shown["scope"]) == (
        "WARN",
        "slow",
        {"shelf": 3},
        "shop",
    )
    assert shown["span_id"] == SPAN_ID


async def test_a_record_that_cannot_be_taken_is_told_and_the_others_stay(house: House) -> None:
    good, bad = {"body": "good"}, {"body": "bad", "trace_id": "0af7"}
    accepted = await house.ingest.otlp("prj_a", request_of(good, bad).SerializeToString(), PROTOBUF, signal="logs")
    assert (accepted.spans, accepted.rejected) == (1, 1)
    assert "trace_id has 2 bytes" in accepted.message


@pytest.mark.parametrize("signal", ["logs", "metrics"])
@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"\xff\xff", PROTOBUF), (b"nope", JSON), (b"[]", JSON), (b'{"resourceLogs": 3, "resourceMetrics": 3}', JSON)],
)
async def test_a_body_nobody_can_read_is_refused(house: House, signal: Any, body: bytes, kind: str) -> None:
    with pytest.raises(InvalidInput):
        await house.ingest.otlp("prj_a", body, kind, signal=signal)


def metrics_request() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    series = metrics.add(name="gen_ai.client.token.usage", unit="{token}").histogram
    series.aggregation_temporality = 2
    point = series.data_points.add(
        time_unix_nano=START_NS, count=2, sum=30.0, explicit_bounds=[16], bucket_counts=[1, 1]
    )
    _put_all(point.attributes, {"gen_ai.token.type": "input", "who": "ada.lovelace@mail-box.org"})
    metrics.add(name="queue").gauge.data_points.add(time_unix_nano=START_NS, as_int=7)
    calls = metrics.add(name="calls", description="how many").sum
    calls.is_monotonic = True
    point = calls.data_points.add(time_unix_nano=START_NS, as_double=1.5)
    exemplar = point.exemplars.add(time_unix_nano=START_NS, as_int=1, trace_id=bytes.fromhex(TRACE_ID))
    _put_all(exemplar.filtered_attributes, {"shelf": 3})
    metrics.add(name="waits").summary.data_points.add(time_unix_nano=START_NS, count=1, sum=2.0)
    metrics.add(name="sizes").exponential_histogram.data_points.add(time_unix_nano=START_NS, count=1, sum=2.0, scale=1)
    return request


@pytest.mark.parametrize("encoding", [PROTOBUF, JSON])
async def test_points_of_metrics_are_kept_once(house: House, encoding: str) -> None:
    request = metrics_request()
    body = request.SerializeToString() if encoding == PROTOBUF else as_json(request)
    for _ in range(2):
        accepted = await house.ingest.otlp("prj_a", body, encoding, signal="metrics")
        assert (accepted.spans, accepted.rejected) == (5, 0)
    rows = await house.store.scan("SELECT data FROM events WHERE project = 'prj_a' AND kind = 'metric'")
    kept = {data["name"]: data for data in (json.loads(row["data"]) for row in rows)}
    assert len(rows) == 5
    usage = kept["gen_ai.client.token.usage"]
    assert (usage["count"], usage["sum"], usage["buckets"], usage["temporality"]) == (2, 30.0, [1, 1], "cumulative")
    assert "mail-box" not in usage["attributes"]["who"]
    (exemplar,) = kept["calls"]["exemplars"]
    assert (exemplar["value"], exemplar["trace_id"], exemplar["attributes"]) == (1, TRACE_ID, {"shelf": 3})
    assert (kept["calls"]["description"], kept["calls"]["monotonic"]) == ("how many", True)
    assert (kept["queue"]["value"], kept["calls"]["value"], kept["sizes"]["scale"]) == (7, 1.5, 1)
