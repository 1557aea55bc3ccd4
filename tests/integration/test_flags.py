"""A project asks for checks on its traffic, and what comes after that has scores, in a real server."""

import time

import httpx

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
