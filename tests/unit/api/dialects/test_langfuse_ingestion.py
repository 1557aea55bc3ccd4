"""Langfuse's batches of events: what becomes of each, and of what is no event at all."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assay_server.api.dialects.langfuse.observations import part_of, root_of
from tests.fakes.dialects import dialects
from tests.fakes.pieces import Pieces

AT = "2026-11-21T08:00:00.000Z"
TRACE = "d9a1f0b6-6f0e-4f57-9f55-0e2a0d7f8c11"


@pytest.fixture
async def wired(tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    pieces = Pieces()
    async with dialects(tmp_path, partial_spans=pieces) as (http, _):
        yield SimpleNamespace(http=http, pieces=pieces)


def event(kind: str, told: str = "e1", **body: Any) -> dict[str, Any]:
    return {"id": told, "type": kind, "timestamp": AT, "body": body}


async def send(http: httpx.AsyncClient, *events: Any, role: str = "admin") -> dict[str, Any]:
    answer = await http.post("/api/public/ingestion", json={"batch": events}, headers={"x-api-key": role})
    assert answer.status_code == 207
    told: dict[str, Any] = answer.json()
    return told


async def test_every_event_is_told_what_became_of_it(wired: SimpleNamespace) -> None:
    told = await send(
        wired.http,
        event("trace-create", "a", id=TRACE),
        event("span-create", "b", id="s1", traceId=TRACE, startTime=AT),
        event("score-create", "c", name="ok", value=1, traceId=TRACE),
        event("sdk-log", "d", log="hello"),
        event("span-create", "e", id="s1"),
        event("unheard-of", "f"),
        event("span-update", "g", id="s1", traceId=TRACE, endTime="later"),
        "no event",
    )
    assert told["successes"] == [{"id": told, "status": 201} for told in "abcd"]
    assert [(error["id"], error["status"]) for error in told["errors"]] == [(e, 400) for e in ("e", "f", "g", "")]
    assert len(wired.pieces.parts) == 2
    [score] = (await wired.http.get("/api/v1/scores")).json()["items"]
    assert (score["trace_id"], score["time"][:19]) == (TRACE.replace("-", ""), AT[:19])


async def test_a_key_for_scores_gives_scores_alone(wired: SimpleNamespace) -> None:
    score = event("score-create", "a", name="ok", value=1, traceId=TRACE)
    told = await send(wired.http, score, event("trace-create", "b", id=TRACE), role="score")
    assert ([one["id"] for one in told["successes"]], told["errors"][0]["status"]) == (["a"], 403)
    assert wired.pieces.parts == []


@pytest.mark.parametrize("body", [{}, {"batch": "x"}, [], {"batch": [None] * 2001}])
async def test_what_is_no_batch_is_refused(wired: SimpleNamespace, body: Any) -> None:
    answer = await wired.http.post("/api/public/ingestion", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, "batch")


def test_a_trace_is_the_span_above_its_observations() -> None:
    body = {"id": TRACE, "name": "answer", "userId": "ada", "metadata": {"k": 1}, "externalId": "kept"}
    root = root_of(body, AT)
    child = part_of("span-create", {"id": "s1", "traceId": TRACE, "parentObservationId": "s0"}, AT)
    assert (root.root, root.trace_id, root.name) == (True, TRACE.replace("-", ""), "answer")
    assert root.attributes["user.id"] == "ada"
    assert root.attributes["langfuse.trace.metadata.k"] == 1
    assert root.attributes["langfuse.trace.externalId"] == "kept"
    assert child.parent_id == part_of("span-create", {"id": "s0", "traceId": TRACE}, AT).span_id
    assert child.start_ns == root.start_ns


def test_an_observation_says_what_it_was() -> None:
    body = {"id": "g", "traceId": TRACE, "level": "ERROR", "statusMessage": "quota", "endTime": AT}
    body |= {"usage": {"input": 3, "output": 4, "unit": "TOKENS", "inputCost": None}, "model": "m"}
    part = part_of("generation-update", body, AT)
    assert (part.error, part.start_ns, part.finished) == ("quota", None, None)
    assert part.attributes["langfuse.observation.usage_details"] == '{"input": 3, "output": 4}'
    assert part.attributes["langfuse.observation.type"] == "generation"
    assert part_of("event-create", {"id": "e", "traceId": TRACE}, AT).finished is True
    assert (
        part_of("observation-create", {"id": "e", "traceId": TRACE, "type": "SPAN"}, AT).attributes[
            "langfuse.observation.type"
        ]
        == "span"
    )


def test_the_older_usage_tells_costs_and_need_not_count_tokens() -> None:
    body = {"id": "g", "traceId": TRACE, "usage": {"input": 3, "inputCost": 0.1, "totalCost": 0.3}}
    assert part_of("generation-update", body, AT).attributes["langfuse.observation.cost_details"] == {
        "input": 0.1,
        "total": 0.3,
    }
    told = part_of("generation-update", {**body, "costDetails": {"total": 1}}, AT).attributes
    assert told["langfuse.observation.cost_details"] == {"total": 1}
    letters = {"input": 300, "output": 9, "unit": "CHARACTERS"}
    told = part_of("generation-update", {**body, "usage": letters}, AT).attributes
    assert told["langfuse.observation.usage"] == letters
    assert "langfuse.observation.usage_details" not in told
