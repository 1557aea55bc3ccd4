"""OTLP, traces and scores over HTTP: the real rooms behind them, accounts made up."""

import gzip
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from assay_server.api import problems
from assay_server.api.door import Door
from assay_server.api.otlp import PATHS, Otlp
from assay_server.api.routes import scores, traces
from assay_server.checks.pii import Scrubber
from assay_server.core.errors import Busy, NotFound, Unauthenticated
from assay_server.core.ports import Principal
from assay_server.ingest import JSON, PROTOBUF, Ingest, Limits, Part
from assay_server.providers import Prices
from assay_server.query import Scores, Traces
from assay_server.store import DuckStore
from tests.fakes.otlp_requests import TRACE_ID, a_span, as_json, protobuf

LIMITS = Limits(body_bytes=10_000, unpacked_bytes=20_000, waiting_bytes=10_000)


class NothingDeleted:
    async def of_trace(self, project: str, trace_id: str) -> None:
        return None


class Accounts:
    """A key is the name of its role."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        role = headers.get("x-api-key", "")
        if role not in {"admin", "viewer", "ingest", "score"}:
            raise Unauthenticated
        return Principal("prj_a", f"key:{role}", role)


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Any]:
    store = await DuckStore.open(tmp_path / "facts")
    ingest = Ingest(
        store, Scrubber(), Prices(), limits=Limits(body_bytes=10_000, unpacked_bytes=20_000, waiting_bytes=10_000)
    )
    keeping = SimpleNamespace(deletions=NothingDeleted())
    yield SimpleNamespace(
        accounts=Accounts(), ingest=ingest, traces=Traces(store), scores=Scores(store), keeping=keeping
    )
    await ingest.close()
    await store.close()


@pytest.fixture
async def http(services: Any) -> AsyncIterator[httpx.AsyncClient]:
    rest = FastAPI()
    rest.state.services = services
    problems.install(rest)
    for module in (traces, scores):
        rest.include_router(module.router, prefix="/api/v1")
    otlp = Otlp(services)
    transport = httpx.ASGITransport(Door(rest, dict.fromkeys(PATHS, otlp)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"x-api-key": "admin"}) as client:
        yield client


async def send(
    http: httpx.AsyncClient, body: bytes, kind: str = PROTOBUF, path: str = "/v1/traces", **headers: str
) -> Any:
    return await http.post(path, content=body, headers={"content-type": kind, **headers})


@pytest.mark.parametrize("path", [path for path, signal in PATHS.items() if signal == "traces"])
async def test_every_alias_stores_and_answers_in_protobuf(http: httpx.AsyncClient, path: str) -> None:
    answer = await send(http, protobuf(a_span(attributes={"user.id": "u1"})), path=path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, PROTOBUF)
    assert not ExportTraceServiceResponse.FromString(answer.content).HasField("partial_success")
    listed = (await http.get("/api/v1/traces", params={"user": "u1", "limit": 1})).json()
    assert (listed["total"], listed["items"][0]["trace_id"], listed["next"]) == (1, TRACE_ID, None)


async def test_json_is_answered_in_json(http: httpx.AsyncClient) -> None:
    answer = await send(http, gzip.compress(as_json(a_span())), JSON, **{"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()) == (200, {})


async def test_a_partial_success_says_why(http: httpx.AsyncClient) -> None:
    spans = (a_span(), a_span(name="bad", span_id="00" * 8))
    in_json = (await send(http, as_json(*spans), JSON)).json()["partialSuccess"]
    in_protobuf = ExportTraceServiceResponse.FromString((await send(http, protobuf(*spans))).content).partial_success
    assert (in_json["rejectedSpans"], in_protobuf.rejected_spans) == ("1", 1)
    assert "'bad'" in in_json["errorMessage"]
    assert in_protobuf.error_message == in_json["errorMessage"].replace("spanId", "span_id")


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status"),
    [
        (b"\xff", PROTOBUF, {}, 400),
        (b"{", JSON, {}, 400),
        (b"", PROTOBUF, {"x-api-key": "nobody"}, 401),
        (b"", JSON, {"x-api-key": "viewer"}, 403),
        (bytes(10_001), PROTOBUF, {}, 413),
        (gzip.compress(bytes(30_000), mtime=0), PROTOBUF, {"content-encoding": "gzip"}, 413),
        (b"", "text/plain", {}, 415),
        (b"", PROTOBUF, {"content-encoding": "br"}, 415),
    ],
)
async def test_refusals_have_their_code_and_a_status_message(
    http: httpx.AsyncClient, body: bytes, kind: str, headers: dict[str, str], status: int
) -> None:
    answer = await send(http, body, kind, **headers)
    assert answer.status_code == status
    message = answer.json()["message"] if kind == JSON else Status.FromString(answer.content).message
    assert message


async def test_mlflow_whose_client_packs_nothing_sends_as_much_as_others_packed(
    http: httpx.AsyncClient, services: Any
) -> None:
    put: list[Part] = []

    async def keep(_project: str, parts: list[Part]) -> None:
        put.extend(parts)

    services.partial_spans = SimpleNamespace(put=keep)
    services.experiments = SimpleNamespace(numbered=_nobody_made)
    mlflow = {"x-mlflow-experiment-id": "1", "user-agent": "mlflow-python-client/3.17.2"}
    taken = protobuf(a_span(name="long", attributes={"text": "x" * 15_000}))
    assert (await send(http, taken, **mlflow)).status_code == 200
    assert [part.name for part in put] == [None, "long"]
    put.clear()
    refused = await send(http, protobuf(a_span(attributes={"text": "x" * 20_000})), **mlflow)
    assert refused.status_code == 413
    assert "larger than 20000 bytes" in Status.FromString(refused.content).message
    assert [(part.trace_id, part.name) for part in put] == [(TRACE_ID, "spans refused")]
    assert (await send(http, taken)).status_code == 413, "any other client packs"


async def _nobody_made(_project: str, number: str) -> None:
    raise NotFound(number)


async def test_a_body_without_a_length_is_cut_off_at_the_limit(http: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(4096)

    answer = await http.post("/v1/traces", content=endless(), headers={"content-type": PROTOBUF})
    assert answer.status_code == 413


async def test_a_full_queue_is_503_with_retry_after(
    http: httpx.AsyncClient, services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **_options: object) -> None:
        raise Busy(retry_after_s=1.5)

    monkeypatch.setattr(services.ingest, "otlp", full)
    answer = await send(http, protobuf(a_span()))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_a_body_there_is_no_room_for_is_read_past_and_then_refused(
    http: httpx.AsyncClient, services: Any
) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(8):
            sent += 1000
            yield bytes(1000)

    with services.ingest.place() as other:
        other.take(services.ingest.limits.waiting_bytes)
        answer = await http.post("/v1/traces", content=body(), headers={"content-type": PROTOBUF})
    assert (answer.status_code, answer.headers["retry-after"], sent) == (503, "1", 8000)
    assert (await send(http, protobuf(a_span()))).status_code == 200


async def test_what_nobody_expected_is_500_and_told_to_nobody(
    http: httpx.AsyncClient, services: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **_options: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(services.ingest, "otlp", broken)
    answer = await send(http, protobuf(a_span()))
    assert answer.status_code == 500
    assert b"inside" not in answer.content
    assert "ZeroDivisionError" in caplog.text


async def test_only_post_is_taken(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/traces")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_spans_traces_and_facets_are_read_back(http: httpx.AsyncClient) -> None:
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    spans = [a_span(span_id=f"{n:016x}", attributes=call, start_ns=a_span()["start_ns"] + n) for n in range(1, 5)]
    await send(http, protobuf(*spans))
    first = (await http.get("/api/v1/spans", params={"limit": 3, "kind": "llm"})).json()
    second = (await http.get("/api/v1/spans", params={"limit": 3, "kind": "llm", "cursor": first["next"]})).json()
    assert (first["total"], len(first["items"]), len(second["items"]), second["next"]) == (4, 3, 1, None)
    found = (await http.get(f"/api/v1/traces/{TRACE_ID}")).json()
    assert (len(found["spans"]), found["scores"], found["models"]) == (4, [], ["gpt-4o"])
    assert (await http.get("/api/v1/facets", params={"field": "model"})).json() == {
        "items": [{"value": "gpt-4o", "n": 4}],
        "of": 4,
    }


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/traces?since=yesterday", 400, "since"),
        ("/traces?until=9999999", 400, "until"),
        ("/traces?limit=0", 400, "limit"),
        ("/traces?cursor=abc", 400, "cursor"),
        ("/traces?cursor=WyJ4IiwgInkiXQ", 400, "cursor"),
        ("/traces?modle=gpt-4o", 400, "modle"),
        ("/traces?sort=latency", 400, "sort"),
        ("/traces?sort=latency:desc&cursor=WyJ4IiwgInkiXQ", 400, "cursor"),
        ("/traces?sort=latency:desc&cursor=W10", 400, "cursor"),
        ("/traces?score=q", 400, "score"),
        ("/traces?min_cost=cheap", 400, "min_cost"),
        ("/spans?status=x&colour=red", 400, "colour"),
        ("/spans?status=x", 400, "status"),
        ("/spans?kind=LLM", 400, "kind"),
        ("/traces?kind=llm&kind=model", 400, "kind"),
        ("/scores?source=user", 400, "source"),
        ("/facets?field=input", 400, "field"),
        ("/facets", 400, "field"),
        ("/scores?since=never", 400, "since"),
        ("/traces/" + "0" * 32, 404, "trace_id"),
    ],
)
async def test_bad_questions_name_the_field(http: httpx.AsyncClient, path: str, status: int, field: str) -> None:
    answer = await http.get("/api/v1" + path)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_sorted_list_goes_on_in_its_own_order_only(http: httpx.AsyncClient) -> None:
    start = a_span()["start_ns"]
    for n in range(1, 6):
        ids = {"trace_id": f"{n:032x}", "span_id": f"{n:016x}"}
        await send(http, protobuf(a_span(**ids, start_ns=start + n, end_ns=start + n + n % 3 * 1_000_000)))

    async def listed(**query: Any) -> dict[str, Any]:
        answer = await http.get("/api/v1/traces", params={"limit": 2, **query})
        assert answer.status_code == 200, answer.text
        return cast("dict[str, Any]", answer.json())

    first = await listed(sort="latency:desc")
    second = await listed(sort="latency:desc", cursor=first["next"])
    third = await listed(sort="latency:desc", cursor=second["next"])
    ids = [int(row["trace_id"], 16) for page in (first, second, third) for row in page["items"]]
    assert ids == [5, 2, 4, 1, 3]
    assert third["next"] is None
    assert {(page["total"], page["total_is"], page["sorted_among"]) for page in (first, second, third)} == {
        (5, "exact", None)
    }
    newest = await listed()
    for query in (
        {"sort": "latency:asc", "cursor": first["next"]},
        {"cursor": first["next"]},
        {"sort": "latency:desc", "cursor": newest["next"]},
    ):
        refused = await http.get("/api/v1/traces", params=query)
        assert (refused.status_code, refused.json()["field"]) == (400, "cursor")


async def test_filters_by_time_and_score_pass_through(http: httpx.AsyncClient) -> None:
    await send(http, protobuf(a_span()))
    await http.post("/api/v1/scores", json={"name": "q", "value": 0.5, "trace_id": TRACE_ID})
    for query, total in [
        ({"since": "2026-11-21T08:00:00Z", "until": "2026-11-21T09:00:00+01:00"}, 0),
        ({"since": "2026-11-21T08:00:00Z", "until": "2026-11-21T08:00:01Z"}, 1),
        ({"score": ["q:ge:0.5", "q:lt:1"]}, 1),
        ({"score": "q:gt:0.5"}, 0),
        ({"trace_id": [TRACE_ID, "f" * 32]}, 1),
        ({"trace_id": ["e" * 32, "f" * 32]}, 0),
        ({"trace_id": [TRACE_ID, "f" * 32], "q": f"trace:{TRACE_ID},{'f' * 32}"}, 1),
    ]:
        assert (await http.get("/api/v1/traces", params=query)).json()["total"] == total


async def test_scores_are_given_alone_or_together_and_stored_once(http: httpx.AsyncClient) -> None:
    one = {"name": "user_feedback", "value": 1, "trace_id": TRACE_ID, "id": "mine", "metadata": {"k": 1}}
    first = await http.post("/api/v1/scores", json=one)
    again = await http.post("/api/v1/scores", json=[one, {"name": "q", "error": "judge down", "run": "r", "item": "i"}])
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["items"][0]["source"] == "code"
    listed = (await http.get("/api/v1/scores")).json()
    assert {(item["name"], item["value"], item["error"]) for item in listed["items"]} == {
        ("user_feedback", 1.0, None),
        ("q", None, "judge down"),
    }
    by_trace = (await http.get("/api/v1/scores", params={"trace_id": TRACE_ID})).json()
    assert (by_trace["total"], by_trace["items"][0]["metadata"]) == (1, {"k": 1})


async def test_a_score_keeps_the_day_on_which_it_was_given(http: httpx.AsyncClient) -> None:
    about = {"name": "judged", "value": 0.5, "trace_id": TRACE_ID}
    given = await http.post("/api/v1/scores", json={**about, "time": "2026-11-03T01:00:00+01:00"})
    assert given.json()["items"][0]["time"].startswith("2026-11-03T00:00:00")
    early = {"since": "2026-11-02T00:00:00Z", "until": "2026-11-04T00:00:00Z"}
    assert (await http.get("/api/v1/scores", params=early)).json()["total"] == 1
    for wrong in ("yesterday", "2999-01-01T00:00:00Z", "1960-01-01T00:00:00Z"):
        refused = await http.post("/api/v1/scores", json={**about, "time": wrong})
        assert (refused.status_code, refused.json()["field"], refused.json()["value"]) == (400, "time", wrong)
    public = await http.post("/api/v1/scores", json={**about, "time": early["since"]}, headers={"x-api-key": "score"})
    assert (public.status_code, public.json()["field"]) == (400, "time")
    assert (await http.get("/api/v1/scores")).json()["total"] == 1


async def test_a_public_key_can_score_and_nothing_else(http: httpx.AsyncClient) -> None:
    key = {"x-api-key": "score"}
    given = await http.post("/api/v1/scores", json={"name": "f", "value": 0, "session": "s"}, headers=key)
    assert given.json()["items"][0]["source"] == "end_user"
    assert (await http.get("/api/v1/scores", headers=key)).status_code == 403
    assert (await send(http, b"", **key)).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"name": "q"},
        {"value": 1},
        {"name": "q", "value": "good", "trace_id": "t"},
        {"name": "q", "value": 1},
        {"name": "q", "value": 1, "run": "r", "source": "me"},
        "q",
    ],
)
async def test_scores_that_cannot_be_are_refused(http: httpx.AsyncClient, body: Any) -> None:
    answer = await http.post("/api/v1/scores", content=json.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["field"]
