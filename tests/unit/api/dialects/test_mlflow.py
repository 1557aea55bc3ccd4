"""MLflow's routes and words: experiments, traces in two requests, assessments, search."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assay_server.api.dialects.mlflow.filters import filter_of
from assay_server.api.dialects.mlflow.spans import is_mlflow, take_spans, tell_refused
from assay_server.checks.pii import Scrubber
from assay_server.core.errors import InvalidInput, UnsupportedMedia
from assay_server.core.ports import Principal
from assay_server.governance import Audit
from assay_server.ingest import Experiment, Experiments, MediaShelf, PartialSpans
from assay_server.keeping import ScoresTakenBack
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fakes.counters import NoCounters
from tests.fakes.dialects import dialects
from tests.fakes.otlp_requests import a_span, protobuf
from tests.fixtures.ledger import PROJECT

TRACE = "0af7651916cd43dd8448eb211c80319c"
V2, V3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
CALLER = Principal(PROJECT, "key:admin", "admin")
HEADERS = {
    "x-mlflow-experiment-id": "1",
    "user-agent": "mlflow-python-client/3.17.2",
    "content-type": "application/x-protobuf",
}


@pytest.fixture
async def wired(tmp_path: Path, ledger: Ledger) -> AsyncIterator[SimpleNamespace]:
    scrubber = Scrubber()
    experiments = Experiments(ledger, scrubber.scrub, FakeClock())
    shelf = MediaShelf(ledger, tmp_path / "media", scrubber.scrub, FakeClock(), 1000)
    async with dialects(tmp_path, project=PROJECT, experiments=experiments, media=shelf) as (http, services):
        services.partial_spans = PartialSpans(ledger, services.ingest, scrubber)
        yield SimpleNamespace(http=http, services=services)


async def send_spans(wired: SimpleNamespace, **attributes: Any) -> None:
    root = a_span(trace_id=TRACE, name="answer", attributes={"mlflow.spanType": "AGENT", **attributes})
    await take_spans(wired.services, CALLER, HEADERS, protobuf(root))


def ended(**info: Any) -> dict[str, Any]:
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "1"}}
    return {"trace": {"trace_info": {"trace_id": f"tr-{TRACE}", "trace_location": place, **info}}}


async def told(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


ATTACHED = f"/api/2.0/mlflow-artifacts/artifacts/tr-{TRACE}/attachments/0c3ecf7e-7b0f-4a35-8f34-5d1f1ad9a0a7"


async def test_attachments_are_media_of_their_trace(wired: SimpleNamespace) -> None:
    """Where they go is told at the end of the trace; of which type they are nobody says."""
    await send_spans(wired)
    info = (await told(await wired.http.post(f"{V3}/traces", json=ended())))["trace"]["trace_info"]
    assert info["tags"]["mlflow.artifactLocation"] == f"mlflow-artifacts:/tr-{TRACE}"
    sent = b"%PDF-1.7 of ada"
    for _ in range(2):  # a client that heard no answer sends it again
        assert await told(await wired.http.put(ATTACHED, content=sent)) == {}
    [kept] = (await told(await wired.http.get(f"/api/v1/traces/{TRACE}/media")))["items"]
    assert (kept["id"], kept["content_type"], kept["stored"]) == (ATTACHED[-36:], "application/pdf", True)
    assert (await wired.http.get(ATTACHED)).content == (await wired.http.get(kept["url"])).content == sent


async def test_attachments_that_cannot_be_kept_are_refused(wired: SimpleNamespace) -> None:
    await told(await wired.http.put(ATTACHED, content=b"x" * 1001), 413)
    await told(await wired.http.put(ATTACHED, content=b""), 413)
    await told(await wired.http.put(ATTACHED.replace("0c3e", "0c%203"), content=b"x"), 400)
    await told(await wired.http.get(ATTACHED), 404)
    assert (await told(await wired.http.get(f"/api/v1/traces/{TRACE}/media")))["items"] == []


async def test_an_experiment_is_made_once_and_found_by_name_and_number(wired: SimpleNamespace) -> None:
    missing = await wired.http.get(f"{V2}/experiments/get-by-name", params={"experiment_name": "support"})
    assert (await told(missing, 404))["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    made = await wired.http.post(f"{V2}/experiments/create", json={"name": "support"})
    assert (await told(made)) == {"experiment_id": "1"}
    again = await wired.http.post(f"{V2}/experiments/create", json={"name": "support"})
    assert (await told(again, 409))["error_code"] == "RESOURCE_ALREADY_EXISTS"
    for path, params in (("get-by-name", {"experiment_name": "support"}), ("get", {"experiment_id": "1"})):
        found = (await told(await wired.http.get(f"{V2}/experiments/{path}", params=params)))["experiment"]
        assert (found["experiment_id"], found["name"]) == ("1", "support")
    every = await told(await wired.http.post(f"{V2}/experiments/search", json={}))
    assert [one["name"] for one in every["experiments"]] == ["Default", "support"]


async def test_an_experiment_named_after_a_person_is_not(wired: SimpleNamespace) -> None:
    name = "/Users/ada@mail-box.org/shop"
    await wired.http.post(f"{V2}/experiments/create", json={"name": name})
    found = await wired.http.get(f"{V2}/experiments/get-by-name", params={"experiment_name": name})
    assert (await told(found))["experiment"]["name"] == "/Users/[EMAIL_ADDRESS]/shop"


@pytest.mark.parametrize("number", ["7", "x", "-1", "9" * 30, "²"])
async def test_an_experiment_nobody_made_is_missing(wired: SimpleNamespace, number: str) -> None:
    answer = await wired.http.get(f"{V2}/experiments/get", params={"experiment_id": number})
    assert (await told(answer, 404))["error_code"] == "RESOURCE_DOES_NOT_EXIST"


async def test_what_holds_for_a_trace_comes_apart_from_its_spans(wired: SimpleNamespace) -> None:
    await wired.http.post(f"{V2}/experiments/create", json={"name": "support"})
    await send_spans(wired)
    assert await wired.services.partial_spans.settle() == 0, "user and session are still to come"
    info = {"trace_metadata": {"mlflow.trace.user": "ada", "mlflow.trace.session": "s"}, "tags": {"shop": "north"}}
    answer = await told(await wired.http.post(f"{V3}/traces", json=ended(**info)))
    assert answer["trace"]["trace_info"]["tags"]["mlflow.trace.spansLocation"] == "TRACKING_STORE"
    read = await told(await wired.http.get(f"{V3}/traces/get", params={"trace_id": f"tr-{TRACE}"}))
    assert read["trace"]["trace_info"]["trace_metadata"]["mlflow.trace.user"] == "ada"
    [span] = (await told(await wired.http.get(f"/api/v1/traces/{TRACE}")))["spans"]
    assert (span["kind"], span["user"], span["session"]) == ("agent", "ada", "s")
    assert span["tags"] == ["experiment:support", "shop:north"]
    assert span["attributes"]["mlflow.experiment"] == "support"


async def test_a_trace_says_that_its_spans_were_refused(
    wired: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    """The client says so in its debug log alone; of the end of a trace that fails it warns."""
    limit = wired.services.ingest.limits.unpacked_bytes
    began = protobuf(a_span(trace_id=TRACE))
    await tell_refused(wired.services, CALLER, began, limit + 1, limit)
    about = {"mlflow.trace.user": "ada", "mlflow.trace.sizeBytes": str(limit + 1)}
    answer = await wired.http.post(f"{V3}/traces", json=ended(trace_metadata=about))
    refused = await told(answer, 413)
    assert refused["error_code"] == "INVALID_PARAMETER_VALUE"
    assert f"more than {limit} bytes" in refused["message"]
    assert "MAX_SPAN_BATCH_SIZE" in refused["message"]
    await wired.services.partial_spans.flush(PROJECT, TRACE)
    [span] = (await told(await wired.http.get(f"/api/v1/traces/{TRACE}")))["spans"]
    assert (span["status"], span["user"]) == ("error", "ada")
    assert f"This one had {limit + 1} bytes." in span["status_message"]
    assert TRACE in caplog.text


async def test_a_large_trace_that_came_whole_ends_well(wired: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay_server.api.dialects.mlflow.spans._PATIENCE_S", 0.01)
    await send_spans(wired)
    about = {"mlflow.trace.sizeBytes": str(wired.services.ingest.limits.unpacked_bytes + 1)}
    await told(await wired.http.post(f"{V3}/traces", json=ended(trace_metadata=about)))
    await tell_refused(wired.services, CALLER, b"no spans", 1, 1)
    await wired.services.partial_spans.flush(PROJECT, TRACE)
    spans = (await told(await wired.http.get(f"/api/v1/traces/{TRACE}")))["spans"]
    assert [span["name"] for span in spans] == ["answer"]


async def test_an_experiment_of_another_server_costs_no_span(wired: SimpleNamespace) -> None:
    await send_spans(wired)
    await told(await wired.http.post(f"{V3}/traces", json=ended()))
    [known] = (await told(await wired.http.get(f"{V3}/traces/batchGet", params={"trace_ids": [TRACE, "f" * 32]})))[
        "traces"
    ]
    assert known["trace_info"]["trace_location"]["mlflow_experiment"] == {"experiment_id": "1"}


async def test_values_of_every_shape_are_read_back(wired: SimpleNamespace) -> None:
    values = {"flag": True, "count": 3, "share": 0.5, "list": [1, "a"], "text": "x"}
    await send_spans(wired, **values)
    await wired.http.post(f"{V3}/traces", json=ended())
    read = await told(await wired.http.get(f"{V3}/traces/get", params={"trace_id": f"tr-{TRACE}"}))
    pairs = {pair["key"]: pair["value"] for pair in read["trace"]["spans"][0]["attributes"]}
    assert [pairs[name] for name in values] == [
        {"bool_value": True},
        {"int_value": "3"},
        {"double_value": 0.5},
        {"array_value": {"values": [{"int_value": "1"}, {"string_value": "a"}]}},
        {"string_value": "x"},
    ]


async def test_documents_of_a_retriever_are_ours(wired: SimpleNamespace) -> None:
    outputs = [{"page_content": "14 days", "id": "faq-1", "metadata": {"shelf": 3}}]
    await send_spans(wired, **{"mlflow.spanType": "RETRIEVER", "mlflow.spanOutputs": outputs})
    await wired.http.post(f"{V3}/traces", json=ended())
    await wired.http.get(f"{V3}/traces/tr-{TRACE}")
    [span] = (await told(await wired.http.get(f"/api/v1/traces/{TRACE}")))["spans"]
    assert span["documents"] == [{"id": "faq-1", "content": "14 days", "metadata": {"shelf": 3}}]


@pytest.mark.parametrize(
    ("said", "value", "label", "error"),
    [
        ({"feedback": {"value": 0.5}}, 0.5, None, None),
        ({"feedback": {"value": True}}, 1.0, None, None),
        ({"feedback": {"value": "friendly"}}, None, "friendly", None),
        ({"feedback": {"value": {"a": 1}}}, None, '{"a": 1}', None),
        ({"feedback": {"error": {"error_code": "TIMEOUT"}}}, None, None, "TIMEOUT"),
        ({"feedback": {"error": {"error_code": "RATE", "error_message": "too many"}}}, None, None, "RATE: too many"),
        ({"expectation": {"value": 14}}, None, "14", None),
        ({"expectation": {"serialized_value": {"value": "[1]"}}}, None, "[1]", None),
    ],
)
async def test_an_assessment_is_a_score(
    wired: SimpleNamespace, said: dict[str, Any], value: float | None, label: str | None, error: str | None
) -> None:
    source = {"source_type": "LLM_JUDGE", "source_id": "judge-1"}
    body = {"assessment": {"assessment_name": "helpful", "source": source, "rationale": "ada@mail-box.org", **said}}
    made = await told(await wired.http.post(f"{V3}/traces/tr-{TRACE}/assessments", json=body))
    [score] = (await told(await wired.http.get("/api/v1/scores")))["items"]
    assert (score["value"], score["label"], score["error"]) == (value, label, error)
    assert (score["source"], score["trace_id"], score["reason"]) == ("judge", TRACE, "[EMAIL_ADDRESS]")
    assert made["assessment"]["assessment_id"] == score["id"]
    assert made["assessment"]["source"] == source


@pytest.mark.parametrize(
    "body",
    [{}, {"assessment": {"assessment_name": "x"}}, {"assessment": {"feedback": {"value": 1}}}, {"assessment": 1}],
)
async def test_what_judges_nothing_is_refused(wired: SimpleNamespace, body: Any) -> None:
    answer = await wired.http.post(f"{V3}/traces/tr-{TRACE}/assessments", json=body)
    assert (await told(answer, 400))["error_code"] == "INVALID_PARAMETER_VALUE"


async def test_an_assessment_is_read_back_as_it_was_given(wired: SimpleNamespace) -> None:
    await send_spans(wired)
    inside = {"assessment_name": "correct", "feedback": {"value": True}, "source": {"source_type": "HUMAN"}}
    await wired.http.post(f"{V3}/traces", json=ended(assessments=[inside]))
    await wired.http.get(f"{V3}/traces/tr-{TRACE}")
    found = await told(await wired.http.post(f"{V3}/traces/search", json={"filter": "status = 'OK'"}))
    assert found == {"traces": []}, "the span said nothing of its status"
    found = await told(await wired.http.post(f"{V3}/traces/search", json={}))
    [given] = found["traces"][0]["assessments"]
    one = await told(await wired.http.get(f"{V3}/traces/tr-{TRACE}/assessments/{given['assessment_id']}"))
    assert (one["assessment"]["feedback"], one["assessment"]["source"]["source_type"]) == ({"value": True}, "HUMAN")
    await told(await wired.http.get(f"{V3}/traces/tr-{TRACE}/assessments/other"), 404)


async def test_an_assessment_is_taken_back(wired: SimpleNamespace, ledger: Ledger) -> None:
    audit = Audit(ledger, FakeClock(), lambda text: (text, []))
    store = wired.services.scores._store
    wired.services.keeping = SimpleNamespace(scores=ScoresTakenBack(store, ledger, audit, NoCounters()))
    body = {"assessment": {"assessment_name": "helpful", "feedback": {"value": 1}}}
    made = await told(await wired.http.post(f"{V3}/traces/tr-{TRACE}/assessments", json=body))
    one = f"assessments/{made['assessment']['assessment_id']}"
    await told(await wired.http.delete(f"{V3}/traces/tr-{'1' * 32}/{one}"), 404)
    assert await told(await wired.http.delete(f"{V3}/traces/tr-{TRACE}/{one}")) == {}
    assert (await told(await wired.http.get("/api/v1/scores")))["items"] == []


@pytest.mark.parametrize(
    "said",
    [
        {"value": {"a": [1, True]}},
        {"value": ["a", "b"]},
        {"value": None, "error": {"error_code": "RATE", "error_message": "too many", "stack_trace": "line 1"}},
        {"value": None, "error": {"error_code": "RATE"}},
    ],
)
async def test_feedback_is_read_back_while_its_trace_waits_for_more(wired: SimpleNamespace, said: Any) -> None:
    await send_spans(wired)
    await wired.http.post(f"{V3}/traces", json=ended())
    body = {"assessment": {"assessment_name": "ok", "feedback": said, "overrides": "scr_1"}}
    made = (await told(await wired.http.post(f"{V3}/traces/tr-{TRACE}/assessments", json=body)))["assessment"]
    read = await told(await wired.http.get(f"{V3}/traces/tr-{TRACE}/assessments/{made['assessment_id']}"))
    assert read["assessment"]["feedback"] == made["feedback"] == said
    assert read["assessment"]["overrides"] == "scr_1"


async def test_a_value_beside_an_error_is_kept_and_no_judgement(wired: SimpleNamespace) -> None:
    said = {"value": 1, "error": {"error_code": "RATE"}}
    body = {"assessment": {"assessment_name": "ok", "feedback": said}}
    await told(await wired.http.post(f"{V3}/traces/tr-{TRACE}/assessments", json=body))
    [score] = (await told(await wired.http.get("/api/v1/scores")))["items"]
    assert (score["value"], score["metadata"]) == (None, {"value_beside_error": 1})


async def test_events_and_the_clients_own_id_are_read_back(wired: SimpleNamespace) -> None:
    event = {"name": "retried", "time_ns": 1_790_000_000_000_000_000, "attributes": {"n": 2}}
    root = a_span(trace_id=TRACE, name="answer", attributes={"mlflow.spanType": "AGENT"}, events=[event])
    await take_spans(wired.services, CALLER, HEADERS, protobuf(root))
    await wired.http.post(f"{V3}/traces", json=ended(client_request_id="req-1"))
    read = (await told(await wired.http.get(f"{V3}/traces/get", params={"trace_id": f"tr-{TRACE}"})))["trace"]
    assert read["trace_info"]["client_request_id"] == "req-1"
    [told_event] = read["spans"][0]["events"]
    assert (told_event["name"], told_event["attributes"]) == ("retried", [{"key": "n", "value": {"int_value": "2"}}])


async def test_a_tag_given_later_is_kept(wired: SimpleNamespace) -> None:
    await send_spans(wired)
    await told(await wired.http.patch(f"{V2}/traces/tr-{TRACE}/tags", json={"key": "shop", "value": "north"}))
    await wired.http.post(f"{V3}/traces", json=ended())
    read = await told(await wired.http.get(f"{V3}/traces/tr-{TRACE}"))
    assert read["trace"]["trace_info"]["tags"]["shop"] == "north"


async def test_a_key_that_may_not_read_is_told_so(wired: SimpleNamespace) -> None:
    answer = await wired.http.get(f"{V3}/traces/get", params={"trace_id": TRACE}, headers={"x-api-key": "ingest"})
    assert (await told(answer, 403))["error_code"] == "PERMISSION_DENIED"


async def test_the_page_of_a_search_leads_to_the_next(wired: SimpleNamespace) -> None:
    await wired.http.post(f"{V2}/experiments/create", json={"name": "support"})
    for number in range(3):
        root = a_span(trace_id=f"{number}" * 31 + "a", name="answer")
        await take_spans(wired.services, CALLER, HEADERS, protobuf(root))
        await wired.http.post(f"{V3}/traces", json=ended(trace_id=f"tr-{str(number) * 31}a"))
        await wired.http.get(f"{V3}/traces/tr-{str(number) * 31}a")
    where = {"locations": [{"mlflow_experiment": {"experiment_id": "1"}}], "max_results": 2}
    first = await told(await wired.http.post(f"{V3}/traces/search", json=where))
    rest = await told(
        await wired.http.post(f"{V3}/traces/search", json={**where, "page_token": first["next_page_token"]})
    )
    assert [len(page["traces"]) for page in (first, rest)] == [2, 1]
    assert "next_page_token" not in rest
    other = {"locations": [{"mlflow_experiment": {"experiment_id": "0"}}]}
    assert (await told(await wired.http.post(f"{V3}/traces/search", json=other))) == {"traces": []}


async def test_a_search_is_sorted_page_by_page(wired: SimpleNamespace) -> None:
    start = a_span()["start_ns"]
    for number, took in enumerate((2, 3, 1)):
        times = {"start_ns": start + number, "end_ns": start + number + took * 1_000_000}
        root = a_span(trace_id=f"{number}" * 31 + "a", name="answer", **times)
        await take_spans(wired.services, CALLER, HEADERS, protobuf(root))
        await wired.http.post(f"{V3}/traces", json=ended(trace_id=f"tr-{str(number) * 31}a"))
        await wired.http.get(f"{V3}/traces/tr-{str(number) * 31}a")

    async def numbers(order: str) -> str:
        found, body = "", {"order_by": [order], "max_results": 1}
        while True:
            page = await told(await wired.http.post(f"{V3}/traces/search", json=body))
            found += "".join(trace["trace_id"].removeprefix("tr-")[0] for trace in page["traces"])
            if "next_page_token" not in page:
                return found
            body["page_token"] = page["next_page_token"]

    orders = {
        "execution_time DESC": "102",
        "attributes.execution_time_ms": "201",
        "timestamp ASC": "012",
        "timestamp_ms desc": "210",
        "`timestamp_ms` DESC": "210",
    }
    assert {order: await numbers(order) for order in orders} == orders


@pytest.mark.parametrize(
    "body",
    [
        {"filter": "tags.shop = 'north'"},
        {"filter": "status"},
        {"filter": "status = 'MAYBE'"},
        {"order_by": ["tags.shop ASC"]},
        {"order_by": ["execution_time DESC", "timestamp_ms ASC"]},
        {"order_by": ["execution_time DOWN"]},
        {"order_by": {"execution_time": "DESC"}},
        {"order_by": ["execution_time DESC"], "page_token": "W10"},
        {"max_results": 0},
        {"locations": [{"mlflow_experiment": {"experiment_id": "0"}}] * 2},
    ],
)
async def test_a_search_that_cannot_be_answered_is_refused(wired: SimpleNamespace, body: dict[str, Any]) -> None:
    answer = await wired.http.post(f"{V3}/traces/search", json=body)
    assert (await told(answer, 400))["error_code"] == "INVALID_PARAMETER_VALUE"


def test_search_expressions_are_our_filters() -> None:
    said = "attributes.status = 'ERROR' AND timestamp_ms >= 5 and metadata.`mlflow.trace.user` = \"ada\""
    narrow = filter_of(said, Experiment(1, "support", 0))
    assert (narrow.status, narrow.since_ns, narrow.user, narrow.tag) == (
        "error",
        5_000_000,
        "ada",
        "experiment:support",
    )
    assert filter_of("execution_time_ms <= 20", None).max_latency_ms == 20
    with pytest.raises(InvalidInput):
        filter_of("timestamp_ms >= 'soon'", None)


async def test_spans_of_any_other_client_go_the_usual_way(wired: SimpleNamespace) -> None:
    assert is_mlflow(HEADERS)
    assert not is_mlflow({**HEADERS, "user-agent": "OTel-OTLP-Exporter-Python/1.45"})
    assert not is_mlflow({"user-agent": HEADERS["user-agent"]})
    with pytest.raises(UnsupportedMedia):
        await take_spans(wired.services, CALLER, {**HEADERS, "content-type": "application/json"}, b"{}")
