"""Traces as Langfuse's clients read them back: what they are called, what is asked for, and what cannot be."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assay_server.checks.pii import Scrubber
from assay_server.ingest import PartialSpans
from assay_server.ledger import Ledger
from tests.fakes.dialects import dialects
from tests.fakes.langfuse_spans import CALL, OTHER, ROOT, START, TRACE, UUID, call, root
from tests.fakes.otlp_requests import a_span, as_json
from tests.fixtures.ledger import PROJECT

TRACES = "/api/public/traces"


@pytest.fixture
async def wired(tmp_path: Path, ledger: Ledger) -> AsyncIterator[SimpleNamespace]:
    async with dialects(tmp_path, project=PROJECT) as (http, services):
        services.partial_spans = PartialSpans(ledger, services.ingest, Scrubber())
        yield SimpleNamespace(http=http, services=services)


async def send(wired: SimpleNamespace, *spans: dict[str, Any]) -> None:
    body = as_json(*spans, resource={"service.name": "support"})
    caller = await wired.services.accounts.authenticate({"x-api-key": "admin"})
    await wired.services.ingest.otlp(caller.project, body, "application/json")


async def read(wired: SimpleNamespace, path: str = TRACES, status: int = 200, **params: Any) -> Any:
    answer: httpx.Response = await wired.http.get(path, params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


async def names(wired: SimpleNamespace, **params: Any) -> list[str]:
    return [trace["name"] for trace in (await read(wired, **params))["data"]]


async def test_a_trace_is_told_whole(wired: SimpleNamespace) -> None:
    await send(wired, root(), call())
    for score in ({"value": 0.5}, {"value": 1, "dataType": "BOOLEAN", "observationId": CALL}, {"value": "kind"}):
        body = {"id": f"mine-{score['value']}", "name": "s", "traceId": TRACE, "comment": "so", **score}
        assert (await wired.http.post("/api/public/scores", json=body)).status_code == 200
    trace = await read(wired, f"{TRACES}/{TRACE}")
    assert trace["input"] == {"question": "why?"}
    assert trace["output"] == "because"
    assert trace["metadata"] == {"team": "support", "size": 3}
    assert (trace["userId"], trace["sessionId"], trace["tags"]) == ("ada", "s1", ["a", "b"])
    assert (trace["environment"], trace["release"], trace["version"]) == ("staging", "v7", "2")
    assert (trace["latency"], trace["totalCost"], trace["htmlPath"]) == (2.0, 0.75, f"/traces/{TRACE}")
    assert trace["timestamp"] == "2026-09-21T14:13:20.000000Z"
    outer, inner = trace["observations"]
    assert (outer["id"], outer["type"], outer["parentObservationId"]) == (ROOT, "AGENT", None)
    assert (inner["type"], inner["parentObservationId"], inner["model"]) == (
        "GENERATION",
        ROOT,
        "gpt-4o-mini-2024-07-18",
    )
    assert inner["input"] == [{"role": "user", "content": "why?"}]
    assert inner["usageDetails"] == {"input": 100, "input_cached_tokens": 20, "output": 30, "total": 150}
    assert inner["usage"]["input"] == 120
    assert inner["costDetails"] == {"input": 0.25, "output": 0.5, "total": 0.75}
    assert inner["modelParameters"] == {"temperature": 0}
    assert (inner["promptName"], inner["promptVersion"]) == ("answer", 3)
    assert inner["metadata"]["experiment"] == "exp"
    assert inner["metadata"]["attributes"] == {"http.route": "/chat"}
    scores = {score["id"]: score for score in trace["scores"]}
    assert scores["mine-0.5"]["dataType"] == "NUMERIC"
    assert (scores["mine-1"]["stringValue"], scores["mine-1"]["observationId"]) == ("True", CALL)
    assert (scores["mine-kind"]["stringValue"], scores["mine-kind"]["value"]) == ("kind", 0)
    [listed] = (await read(wired))["data"]
    assert (listed["observations"], sorted(listed["scores"])) == ([ROOT, CALL], sorted(scores))
    assert {name: listed[name] for name in ("id", "input", "metadata", "totalCost")} == {
        name: trace[name] for name in ("id", "input", "metadata", "totalCost")
    }


async def test_what_any_span_says_of_the_trace_is_told_of_it(wired: SimpleNamespace) -> None:
    """Version 3 says it on the span that is current; what the root says comes first."""
    inner = call()
    inner["attributes"] |= {"langfuse.trace.metadata.shop": "north", "langfuse.trace.metadata.team": "other"}
    long = json.dumps({"days": 14, "told": "fourteen " * 40})
    inner["attributes"] |= {"langfuse.trace.output": long, "langfuse.trace.public": "true"}
    await send(wired, root(), inner)
    whole, [listed] = await read(wired, f"{TRACES}/{TRACE}"), (await read(wired))["data"]
    for trace in (whole, listed):
        assert trace["metadata"] == {"team": "support", "size": 3, "shop": "north"}
        assert (trace["input"], trace["output"], trace["public"]) == ({"question": "why?"}, json.loads(long), True)


async def test_a_trace_in_pieces_has_the_ids_of_its_client(wired: SimpleNamespace) -> None:
    at = "2026-11-21T08:00:00.000Z"
    batch = [
        ("trace-create", {"id": UUID, "name": "answer", "userId": "ada", "input": {"q": 1}, "metadata": {"k": "v"}}),
        ("span-create", {"id": "outer span", "traceId": UUID, "startTime": at, "endTime": at, "name": "outer"}),
        (
            "generation-create",
            {
                "id": "the call",
                "traceId": UUID,
                "parentObservationId": "outer span",
                "startTime": at,
                "endTime": at,
                "name": "chat",
                "level": "WARNING",
                "statusMessage": "slow",
            },
        ),
    ]
    events = [{"id": str(n), "type": kind, "timestamp": at, "body": body} for n, (kind, body) in enumerate(batch)]
    await wired.http.post("/api/public/ingestion", json={"batch": events})
    await wired.http.post(
        "/api/public/scores", json={"name": "ok", "value": 1, "traceId": UUID, "observationId": "the call"}
    )
    trace = await read(wired, f"{TRACES}/{UUID}")
    assert (trace["id"], trace["name"], trace["input"], trace["metadata"]) == (UUID, "answer", {"q": 1}, {"k": "v"})
    told = [(one["id"], one["parentObservationId"], one["traceId"], one["level"]) for one in trace["observations"]]
    assert sorted(told) == [("outer span", None, UUID, "DEFAULT"), ("the call", "outer span", UUID, "WARNING")]
    assert [(score["traceId"], score["observationId"]) for score in trace["scores"]] == [(UUID, "the call")]
    [listed] = (await read(wired))["data"]
    assert (listed["id"], sorted(listed["observations"])) == (UUID, ["outer span", "the call"])


async def test_a_span_of_another_client_is_told_in_langfuses_words(wired: SimpleNamespace) -> None:
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.cache_read.input_tokens": 20,
        "gen_ai.usage.output_tokens": 30,
    }
    await send(wired, a_span(trace_id=TRACE, span_id=ROOT, start_ns=START, end_ns=START + 1000, attributes=said))
    trace = await read(wired, f"{TRACES}/{TRACE}")
    [one] = trace["observations"]
    assert (one["type"], one["environment"], trace["environment"]) == ("GENERATION", "default", "default")
    assert one["usageDetails"] == {"input": 100, "input_cached_tokens": 20, "output": 30, "total": 150}
    assert one["modelParameters"] == {"temperature": 0.5}
    assert one["costDetails"] == {"total": trace["totalCost"]}
    assert trace["totalCost"] > 0


async def test_filters_narrow_and_pages_are_turned(wired: SimpleNamespace) -> None:
    await send(wired, root(), call())
    other = {"user__id": "grace", "session__id": "s2", "langfuse__trace__tags": ["a"], "langfuse__version": "1"}
    await send(wired, root(OTHER, "chat", 60_000_000_000, **other))
    assert await names(wired) == ["chat", "answer"]
    assert await names(wired, orderBy="timestamp.asc") == ["answer", "chat"]
    assert await names(wired, name="chat") == ["chat"]  # not the trace with a span of that name
    assert await names(wired, userId="ada") == ["answer"]
    assert await names(wired, sessionId="s2") == ["chat"]
    assert await names(wired, tags=["a", "b"]) == ["answer"]
    assert await names(wired, version="1") == ["chat"]
    assert await names(wired, environment="staging") == ["chat", "answer"]
    assert await names(wired, environment=["other", "staging"]) == ["chat", "answer"]
    assert await names(wired, environment=["other", "another"]) == []
    for column, values, found in (
        ("userId", ["grace", "ada"], ["chat", "answer"]),
        ("sessionId", ["s2", "s9"], ["chat"]),
        ("tags", ["b", "c"], ["answer"]),
        ("environment", ["staging", "x"], ["chat", "answer"]),
        ("id", ["0" * 32, "f" * 32], []),
    ):
        assert await names(wired, filter=a_filter(column, "any of", values)) == found, column
    both = await names(wired, userId="ada", filter=a_filter("userId", "any of", ["grace", "x"]))
    assert both == ["chat"]  # the filter comes first
    assert await names(wired, release="v8") == []
    assert await names(wired, fromTimestamp="2026-09-21T14:13:30Z") == ["chat"]
    assert await names(wired, toTimestamp="2026-09-21T14:13:30Z") == ["answer"]
    for page, name in ((1, "chat"), (2, "answer")):
        found = await read(wired, limit=1, page=page)
        assert [trace["name"] for trace in found["data"]] == [name]
        assert found["meta"] == {"page": page, "limit": 1, "totalItems": 2, "totalPages": 2}
    assert await names(wired, limit=1, page=2, orderBy="timestamp.asc") == ["chat"]
    assert await names(wired, page=3) == []


async def test_fields_that_are_not_asked_for_are_left_out(wired: SimpleNamespace) -> None:
    await send(wired, root(), call())
    for path in (TRACES, f"{TRACES}/{TRACE}"):
        found = await read(wired, path, fields="core,io")
        trace = found["data"][0] if "data" in found else found
        assert (trace["observations"], trace["scores"], trace["latency"], trace["totalCost"]) == ([], [], -1, -1)
        assert trace["output"] == "because"


def a_filter(column: str, operator: str, value: Any, **more: Any) -> str:
    return json.dumps([{"type": "string", "column": column, "operator": operator, "value": value, **more}])


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (a_filter("name", "=", "chat"), ["chat"]),
        (a_filter("user_id", "any of", ["ada"]), ["answer"]),
        (a_filter("tags", "all of", ["a", "b"]), ["answer"]),
        (a_filter("timestamp", "<", "2026-09-21T14:14:20.000000+00:00"), ["answer"]),
        (a_filter("timestamp", "<=", "2026-09-21T14:14:20Z"), ["chat", "answer"]),
        (a_filter("timestamp", ">", "2026-09-21T14:13:20Z"), ["chat"]),
        (a_filter("latency", ">", 2), []),
        (a_filter("latency", ">=", 2), ["chat", "answer"]),
        (a_filter("totalCost", ">", 0), ["answer"]),
        (a_filter("metadata", "=", "support", key="team"), ["chat", "answer"]),
        (a_filter("metadata", "=", "sales", key="team"), []),
        (a_filter("traceId", "=", OTHER), ["chat"]),
    ],
)
async def test_conditions_in_json_narrow(wired: SimpleNamespace, told: str, found: list[str]) -> None:
    await send(wired, root(), call())
    other = {"user__id": "grace", "langfuse__trace__tags": ["a"]}
    await send(wired, root(OTHER, "chat", 60_000_000_000, **other))
    assert await names(wired, filter=told) == found


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"filter": a_filter("bookmarked", "=", "true")}, "filter"),
        ({"filter": a_filter("name", "contains", "an")}, "filter"),
        ({"filter": a_filter("name", "any of", ["a", "b"])}, "filter"),
        ({"filter": a_filter("userId", "any of", "a")}, "filter"),
        ({"filter": a_filter("environment", "any of", ["a", "default"])}, "environment"),
        ({"filter": a_filter("timestamp", ">", "noon")}, "filter"),
        ({"filter": a_filter("latency", ">", "long")}, "filter"),
        ({"filter": "name = x"}, "filter"),
        ({"filter": "[1]"}, "filter"),
        ({"orderBy": "name.asc"}, "orderBy"),
        ({"fields": "core,secrets"}, "fields"),
        ({"environment": ["a", "default"]}, "environment"),
        ({"environment": "default"}, "environment"),
        ({"fromTimestamp": "noon"}, "fromTimestamp"),
        ({"page": 101, "limit": 100}, "page"),
        ({"page": 0}, "page"),
        ({"userId": ""}, "userId"),
        ({"tags": [""]}, "tags"),
        ({"bookmarked": "true"}, "bookmarked"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused(wired: SimpleNamespace, params: dict[str, Any], field: str) -> None:
    told = await read(wired, status=400, **params)
    assert told["field"] == field
    assert told["error"] == "InvalidInput"
    assert told["detail"] in told["message"]


async def test_what_is_not_there_is_not_found(wired: SimpleNamespace) -> None:
    told = await read(wired, f"{TRACES}/mine", status=404)
    assert (told["field"], told["value"], "look the id up" in told["message"]) == ("traceId", "mine", True)


async def test_ids_with_slashes_are_ids(wired: SimpleNamespace) -> None:
    """Version 2 takes any, and puts them into addresses as they are."""
    at = "2026-11-21T08:00:00.000Z"
    bodies = [
        ("trace-create", {"id": "order/1", "name": "answer"}),
        ("span-create", {"id": "order/1/call", "traceId": "order/1", "startTime": at, "endTime": at}),
        ("score-create", {"id": "order/1/ok", "name": "ok", "value": 1, "traceId": "order/1"}),
    ]
    events = [{"id": str(n), "type": kind, "timestamp": at, "body": body} for n, (kind, body) in enumerate(bodies)]
    await wired.http.post("/api/public/ingestion", json={"batch": events})
    trace = await read(wired, f"{TRACES}/order/1")
    assert (trace["id"], [one["id"] for one in trace["observations"]]) == ("order/1", ["order/1/call"])
    assert (await read(wired, "/api/public/observations/order/1/call"))["traceId"] == "order/1"
    for scores in ("scores", "v2/scores"):
        assert (await read(wired, f"/api/public/{scores}/order/1/ok"))["traceId"] == "order/1"
    assert (await wired.http.get("/trace/order/1")).status_code == 307


async def test_of_a_trace_too_long_for_one_answer_the_rest_is_told(
    wired: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(wired, root(), call())
    await wired.http.post("/api/public/scores", json={"id": "mine", "name": "s", "value": 1, "traceId": TRACE})
    monkeypatch.setattr("assay_server.query.traces.traces._WHOLE", 1)
    told = await read(wired, f"{TRACES}/{TRACE}", status=413)
    assert (told["field"], "fields=core,io,scores,metrics" in told["fix"]) == ("traceId", True)
    trace = await read(wired, f"{TRACES}/{TRACE}", fields="core,io,scores,metrics")
    assert (trace["output"], trace["latency"], trace["observations"]) == ("because", 2.0, [])
    assert [score["id"] for score in trace["scores"]] == ["mine"]


async def test_an_id_that_says_something_personal_is_not_told_again(wired: SimpleNamespace) -> None:
    """It was scrubbed, and would lead nowhere."""
    told = "case of ada.lovelace@mail-box.org"
    at = "2026-11-21T08:00:00.000Z"
    bodies = [
        ("trace-create", {"id": told, "name": "answer"}),
        ("span-create", {"id": f"span {told}", "traceId": told, "startTime": at, "endTime": at}),
        (
            "span-create",
            {"id": "in", "traceId": told, "parentObservationId": f"span {told}"} | {"startTime": at, "endTime": at},
        ),
    ]
    events = [{"id": str(n), "type": kind, "timestamp": at, "body": body} for n, (kind, body) in enumerate(bodies)]
    await wired.http.post("/api/public/ingestion", json={"batch": events})
    trace = await read(wired, f"{TRACES}/{told}")
    assert "mail-box" not in json.dumps(trace)
    assert (await read(wired, f"{TRACES}/{trace['id']}"))["id"] == trace["id"]
    for one in (await read(wired, "/api/public/observations", traceId=told))["data"]:
        assert (await read(wired, f"/api/public/observations/{one['id']}"))["id"] == one["id"]
        assert one in trace["observations"]
    [listed] = (await read(wired))["data"]
    assert sorted(listed["observations"]) == sorted(one["id"] for one in trace["observations"])


async def test_the_links_of_clients_lead_to_the_page_of_a_trace(wired: SimpleNamespace) -> None:
    for link in (f"/project/{PROJECT}/traces/{UUID}", f"/trace/{UUID}"):
        answer = await wired.http.get(link)
        assert (answer.status_code, answer.headers["location"]) == (307, f"/traces/{UUID.replace('-', '')}")


@pytest.mark.parametrize("role", ["score", "ingest"])
async def test_who_may_only_write_reads_nothing(wired: SimpleNamespace, role: str) -> None:
    for path in (TRACES, f"{TRACES}/{TRACE}"):
        answer = await wired.http.get(path, headers={"x-api-key": role})
        assert answer.status_code == 403
