"""Phoenix's routes and words: judgements of spans named alone, spans as JSON, and both read back."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay_server.api.dialects import lookup
from assay_server.checks.pii import Scrubber
from assay_server.ingest import PartialSpans
from assay_server.ledger import Ledger
from tests.fakes.dialects import dialects
from tests.fixtures.ledger import PROJECT

TRACE, SPAN, CHILD = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00000000000000cc"
SPANS = "/v1/projects/support/spans"


@pytest.fixture
async def wired(tmp_path: Path, ledger: Ledger) -> AsyncIterator[SimpleNamespace]:
    async with dialects(tmp_path, project=PROJECT) as (http, services):
        services.partial_spans = PartialSpans(ledger, services.ingest, Scrubber())
        yield SimpleNamespace(http=http, services=services)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A span that does not come is not waited for."""
    monkeypatch.setattr(lookup, "_BETWEEN_S", 0.001)


def a_span(span_id: str = SPAN, **fields: Any) -> dict[str, Any]:
    return {
        "name": "answer",
        "context": {"trace_id": TRACE, "span_id": span_id},
        "span_kind": "AGENT",
        "start_time": "2026-11-21T08:00:00Z",
        "end_time": "2026-11-21T08:00:01Z",
        "status_code": "OK",
        **fields,
    }


async def log(wired: SimpleNamespace, *spans: Any) -> Any:
    answer = await wired.http.post(SPANS, json={"data": list(spans)})
    assert answer.status_code == 202, answer.text
    return answer.json()


async def read(wired: SimpleNamespace, path: str = SPANS, **params: Any) -> list[dict[str, Any]]:
    answer = await wired.http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def annotation(**fields: Any) -> dict[str, Any]:
    return {"name": "helpful", "annotator_kind": "HUMAN", "span_id": SPAN, "result": {"score": 0.5}, **fields}


async def scores(wired: SimpleNamespace) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await wired.http.get("/api/v1/scores")).json()["items"]
    return items


async def test_spans_are_logged_and_read_back(wired: SimpleNamespace) -> None:
    event = {"name": "exception", "timestamp": "2026-11-21T08:00:00Z", "attributes": {"exception.message": "no"}}
    child = a_span(CHILD, name="chat", span_kind="LLM", parent_id=SPAN, status_code="ERROR", events=[event])
    assert await log(wired, a_span(attributes={"session.id": "s"}), child) == {"total_received": 2, "total_queued": 2}
    chat, answer = sorted(await read(wired, trace_id=TRACE), key=lambda span: span["name"], reverse=True)
    assert (answer["span_kind"], answer["parent_id"], answer["attributes"]["session.id"]) == ("AGENT", None, "s")
    assert (chat["span_kind"], chat["parent_id"], chat["status_code"]) == ("LLM", SPAN, "ERROR")
    assert chat["events"][0]["attributes"] == {"exception.message": "no"}
    assert [span["name"] for span in await read(wired, span_kind="LLM")] == ["chat"]
    assert [span["name"] for span in await read(wired, parent_id="null")] == ["answer"]
    assert await read(wired, end_time="2026-11-21T08:00:00Z") == []
    assert await read(wired, "/v1/projects/other/spans") == []
    assert len(await read(wired, "/v1/projects/default/spans")) == 2


async def test_one_bad_span_refuses_them_all_in_words_that_the_client_reads(wired: SimpleNamespace) -> None:
    bad = [a_span(context={}), a_span(start_time=None), {"name": "x"}]
    answer = await wired.http.post(SPANS, json={"data": [a_span(), *bad]})
    told = json.loads(answer.json()["detail"])
    assert (answer.status_code, told["total_received"], told["total_invalid"]) == (400, 4, 3)
    assert [one["span_id"] for one in told["invalid_spans"]] == ["unknown", SPAN, "unknown"]
    assert await read(wired, trace_id=TRACE) == []


async def test_a_span_annotation_finds_its_trace_even_while_the_span_waits(wired: SimpleNamespace) -> None:
    await log(wired, a_span())
    body = annotation(result={"score": 1, "label": "yes", "explanation": "ada@mail-box.org said"}, metadata={"by": "x"})
    for _ in range(2):
        answer = await wired.http.post("/v1/span_annotations", json={"data": [body]}, params={"sync": "true"})
    [score] = await scores(wired)
    assert answer.json() == {"data": [{"id": score["id"]}]}
    assert (score["trace_id"], score["span_id"], score["value"], score["label"]) == (TRACE, SPAN, 1.0, "yes")
    assert (score["source"], score["reason"], score["metadata"]) == ("human", "[EMAIL_ADDRESS] said", {"by": "x"})


async def test_an_annotation_of_a_span_nobody_sent_stores_nothing(wired: SimpleNamespace) -> None:
    await log(wired, a_span())
    answer = await wired.http.post("/v1/span_annotations", json={"data": [annotation(), annotation(span_id=CHILD)]})
    assert (answer.status_code, answer.json()["value"]) == (404, CHILD)
    assert "flush" in answer.json()["fix"]
    assert await scores(wired) == []


async def test_a_judgement_that_is_first_waits_for_its_span(
    wired: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "_PATIENCE", 10_000)  # looks: the span comes, however slow the machine is
    looked, look = asyncio.Event(), wired.services.traces.traces_of

    async def looking(*args: Any) -> Any:
        found = await look(*args)
        looked.set()
        return found

    monkeypatch.setattr(wired.services.traces, "traces_of", looking)
    judging = asyncio.create_task(wired.http.post("/v1/span_annotations", json={"data": [annotation()]}))
    await looked.wait()
    await log(wired, a_span())
    assert (await judging).status_code == 200
    assert [score["trace_id"] for score in await scores(wired)] == [TRACE]


async def test_documents_traces_sessions_and_notes(wired: SimpleNamespace) -> None:
    await log(wired, a_span())
    for path, body in {
        "document_annotations": {"data": [annotation(document_position=2, annotator_kind="CODE")]},
        "trace_annotations": {"data": [annotation(trace_id=TRACE, annotator_kind="LLM", name="correct")]},
        "session_annotations": {"data": [annotation(session_id="s", name="solved")]},
        "span_notes": {"data": {"span_id": SPAN, "note": "look"}},
    }.items():
        assert (await wired.http.post(f"/v1/{path}", json=body)).status_code == 200
    found = {score["name"]: score for score in await scores(wired)}
    assert (found["helpful"]["metadata"], found["helpful"]["source"]) == ({"document_position": 2}, "code")
    assert (found["correct"]["trace_id"], found["correct"]["span_id"], found["correct"]["source"]) == (
        TRACE,
        None,
        "judge",
    )
    assert (found["solved"]["session"], found["solved"]["trace_id"]) == ("s", None)
    assert (found["note"]["reason"], found["note"]["value"]) == ("look", None)


async def test_annotations_are_read_back_by_span_and_name(wired: SimpleNamespace) -> None:
    await log(wired, a_span())
    given = [annotation(identifier="a"), annotation(name="tone", result={"label": "kind"}, annotator_kind="LLM")]
    await wired.http.post("/v1/span_annotations", json={"data": given})
    path = "/v1/projects/support/span_annotations"
    [helpful] = await read(wired, path, span_ids=SPAN, exclude_annotation_names="tone")
    [tone] = await read(wired, path, span_ids=SPAN, include_annotation_names="tone")
    assert (helpful["result"], helpful["identifier"], helpful["annotator_kind"]) == ({"score": 0.5}, "a", "HUMAN")
    assert (tone["result"], tone["annotator_kind"]) == ({"label": "kind"}, "LLM")
    assert await read(wired, path, span_ids=CHILD) == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("span_annotations", {"data": [annotation(result={})]}, "result"),
        ("span_annotations", {"data": [{"name": "x", "result": {"score": 1}}]}, "span_id"),
        ("span_annotations", {"data": [annotation(name="")]}, "name"),
        ("document_annotations", {"data": [annotation(document_position=-1)]}, "document_position"),
        ("document_annotations", {"data": [annotation(document_position=True)]}, "document_position"),
        ("trace_annotations", {"data": [annotation()]}, "trace_id"),
        ("span_notes", {"data": []}, "data"),
    ],
)
async def test_what_judges_nothing_is_refused(wired: SimpleNamespace, path: str, body: Any, field: str) -> None:
    await log(wired, a_span())
    answer = await wired.http.post(f"/v1/{path}", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("params", [{"parent_id": SPAN}, {"name": ["a", "b"]}, {"start_time": "soon"}])
async def test_a_question_that_cannot_be_answered_is_refused(wired: SimpleNamespace, params: dict[str, Any]) -> None:
    answer = await wired.http.get(SPANS, params=params)
    assert (answer.status_code, answer.json()["field"]) == (400, next(iter(params)))
