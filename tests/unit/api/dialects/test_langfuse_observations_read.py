"""Observations as Langfuse's clients read them back, in both forms of the list and one by one."""

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

V1, V2 = "/api/public/observations", "/api/public/v2/observations"
AT = "2026-11-21T08:00:00.000Z"


@pytest.fixture
async def wired(tmp_path: Path, ledger: Ledger) -> AsyncIterator[SimpleNamespace]:
    async with dialects(tmp_path, project=PROJECT) as (http, services):
        services.partial_spans = PartialSpans(ledger, services.ingest, Scrubber())
        yield SimpleNamespace(http=http, services=services)


async def send(wired: SimpleNamespace, *spans: dict[str, Any]) -> None:
    await wired.services.ingest.otlp(PROJECT, as_json(*spans), "application/json")


async def send_pieces(wired: SimpleNamespace) -> None:
    """As version 2 does: a trace, a span, a call below it."""
    batch = [
        ("trace-create", {"id": UUID, "name": "pieces"}),
        ("span-create", {"id": "outer", "traceId": UUID, "startTime": AT, "endTime": AT, "name": "outer"}),
        (
            "generation-create",
            {
                "id": "in",
                "traceId": UUID,
                "parentObservationId": "outer",
                "name": "chat",
                "startTime": AT,
                "endTime": AT,
            },
        ),
    ]
    events = [{"id": str(n), "type": kind, "timestamp": AT, "body": body} for n, (kind, body) in enumerate(batch)]
    assert (await wired.http.post("/api/public/ingestion", json={"batch": events})).status_code == 207


def sibling(number: int, kind: str, **said: Any) -> dict[str, Any]:
    said = {"langfuse.observation.type": kind, **{f"langfuse.observation.{key}": value for key, value in said.items()}}
    start = START + number * 1_000_000_000
    span_id = f"{number:016x}"
    return a_span(
        trace_id=TRACE, span_id=span_id, parent_id=ROOT, name=kind, start_ns=start, end_ns=start, attributes=said
    )


async def read(wired: SimpleNamespace, path: str, status: int = 200, **params: Any) -> Any:
    answer: httpx.Response = await wired.http.get(path, params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


async def names(wired: SimpleNamespace, path: str = V1, **params: Any) -> list[str]:
    return sorted(one["name"] for one in (await read(wired, path, **params))["data"])


async def test_one_is_read_with_all_there_is(wired: SimpleNamespace) -> None:
    await send(wired, root(), call())
    one = await read(wired, f"{V1}/{CALL}")
    assert (one["id"], one["traceId"], one["type"], one["parentObservationId"]) == (CALL, TRACE, "GENERATION", ROOT)
    assert (one["latency"], one["level"], one["statusMessage"], one["environment"]) == (1.0, "DEFAULT", None, "default")
    assert one["input"] == [{"role": "user", "content": "why?"}]
    assert one in (await read(wired, V1, traceId=TRACE))["data"]


async def test_what_came_in_pieces_has_the_ids_of_its_client(wired: SimpleNamespace) -> None:
    await send_pieces(wired)
    inner = await read(wired, f"{V1}/in")
    assert (inner["id"], inner["parentObservationId"], inner["traceId"]) == ("in", "outer", UUID)
    found = (await read(wired, V1, traceId=UUID))["data"]
    assert sorted((one["id"], one["parentObservationId"]) for one in found) == [("in", "outer"), ("outer", None)]
    assert await names(wired, parentObservationId="outer") == ["chat"]
    assert await names(wired, V2, isRootObservation=True) == ["outer"]
    assert await names(wired, parentObservationId="") == ["outer"]


async def test_what_stands_for_a_trace_is_no_observation(wired: SimpleNamespace) -> None:
    await send_pieces(wired)
    trace = (await wired.http.get(f"/api/public/traces/{UUID}")).json()
    assert sorted(trace["observations"][n]["id"] for n in (0, 1)) == ["in", "outer"]
    [whole] = (await wired.http.get("/api/v1/traces")).json()["items"]
    await read(wired, f"{V1}/{whole['root_span_id']}", status=404)
    assert (await read(wired, V1))["meta"]["totalItems"] == 2


@pytest.mark.parametrize("path", [V1, V2])
async def test_filters_narrow(wired: SimpleNamespace, path: str) -> None:
    odd = {**sibling(4, "span", level="WARNING"), "name": "odd"}
    failed = {**sibling(5, "tool", level="ERROR", status_message="broke"), "name": "failed"}
    await send(wired, root(), call(), sibling(1, "event"), sibling(2, "span"), sibling(3, "retriever"), odd, failed)
    await send(wired, root(OTHER, "other", 60_000_000_000, user__id="grace", langfuse__environment="live"))
    assert await names(wired, path, type="GENERATION") == ["chat"]
    assert await names(wired, path, type="EVENT") == ["event"]
    assert await names(wired, path, type="SPAN") == ["odd", "span"]
    assert await names(wired, path, type="AGENT") == ["answer", "other"]
    assert await names(wired, path, level="WARNING") == ["odd"]
    assert await names(wired, path, level="ERROR") == ["failed"]
    assert await names(wired, path, level="DEFAULT", traceId=TRACE) == ["answer", "chat", "event", "retriever", "span"]
    assert await names(wired, path, parentObservationId=ROOT, name="chat") == ["chat"]
    assert await names(wired, path, parentObservationId="") == ["answer", "other"]
    assert await names(wired, path, userId="grace") == ["other"]
    assert await names(wired, path, environment="live") == ["other"]
    assert await names(wired, path, version="2", userId="ada") == ["answer"]
    assert await names(wired, path, fromStartTime="2026-09-21T14:14:00Z") == ["other"]
    assert await names(wired, path, toStartTime="2026-09-21T14:13:20.1Z") == ["answer"]


async def test_pages_are_counted_or_go_on_from_where_one_ended(wired: SimpleNamespace) -> None:
    await send(wired, root(), *(sibling(n, "span") for n in range(1, 5)))
    ids = [one["id"] for one in (await read(wired, V1))["data"]]
    paged = [(await read(wired, V1, limit=2, page=page)) for page in (1, 2, 3)]
    assert [one["id"] for page in paged for one in page["data"]] == ids
    assert paged[0]["meta"] == {"page": 1, "limit": 2, "totalItems": 5, "totalPages": 3}
    followed, cursor = [], None
    while True:
        page = await read(wired, V2, limit=2, **({"cursor": cursor} if cursor else {}))
        followed += [one["id"] for one in page["data"]]
        cursor = page["meta"].get("cursor")
        if cursor is None:
            break
    assert followed == ids


async def test_groups_of_fields_are_chosen(wired: SimpleNamespace) -> None:
    await send(wired, root(), call())
    core = {"id", "traceId", "startTime", "endTime", "projectId", "parentObservationId", "type"}
    chat, _ = (await read(wired, V2, fields="core"))["data"]
    assert chat.keys() == core
    chat, answer = (await read(wired, V2))["data"]
    assert (chat["isRootObservation"], answer["isRootObservation"], answer["userId"]) == (False, True, "ada")
    assert "input" not in chat
    every = "basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
    chat, answer = (await read(wired, V2, fields=every))["data"]
    assert chat["input"] == '[{"role": "user", "content": "why?"}]'
    assert (chat["totalCost"], chat["usageDetails"]["total"], chat["traceName"]) == (0.75, 150, "answer")
    assert (answer["tags"], answer["release"]) == (["a", "b"], "v7")


async def test_the_first_span_of_an_application_is_a_root_too(wired: SimpleNamespace) -> None:
    below = {**root(langfuse__internal__is_app_root=True), "parent_id": "00000000000000ee"}
    await send(wired, below, call())
    assert await names(wired, V2, isRootObservation=True) == ["answer"]
    [answer] = (await read(wired, V2, name="answer"))["data"]
    assert (answer["isRootObservation"], answer["parentObservationId"]) == (True, "00000000000000ee")


async def test_a_root_has_its_own_name_beside_that_of_its_trace(wired: SimpleNamespace) -> None:
    await send(wired, root(langfuse__trace__name="refunds"), call(), root(OTHER, "other", langfuse__version="9"))
    trace = (await wired.http.get(f"/api/public/traces/{TRACE}")).json()
    assert (trace["name"], trace["observations"][0]["name"]) == ("refunds", "answer")
    assert await names(wired, name="answer") == ["answer"]
    assert await names(wired, V2, name="refunds") == []
    assert await names(wired, V2, name="other") == ["other"]
    [answer] = (await read(wired, V2, name="answer", fields="basic,trace_context"))["data"]
    assert (answer["name"], answer["traceName"]) == ("answer", "refunds")


async def test_conditions_in_json_narrow(wired: SimpleNamespace) -> None:
    await send(wired, root(), call())

    async def found(column: str, operator: str, value: Any, **more: Any) -> list[str]:
        told = json.dumps([{"type": "string", "column": column, "operator": operator, "value": value, **more}])
        return await names(wired, V2, filter=told)

    assert await found("type", "any of", ["GENERATION"]) == ["chat"]
    assert await found("model", "=", "gpt-4o-mini-2024-07-18") == ["chat"]
    assert await found("metadata", "=", "exp", key="experiment") == ["chat"]
    assert await found("isRootObservation", "=", True) == ["answer"]
    assert await found("tags", "all of", ["a", "b"]) == ["answer"]
    assert await found("latency", ">", 1.5) == ["answer"]
    assert await found("totalCost", ">=", 0.75) == ["chat"]
    assert await found("totalCost", "<", 0.75) == []
    assert await found("id", "=", CALL) == ["chat"]
    assert await found("promptName", "=", "answer") == await found("promptVersion", "=", 3) == ["chat"]
    assert await found("start_time", "<", "2026-09-21T14:13:20.1Z") == ["answer"]


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        (V1, {"type": "LLM"}, "type"),
        (V1, {"level": "LOUD"}, "level"),
        (V1, {"page": 101, "limit": 100}, "page"),
        (V1, {"sessionId": "s"}, "sessionId"),
        (V1, {"filter": json.dumps([{"column": "output", "operator": "contains", "value": "x"}])}, "filter"),
        (V2, {"filter": json.dumps([{"column": "isRootObservation", "operator": "=", "value": False}])}, "filter"),
        (V2, {"isRootObservation": False}, "isRootObservation"),
        (V2, {"parseIoAsJson": True}, "parseIoAsJson"),
        (V2, {"fields": "basic,everything"}, "fields"),
        (V2, {"cursor": "x"}, "cursor"),
        (V2, {"page": 2}, "page"),
        (V1, {"traceId": ""}, "traceId"),
        (V2, {"environment": ""}, "environment"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused(
    wired: SimpleNamespace, path: str, params: dict[str, Any], field: str
) -> None:
    assert (await read(wired, path, status=400, **params))["field"] == field
