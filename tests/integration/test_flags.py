"""A project asks for checks on its traffic, and what comes after that has scores, in a real server."""

import json
import time

import httpx

from assay_server.core.clock import rfc3339
from tests.fakes.otlp_requests import a_span, as_json
from tests.fixtures.server import RunningServer

ANSWER = "You are a stupid idiot and refunds are fucking impossible."


def send(http: httpx.Client, number: int) -> str:
    trace_id = f"{number:032x}"
    common = {"trace_id": trace_id, "start_ns": time.time_ns(), "end_ns": time.time_ns() + 1000}
    documents = '[{"id": "policy-1", "content": "Refunds are possible within 30 days."}]'
    found = a_span(
        span_id=f"{number:015x}1",
        name="search",
        attributes={"assay.kind": "retriever", "retrieval.documents": documents},
        **common,
    )
    said = a_span(
        span_id=f"{number:015x}2", name="answer", attributes={"assay.kind": "llm", "assay.output": ANSWER}, **common
    )
    sent = http.post("/v1/traces", content=as_json(found, said), headers={"content-type": "application/json"})
    assert sent.status_code == 200
    return trace_id


def scores(http: httpx.Client, trace_id: str) -> dict[str, float]:
    found = http.get(f"/api/v1/traces/{trace_id}").raise_for_status().json()["scores"]
    assert {(score["source"], score["span_id"][-1]) for score in found} <= {("code", "2")}
    return {score["name"]: score["value"] for score in found}


def test_checks_look_at_what_comes_after_they_were_asked_for(own_server: RunningServer) -> None:
    own_server.start()
    with own_server.client() as http:
        before = send(http, 0xF1A61)
        asked = http.get("/api/v1/flags")
        assert asked.json()["checks"] == []
        put = http.put(
            "/api/v1/flags", json={"checks": ["toxicity", "groundedness"]}, headers={"If-Match": asked.headers["etag"]}
        )
        assert put.status_code == 200
        after = send(http, 0xF1A62)
        deadline = time.monotonic() + 30
        while len(found := scores(http, after)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert found["toxicity"] > 0.5
        assert 0 < found["groundedness"] < 0.5
        assert scores(http, before) == {}
        while http.get("/api/v1/flags").json()["today"] != {"scored": 2, "skipped": 0, "dropped": 0}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        wrong = http.put("/api/v1/flags", json={"checks": ["toxic"]})
        assert (wrong.status_code, wrong.json()["field"]) == (400, "checks")


def test_answers_that_break_the_schema_they_were_asked_for_are_counted_where_nobody_asked_for_checks(
    own_server: RunningServer,
) -> None:
    own_server.start()
    schema = {"type": "object", "properties": {"refund": {"type": "boolean"}}, "required": ["refund"]}
    parameters = {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}
    now = time.time_ns()
    spans = [
        a_span(
            trace_id=f"{0x5C4E0 + number:032x}",
            span_id=f"{0x5C4E0 + number:016x}",
            name="answer",
            start_ns=now,
            end_ns=now + 1000,
            attributes={
                "openinference.span.kind": "LLM",
                "llm.invocation_parameters": json.dumps(parameters),
                "output.value": '{"refund": "perhaps"}' if number % 5 == 0 else '{"refund": true}',
            },
        )
        for number in range(20)
    ]
    with own_server.client() as http:
        sent = http.post("/v1/traces", content=as_json(*spans), headers={"content-type": "application/json"})
        assert sent.status_code == 200
        panel = {"id": "p", "title": "p", "kind": "number", "metrics": [{"name": "schema_violations"}]}
        window = {"since": rfc3339(now - 3_600 * 10**9), "until": rfc3339(now + 3_600 * 10**9)}
        deadline = time.monotonic() + 30
        while True:
            shown = http.post("/api/v1/panels/query", json={"panel": panel, **window}).raise_for_status().json()
            total = shown["series"][0]["total"]
            if total["n"] == 20:
                break
            assert time.monotonic() < deadline, total
            time.sleep(0.05)
        assert total["value"] == 0.2
        assert http.get("/api/v1/flags").json()["today"] == {"scored": 0, "skipped": 0, "dropped": 0}
