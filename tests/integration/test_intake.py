"""Quotas and sampling at the door of a real server: over OTLP, over kills, and as people see them."""

import json
import re
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.fakes.otlp_requests import a_span, as_json
from tests.fixtures.server import RunningServer
from tests.fixtures.waiting import until

JSON = {"content-type": "application/json"}
TRACES = 60
SPANS = 4  # of a trace
_EVERYTHING = (
    "SELECT content, count(*) AS n, count(DISTINCT trace_id || span_id) AS ids FROM spans GROUP BY 1 ORDER BY 1"
)


def trace(number: int, *, first: int = 0, count: int = SPANS, failed: bool = False, start_ns: int = 0) -> bytes:
    """Spans `first` and on of one trace, each with a text of its own."""
    start = start_ns or time.time_ns()
    spans = [
        a_span(
            trace_id=f"{number:032x}",
            span_id=f"{number:012x}{n + 1:04x}",
            parent_id="" if n == 0 else f"{number:012x}{1:04x}",
            name="agent" if n == 0 else "step",
            status=2 if failed and n == 1 else 0,
            start_ns=start + n,
            end_ns=start + n + 1_000_000,
            attributes={"assay.input": f"text{number}n{n}", "feature": "shop", "gen_ai.usage.input_tokens": 5},
        )
        for n in range(first, first + count)
    ]
    return as_json(*spans)


def send(http: httpx.Client, body: bytes) -> None:
    assert http.post("/v1/traces", content=body, headers=JSON).status_code == 200


def sql(http: httpx.Client, text: str) -> list[list[Any]]:
    rows: list[list[Any]] = http.post("/api/v1/sql", json={"sql": text}).raise_for_status().json()["rows"]
    return rows


def put(http: httpx.Client, what: str, body: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = http.put(f"/api/v1/{what}", json=body).raise_for_status().json()
    return made


def settled(http: httpx.Client) -> None:
    until(lambda: not http.get("/api/v1/sampling").json()["waiting"]["spans"])


def severities(http: httpx.Client) -> list[tuple[str, str]]:
    return sorted((one["kind"], one["severity"]) for one in http.get("/api/v1/incidents").json()["items"])


def test_a_quota_stops_otlp_and_nothing_else(hurried_server: RunningServer) -> None:
    hurried_server.start()
    with hurried_server.client() as http:
        put(http, "quotas", {"limits": {"spans_per_day": 2 * SPANS}, "warn_at": 0.5})
        send(http, trace(1))
        until(lambda: severities(http) == [("quota", "warning")])
        send(http, trace(2))
        refused = http.post("/v1/traces", content=trace(3), headers=JSON)
        pieces = http.post("/api/public/ingestion", json={"batch": []}).status_code
        score = {"name": "s", "value": 1, "trace_id": f"{1:032x}"}
        assert http.post("/api/v1/scores", json=score).status_code == 201
        until(lambda: severities(http) == [("quota", "critical"), ("quota", "warning")])
        time.sleep(0.5)  # what a kill may forget is counted since the last look, every fifth of a second
    hurried_server.kill()
    hurried_server.start()
    with hurried_server.client() as http:
        again = http.post("/v1/traces", content=trace(3), headers=JSON)
        use = http.get("/api/v1/quotas").json()["use"][0]
        put(http, "quotas", {"limits": {"spans_per_day": 100}})
        send(http, trace(3))
        days = http.get("/api/v1/quotas/days").json()["items"]
        metrics = http.get("/metrics").text
    assert refused.status_code == again.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert "spans a day" in refused.json()["message"]
    assert pieces == 207
    assert (use["used"], use["state"]) == (2 * SPANS, "reached")
    assert (days[0]["spans"], days[0]["refused"] >= 2) == (3 * SPANS, True)
    assert f'assay_quota_used{{quota="spans_per_day"}} {3 * SPANS}' in metrics


def test_rules_at_the_door(own_server: RunningServer) -> None:
    rules = [
        {"name": "pings", "match": {"name": "ping*"}, "action": "drop"},
        {"name": "steps", "match": {"name": "step"}, "action": "sample", "rate": 0.5},
    ]
    own_server.start()
    with own_server.client() as http:
        for number in range(1, TRACES + 1):
            send(http, trace(number))
        preview = http.post("/api/v1/sampling/preview", json={"rules": rules}).raise_for_status().json()
        without = {"rules": [{"name": "steps", "match": {"name": "step"}, "action": "drop"}]}
        lacking = http.post("/api/v1/sampling/preview", json=without).raise_for_status().json()["lacking"]
        put(http, "sampling", {"rules": rules, "reason": "too much text"})
        for number in range(TRACES + 1, 2 * TRACES + 1):
            send(http, trace(number, first=0, count=2))
            send(http, trace(number, first=2, count=2))  # the same fate in another request
        send(http, as_json(a_span(trace_id="ab" * 16, name="ping 1"), a_span(trace_id="cd" * 16, name="other")))
        fates = sql(
            http,
            "SELECT trace_id, count(*), count(*) FILTER (content = 'sampled_out'), count(input), sum(fresh_input)"
            f" FROM spans WHERE trace_id > '{TRACES:032x}' AND name = 'step' GROUP BY 1",
        )
        counted = http.get("/api/v1/sampling/counts").json()["items"]
        thin = next(row[0] for row in fates if row[2])
        shown = http.get(f"/api/v1/traces/{thin}").json()
        audit = http.get("/api/v1/audit?action=sampling.change").json()["items"]
    outside = [row for row in fates if row[2]]
    assert len(fates) == TRACES
    assert all(row[1:] in ([3, 0, 3, 15], [3, 3, 0, 15]) for row in fates), "a trace has one fate, and its sums stay"
    assert 10 < len(outside) < 50
    by_rule = Counter[tuple[str, str]]()  # they are told by minute, and another may have begun
    for one in counted:
        by_rule[one["rule"], one["action"]] += one["spans"]
    assert by_rule == {("pings", "drop"): 1, ("steps", "sample"): 3 * len(outside)}
    assert [span["content"] for span in shown["spans"]] == ["kept", "sampled_out", "sampled_out", "sampled_out"]
    assert [span["attributes"].get("feature") for span in shown["spans"]] == ["shop"] * 4
    assert set(re.findall(r"text\d+n(\d)", json.dumps(shown))) == {"0"}, "the root's text alone"
    assert (preview["spans"], preview["dropped"]) == (TRACES * SPANS, 0)
    assert preview["by_rule"][1]["spans"] == 3 * TRACES
    assert (preview["lacking"], lacking["calls"]) == (None, 3 * TRACES)
    assert 0 < preview["sampled_out"] < 3 * TRACES
    assert audit[0]["reason"] == "too much text"


def test_the_tail_keeps_errors_and_late_spans_follow_their_trace(hurried_server: RunningServer) -> None:
    hurried_server.start()
    with hurried_server.client() as http:
        put(http, "sampling", {"tail": {"share": 0.0, "quiet_s": 1}})
        send(http, trace(1, count=2, failed=True))
        send(http, trace(2, count=2))
        waiting = http.get(f"/api/v1/traces/{1:032x}").json()["spans"][0]
        settled(http)
        send(http, trace(1, first=2, count=2))
        send(http, trace(2, first=2, count=2, failed=True))
        settled(http)
        kept, gone = (http.get(f"/api/v1/traces/{n:032x}").json() for n in (1, 2))
        put(http, "sampling", {"tail": {"share": 0.0, "quiet_s": 3600, "patience_s": 3600}})
        send(http, trace(3))
        put(http, "sampling", {})
        settled(http)
        taken_back = http.get(f"/api/v1/traces/{3:032x}").json()
        found = http.get("/api/v1/traces", params={"text": "text1n1"}).json()["items"]
    assert (waiting["content"], waiting["input"]) == ("waiting", None)
    assert [(span["content"], span["input"]) for span in kept["spans"]] == [("kept", f"text1n{n}") for n in range(4)]
    assert [(span["content"], span["input"]) for span in gone["spans"]] == [("sampled_out", None)] * 4
    assert [span["content"] for span in taken_back["spans"]] == ["kept"] * 4
    assert [row["trace_id"] for row in found] == [f"{1:032x}"]


def test_log_records_follow_their_trace_also_after_a_kill(hurried_server: RunningServer) -> None:
    hurried_server.start()
    with hurried_server.client() as http:
        put(http, "sampling", {"tail": {"share": 0.0, "quiet_s": 1}})
        for number, failed in ((1, True), (2, False)):
            send_record(http, number, f"before{number}")
            send(http, trace(number, failed=failed))
            send_record(http, number, f"after{number}")
        settled(http)
    hurried_server.kill()
    hurried_server.start()
    with hurried_server.client() as http:
        send_record(http, 2, "late2")
        until(lambda: logged(http)["kept"] <= 2)
        left = logged(http)
        found = http.get("/api/v1/traces", params={"text": "before2"}).json()["items"]
        shown = http.get(f"/api/v1/traces/{2:032x}").json()
    assert left == {"records": 5, "kept": 2}
    assert found == []
    assert not re.search(r"(before|after|late)\d", json.dumps(shown))


def send_record(http: httpx.Client, number: int, text: str) -> None:
    """What a model was asked, as a log record beside the span."""
    record = {
        "timeUnixNano": str(time.time_ns()),
        "traceId": f"{number:032x}",
        "spanId": f"{number:012x}{1:04x}",
        "eventName": "gen_ai.user.message",
        "body": {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": text}}]}},
    }
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    assert http.post("/v1/logs", json=body).status_code == 200


def logged(http: httpx.Client) -> dict[str, int]:
    told = "count(*), count(*) FILTER (contains(data, 'before') OR contains(data, 'after') OR contains(data, 'late'))"
    records, kept = sql(http, f"SELECT {told} FROM (SELECT data::VARCHAR AS data FROM events WHERE kind = 'content')")[
        0
    ]
    return {"records": records, "kept": kept}


@pytest.mark.parametrize("moment", [0.0, 0.7, 1.4], ids=["waiting", "deciding", "decided"])
def test_a_kill_while_content_waits_loses_nothing_and_doubles_nothing(own_server: RunningServer, moment: float) -> None:
    own_server.start()
    with own_server.client() as http:
        put(http, "sampling", {"tail": {"share": 0.5, "quiet_s": 1}})
        for number in range(1, TRACES + 1):
            send(http, trace(number, failed=number % 3 == 0))
        time.sleep(moment)
    own_server.kill()
    own_server.start()
    with own_server.client() as http:
        for number in range(1, TRACES + 1, 2):  # a sender that heard nothing sends again
            send(http, trace(number, failed=number % 3 == 0))
        settled(http)
        rows = {content: (n, ids) for content, n, ids in sql(http, _EVERYTHING)}
        errors = sql(http, "SELECT count(*), count(input) FROM spans WHERE trace_id IN"
                           " (SELECT trace_id FROM spans WHERE status = 'error')")  # fmt: skip
        texts = sql(http, "SELECT count(*) FROM spans WHERE (content = 'kept') <> (input IS NOT NULL)")
        bad = sql(
            http, "SELECT count(*) FROM (SELECT trace_id FROM spans GROUP BY 1 HAVING count(DISTINCT content) > 1)"
        )
    assert set(rows) == {"kept", "sampled_out"}
    assert sum(n for n, _ in rows.values()) == sum(ids for _, ids in rows.values()) == TRACES * SPANS
    assert errors == [[TRACES // 3 * SPANS] * 2]
    assert texts == bad == [[0]]
