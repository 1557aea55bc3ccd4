"""Scores and sessions as Langfuse's clients read them back."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assay_server.checks.pii import Scrubber
from assay_server.core.records import Facts, Score
from assay_server.ingest import PartialSpans
from assay_server.ledger import Ledger
from assay_server.query import People
from tests.fakes.dialects import dialects
from tests.fakes.langfuse_spans import CALL, OTHER, TRACE, UUID, call, root
from tests.fakes.otlp_requests import as_json
from tests.fixtures.ledger import PROJECT

V1, V2, V3 = "/api/public/scores", "/api/public/v2/scores", "/api/public/v3/scores"
SESSIONS = "/api/public/sessions"
GIVEN = [
    {"id": "number", "name": "helpful", "value": 0.5, "traceId": TRACE, "comment": "so", "metadata": {"by": "ci"}},
    {"id": "truth", "name": "right", "value": 1, "dataType": "BOOLEAN", "traceId": TRACE, "observationId": CALL},
    {"id": "category", "name": "tone", "value": "kind", "traceId": TRACE, "source": "ANNOTATION", "configId": "c1"},
    {"id": "text", "name": "said", "value": "all of it", "dataType": "TEXT", "traceId": TRACE, "environment": "live"},
    {"id": "session", "name": "solved", "value": 1.0, "sessionId": "s1"},
    {"id": "run", "name": "mean", "value": 0.25, "datasetRunId": "r1"},
]


@pytest.fixture
async def wired(tmp_path: Path, ledger: Ledger) -> AsyncIterator[SimpleNamespace]:
    async with dialects(tmp_path, project=PROJECT) as (http, services):
        services.partial_spans = PartialSpans(ledger, services.ingest, Scrubber())
        services.people = People(services.traces._store, services.traces)
        await services.ingest.otlp(PROJECT, as_json(root(), call()), "application/json")
        yield SimpleNamespace(http=http, services=services)


async def give(wired: SimpleNamespace) -> None:
    """At times of their own; and two that are no scores there."""
    for number, one in enumerate(GIVEN):
        body = {**one, "timestamp": f"2026-11-21T08:00:0{number}Z"}
        assert (await wired.http.post(V1, json=body)).status_code == 200
    failed = Score(project=PROJECT, id="f", name="x", time_ns=1, error="broke", trace_id=TRACE, source="judge")
    note = Score(project=PROJECT, id="n", name="x", time_ns=1, reason="a note", trace_id=TRACE, source="human")
    await wired.services.ingest.write(Facts(scores=[failed, note]))


async def read(wired: SimpleNamespace, path: str, status: int = 200, **params: Any) -> Any:
    answer: httpx.Response = await wired.http.get(path, params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


async def ids(wired: SimpleNamespace, path: str = V2, **params: Any) -> list[str]:
    return [score["id"] for score in (await read(wired, path, **params))["data"]]


async def test_each_form_tells_them_its_own_way(wired: SimpleNamespace) -> None:
    await give(wired)
    assert await ids(wired) == ["run", "session", "text", "category", "truth", "number"]
    assert await ids(wired, V3) == await ids(wired)
    assert await ids(wired, V1) == ["text", "category", "truth", "number"]
    v1, v2 = [{one["id"]: one for one in (await read(wired, path))["data"]} for path in (V1, V2)]
    assert (v1["text"]["dataType"], v1["text"]["stringValue"], v1["text"]["value"]) == ("CATEGORICAL", "all of it", 0)
    assert (v2["text"]["dataType"], v2["text"]["stringValue"]) == ("TEXT", "all of it")
    number, truth = v2["number"], v2["truth"]
    assert (number["value"], number["comment"], number["metadata"], number["source"]) == (
        0.5,
        "so",
        {"by": "ci"},
        "API",
    )
    assert number["trace"] == {"userId": "ada", "tags": ["a", "b"], "environment": "staging", "sessionId": "s1"}
    assert (truth["value"], truth["stringValue"], truth["observationId"]) == (1.0, "True", CALL)
    assert (v2["category"]["source"], v2["category"]["configId"]) == ("ANNOTATION", "c1")
    assert (v2["session"]["sessionId"], v2["session"]["trace"], v2["run"]["datasetRunId"]) == ("s1", None, "r1")
    assert "trace" not in (await read(wired, V2, fields="score"))["data"][0]
    shown = {one["id"]: one for one in (await read(wired, V3, fields="details,subject,annotation"))["data"]}
    assert [shown[one["id"]]["value"] for one in GIVEN] == [0.5, True, "kind", "all of it", 1.0, 0.25]
    assert shown["truth"]["subject"] == {"kind": "observation", "id": CALL, "traceId": TRACE}
    assert shown["session"]["subject"] == {"kind": "session", "id": "s1"}
    assert shown["run"]["subject"] == {"kind": "experiment", "id": "r1"}
    assert shown["category"]["authorUserId"] == "key:admin"
    assert "comment" not in (await read(wired, V3))["data"][0]


async def test_one_is_read_by_the_id_of_its_client(wired: SimpleNamespace) -> None:
    await give(wired)
    again = {**GIVEN[0], "value": 0.75, "timestamp": "2026-11-22T08:00:00Z"}
    await wired.http.post(V1, json=again)
    assert [(await read(wired, f"{path}/number"))["value"] for path in (V1, V2)] == [0.75, 0.75]
    assert (await read(wired, f"{V2}/session"))["sessionId"] == "s1"
    await read(wired, f"{V1}/session", status=404)  # of no trace
    for one in ("f", "n", "nobody's"):
        await read(wired, f"{V2}/{one}", status=404)


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"name": "tone"}, ["category"]),
        ({"source": "ANNOTATION"}, ["category"]),
        ({"source": "API", "traceId": TRACE}, ["text", "truth", "number"]),
        ({"operator": ">=", "value": 0.5, "traceId": TRACE}, ["truth", "number"]),
        ({"scoreIds": "number, run"}, ["run", "number"]),
        ({"dataType": "NUMERIC"}, ["run", "session", "number"]),
        ({"dataType": "BOOLEAN"}, ["truth"]),
        ({"dataType": "CATEGORICAL"}, ["category"]),
        ({"dataType": "TEXT"}, ["text"]),
        ({"sessionId": "s1"}, ["session"]),
        ({"datasetRunId": "r1"}, ["run"]),
        ({"observationId": f"{CALL},00000000000000dd"}, ["truth"]),
        ({"configId": "c1"}, ["category"]),
        ({"environment": "live"}, ["text"]),
        ({"fromTimestamp": "2026-11-21T08:00:05Z"}, ["run"]),
        ({"toTimestamp": "2026-11-21T08:00:01Z"}, ["number"]),
        ({"filter": json.dumps([{"column": "metadata", "operator": "=", "key": "by", "value": "ci"}])}, ["number"]),
        ({"limit": 2, "page": 3}, ["truth", "number"]),
    ],
)
async def test_filters_narrow(wired: SimpleNamespace, params: dict[str, Any], found: list[str]) -> None:
    await give(wired)
    assert await ids(wired, **params) == found


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"name": "tone,mean"}, ["run", "category"]),
        ({"dataType": "boolean", "value": "true"}, ["truth"]),
        ({"dataType": "CATEGORICAL", "value": "kind"}, ["category"]),
        ({"dataType": "NUMERIC", "valueMin": 0.3, "valueMax": 0.9}, ["number"]),
        ({"authorUserId": "key:admin"}, ["category"]),
        ({"experimentId": "r1"}, ["run"]),
        ({"traceId": TRACE, "observationId": CALL}, ["truth"]),
        ({"id": "session,run"}, ["run", "session"]),
    ],
)
async def test_filters_of_the_third_form_narrow(
    wired: SimpleNamespace, params: dict[str, Any], found: list[str]
) -> None:
    await give(wired)
    assert await ids(wired, V3, **params) == found


async def test_the_third_form_goes_on_from_where_a_page_ended(wired: SimpleNamespace) -> None:
    await give(wired)
    page = await read(wired, V3, limit=4)
    rest = await read(wired, V3, limit=4, cursor=page["meta"]["cursor"])
    assert [one["id"] for one in rest["data"]] == ["truth", "number"]
    assert rest["meta"] == {"limit": 4}


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        (V1, {"userId": "ada"}, "userId"),
        (V2, {"traceTags": ["a"]}, "traceTags"),
        (V2, {"source": "GUESS"}, "source"),
        (V2, {"operator": ">"}, "operator"),
        (V2, {"operator": "~", "value": 1}, "operator"),
        (V2, {"dataType": "PICTURE"}, "dataType"),
        (V2, {"environment": ["a", "b"]}, "environment"),
        (V2, {"fields": "trace,all"}, "fields"),
        (V2, {"filter": json.dumps([{"column": "value", "operator": "=", "value": 1}])}, "filter"),
        (V2, {"page": 101, "limit": 100}, "page"),
        (V1, {"sessionId": "s1"}, "sessionId"),
        (V3, {"value": "1"}, "value"),
        (V3, {"valueMin": 1}, "dataType"),
        (V3, {"source": "API,EVAL"}, "source"),
        (V3, {"authorUserId": "x", "source": "EVAL"}, "source"),
        (V3, {"fields": "everything"}, "fields"),
        (V3, {"cursor": "x"}, "cursor"),
        (V2, {"traceId": ""}, "traceId"),
        (V2, {"scoreIds": ","}, "scoreIds"),
        (V3, {"name": ","}, "name"),
        (V3, {"sessionId": ""}, "sessionId"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused(
    wired: SimpleNamespace, path: str, params: dict[str, Any], field: str
) -> None:
    assert (await read(wired, path, status=400, **params))["field"] == field


async def test_a_score_of_version_2_names_what_its_client_did(wired: SimpleNamespace) -> None:
    at = "2026-11-21T08:00:00.000Z"
    bodies = [
        ("trace-create", {"id": UUID, "name": "pieces"}),
        ("span-create", {"id": "outer", "traceId": UUID, "startTime": at, "endTime": at}),
        ("score-create", {"id": "mine", "name": "ok", "value": 1, "traceId": UUID, "observationId": "outer"}),
    ]
    events = [{"id": str(n), "type": kind, "timestamp": at, "body": body} for n, (kind, body) in enumerate(bodies)]
    await wired.http.post("/api/public/ingestion", json={"batch": events})
    await read(wired, f"/api/public/traces/{UUID}")
    for path in (f"{V1}/mine", f"{V2}/mine"):
        one = await read(wired, path)
        assert (one["id"], one["traceId"], one["observationId"]) == ("mine", UUID, "outer")


async def test_a_score_may_be_there_before_its_trace(wired: SimpleNamespace) -> None:
    """Version 2 refuses an answer in which it has no trace at all."""
    await wired.http.post(V1, json={"id": "early", "name": "ok", "value": 1, "traceId": OTHER})
    for path, told in ((V1, {"userId": None, "tags": [], "environment": None, "sessionId": None}), (V2, None)):
        [one] = (await read(wired, path))["data"]
        assert (one["id"], one["traceId"], one["trace"]) == ("early", OTHER, told)


async def test_sessions_are_listed_and_read(wired: SimpleNamespace) -> None:
    later = root(OTHER, "again", 60_000_000_000, session__id="a/b", langfuse__environment="live")
    await wired.services.ingest.otlp(PROJECT, as_json(later), "application/json")
    found = await read(wired, SESSIONS)
    told = [(one["id"], one["environment"], one["createdAt"]) for one in found["data"]]
    assert told == [("a/b", "live", "2026-09-21T14:14:20.000000Z"), ("s1", "staging", "2026-09-21T14:13:20.000000Z")]
    assert found["meta"] == {"page": 1, "limit": 50, "totalItems": 2, "totalPages": 1}
    assert found["data"][0]["projectId"] == PROJECT
    assert await ids(wired, SESSIONS, fromTimestamp="2026-09-21T14:14:00Z") == ["a/b"]
    assert await ids(wired, SESSIONS, toTimestamp="2026-09-21T14:14:00Z") == ["s1"]
    assert await ids(wired, SESSIONS, environment="live") == ["a/b"]
    assert await ids(wired, SESSIONS, limit=1, page=2) == ["s1"]
    beyond = await read(wired, SESSIONS, page=3)
    assert (beyond["data"], beyond["meta"]["totalItems"]) == ([], 2)
    session = await read(wired, f"{SESSIONS}/a/b")
    assert [(trace["id"], trace["name"], trace["input"]) for trace in session["traces"]] == [
        (OTHER, "again", {"question": "why?"})
    ]
    await read(wired, f"{SESSIONS}/nobody", status=404)
    assert (await read(wired, SESSIONS, status=400, page=201))["field"] == "page"


async def test_a_session_of_very_many_traces_is_read_by_pages(
    wired: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = root(OTHER, "again", 60_000_000_000)
    await wired.services.ingest.otlp(PROJECT, as_json(again), "application/json")
    monkeypatch.setattr("assay_server.query.people.people._TURNS", 1)
    told = await read(wired, f"{SESSIONS}/s1", status=413)
    assert "sessionId" in told["fix"]
