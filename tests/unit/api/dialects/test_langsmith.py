"""LangSmith's routes and words."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay_server.api.dialects.langsmith.runs import part_of
from assay_server.checks.pii import Scrubber
from assay_server.core.records import Span
from assay_server.ingest import MediaShelf
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.normalise.normaliser import Normaliser
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fakes.dialects import dialects
from tests.fakes.pieces import Pieces
from tests.fixtures.ledger import PROJECT

AT = "2026-11-21T08:00:00.000000+00:00"
TRACE = "01a1fd87-b7b4-777c-869b-54ceb8ec4096"
RUN = "01a1fd87-b7c7-7d57-872a-25a7d1e2e844"


@pytest.fixture
async def wired(tmp_path: Path, ledger: Ledger) -> AsyncIterator[SimpleNamespace]:
    pieces = Pieces()
    shelf = MediaShelf(ledger, tmp_path / "media", Scrubber().scrub, FakeClock(), 1000)
    async with dialects(tmp_path, project=PROJECT, partial_spans=pieces, media=shelf) as (http, _):
        yield SimpleNamespace(http=http, pieces=pieces)


async def send(wired: SimpleNamespace, parts: dict[str, Any]) -> Any:
    """Values are sent as JSON, bytes as they are."""
    files = {
        name: (None, value, "application/octet-stream")
        if isinstance(value, bytes)
        else (None, json.dumps(value, ensure_ascii=False).encode())
        for name, value in parts.items()
    }
    return await wired.http.post("/runs/multipart", files=files)


async def test_the_parts_of_a_run_are_put_together(wired: SimpleNamespace) -> None:
    run = {"id": RUN, "trace_id": TRACE, "parent_run_id": TRACE, "name": "Größe", "start_time": AT, "run_type": "llm"}
    answer = await send(
        wired,
        {
            f"post.{RUN}": run,
            f"post.{RUN}.inputs": {"question": "Wie groß?\r\n--"},
            f"post.{RUN}.events": [],
            f"attachment.{RUN}.photo": b"\x00\xff\r\n\x01",
            f"patch.{RUN}": {"id": RUN, "trace_id": TRACE, "end_time": AT, "error": "quota"},
            "feedback.f": {"key": "ok", "score": True, "run_id": RUN, "trace_id": TRACE},
        },
    )
    assert answer.status_code == 202
    begun, ended = wired.pieces.parts
    assert (begun.name, begun.trace_id) == ("Größe", TRACE.replace("-", ""))
    assert begun.attributes["input.value"] == {"question": "Wie groß?\r\n--"}
    assert begun.attributes["langsmith.attachments"]["photo"]["bytes"] == 5
    [photo] = (await wired.http.get(f"/api/v1/traces/{begun.trace_id}/media")).json()["items"]
    assert (photo["field"], photo["span_id"], photo["bytes"], photo["stored"]) == ("photo", begun.span_id, 5, True)
    assert (ended.span_id, ended.end_ns, ended.error) == (begun.span_id, begun.start_ns, "quota")
    [score] = (await wired.http.get("/api/v1/scores")).json()["items"]
    assert (score["value"], score["span_id"]) == (1.0, begun.span_id)


async def test_an_attachment_that_cannot_be_kept_costs_nothing_but_itself(wired: SimpleNamespace) -> None:
    run = {"id": RUN, "trace_id": TRACE, "name": "a", "start_time": AT}
    answer = await send(wired, {f"post.{RUN}": run, f"attachment.{RUN}.film": b"x" * 1001})
    assert answer.status_code == 202
    assert wired.pieces.parts[0].attributes["langsmith.attachments"]["film"]["bytes"] == 1001


async def test_a_batch_holds_runs_begun_and_ended(wired: SimpleNamespace) -> None:
    post = {"id": RUN, "trace_id": TRACE, "name": "a", "start_time": AT}
    answer = await wired.http.post("/runs/batch", json={"post": [post], "patch": [{"id": RUN, "trace_id": TRACE}]})
    assert answer.status_code == 202
    assert len({part.span_id for part in wired.pieces.parts}) == 1


async def test_feedback_is_a_score_of_its_trace(wired: SimpleNamespace) -> None:
    body = {"id": "f", "key": "tone", "value": "friendly", "run_id": TRACE, "trace_id": TRACE, "created_at": AT}
    body |= {"feedback_source": {"type": "model"}, "comment": "ada@mail-box.org said"}
    for _ in range(2):
        assert (await wired.http.post("/feedback", json=body)).status_code == 200
    [score] = (await wired.http.get("/api/v1/scores")).json()["items"]
    assert (score["label"], score["value"], score["source"], score["span_id"]) == ("friendly", None, "judge", None)
    assert "mail-box" not in score["reason"]


@pytest.mark.parametrize("body", [{"key": "k", "run_id": RUN}, {"key": "k", "score": 1}, {"score": 1, "run_id": RUN}])
async def test_feedback_about_nothing_is_refused(wired: SimpleNamespace, body: Any) -> None:
    assert (await wired.http.post("/feedback", json=body)).status_code == 400


@pytest.mark.parametrize("parts", [{"unheard.of": {}}, {f"post.{RUN}": b"{"}, {f"post.{RUN}": [1]}])
async def test_parts_nobody_understands_are_refused_whole(wired: SimpleNamespace, parts: Any) -> None:
    answer = await send(wired, {f"post.{TRACE}": {"id": TRACE}, **parts})
    assert answer.status_code == 400
    assert wired.pieces.parts == []


async def test_what_is_no_multipart_is_refused(wired: SimpleNamespace) -> None:
    assert (await wired.http.post("/runs/multipart", json={})).status_code == 400
    empty = {"content-type": "multipart/form-data; boundary=x"}
    assert (await wired.http.post("/runs/multipart", content=b"", headers=empty)).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\n\r\n" * 1_000_000 + b"--b--",
        b"--b\r\n\r\n" + b"\n" * (8 << 20) + b"\r\n--b--",
        b"--b\r\n" + b"a: b\r\n" * (1 << 20) + b"\r\n--b--",
        b"--b" + b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b" * 15_000 + b"--",
    ],
    ids=["a million parts", "a million lines", "a million headers", "parts in parts"],
)
async def test_a_multipart_body_made_to_take_long_is_refused_at_once(wired: SimpleNamespace, body: bytes) -> None:
    began = time.process_time()
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = await wired.http.post("/runs/multipart", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert time.process_time() - began < 2


async def test_the_client_is_told_to_send_multipart(wired: SimpleNamespace) -> None:
    told = (await wired.http.get("/info", headers={"x-api-key": ""})).json()
    assert told["batch_ingest_config"]["use_multipart_endpoint"] is True


def test_what_langchain_says_of_a_call_keeps_its_meaning() -> None:
    metadata = {"thread_id": "s", "ls_model_name": "m", "ls_provider": "openai", "langgraph_node": "n"}
    usage = {"input_tokens": 3, "output_tokens": 2, "input_token_details": {"cache_read": 1}}
    part = part_of({"id": RUN, "extra": {"metadata": metadata}, "outputs": {"usage_metadata": usage}, "odd": 1})
    assert part.trace_id == RUN.replace("-", "")
    expected = {
        "session.id": "s",
        "gen_ai.response.model": "m",
        "gen_ai.provider.name": "openai",
        "langsmith.metadata.langgraph_node": "n",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.cache_read.input_tokens": 1,
        "langsmith.odd": 1,
    }
    assert expected.items() <= part.attributes.items()


def lc(kind: str, **fields: Any) -> dict[str, Any]:
    """A message as LangChain serialises it."""
    return {"lc": 1, "type": "constructor", "id": ["langchain"], "kwargs": {"type": kind, **fields}}


def test_a_conversation_of_langchain_is_a_chat() -> None:
    call = {"name": "look_up", "args": {"topic": "refunds"}, "id": "call_1", "type": "tool_call"}
    about = {"model_name": "gpt-4o-mini-2024-07-18", "model_provider": "openai", "finish_reason": "tool_calls"}
    said = lc("ai", content="", tool_calls=[call], response_metadata=about)
    inputs = {"messages": [[lc("system", content="Be kind."), lc("human", content="Refunds?")]]}
    run = {"id": RUN, "inputs": inputs, "outputs": {"generations": [[{"message": said}]]}}
    run["extra"] = {"metadata": {"ls_model_name": "gpt-4o-mini"}}
    told = part_of(run).attributes
    assert told["input.value"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Refunds?"},
    ]
    calls = [{"id": "call_1", "name": "look_up", "arguments": {"topic": "refunds"}}]
    assert told["output.value"] == [{"role": "assistant", "content": "", "tool_calls": calls}]
    assert told["gen_ai.response.model"] == "gpt-4o-mini-2024-07-18"
    assert told["langsmith.response_metadata"]["finish_reason"] == "tool_calls"


def test_messages_between_nodes_are_a_chat_too() -> None:
    plain = [{"type": "human", "content": "Refunds?"}, {"type": "tool", "content": "14 days", "tool_call_id": "call_1"}]
    told = part_of({"id": RUN, "inputs": {"messages": plain}}).attributes
    assert told["input.value"][1] == {"role": "tool", "content": "14 days", "tool_call_id": "call_1"}


@pytest.mark.parametrize(
    "inputs",
    [{"messages": "hi"}, {"messages": []}, {"messages": [{"type": "human"}]}, {"messages": [[], []]}, {"q": 1}],
)
def test_what_is_no_conversation_stays_as_it_is(inputs: Any) -> None:
    told = part_of({"id": RUN, "inputs": inputs, "outputs": {"generations": [[]]}}).attributes
    assert (told["input.value"], told["output.value"]) == (inputs, {"generations": [[]]})


async def test_feedback_that_names_a_run_alone_stands_on_its_trace(wired: SimpleNamespace) -> None:
    run = {"id": RUN, "trace_id": TRACE, "parent_run_id": TRACE, "name": "a", "start_time": AT}
    await send(wired, {f"post.{RUN}": run})
    assert (await wired.http.post("/feedback", json={"key": "ok", "score": 1, "run_id": RUN})).status_code == 200
    [score] = (await wired.http.get("/api/v1/scores")).json()["items"]
    assert (score["trace_id"], score["span_id"]) == (TRACE.replace("-", ""), wired.pieces.parts[0].span_id)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"comment": "just saying"}, {"reason": "just saying"}),
        ({"correction": {"a": 1}}, {"metadata": {"correction": {"a": 1}}}),
        ({"value": {"a": 1}}, {"metadata": {"value": {"a": 1}}}),
        ({"score": 0.5, "value": 3}, {"value": 0.5, "metadata": {"value": 3}}),
        (
            {"score": 1, "feedback_source": {"type": "api", "metadata": {"who": "me"}}, "extra": {"e": 1}},
            {"value": 1.0, "metadata": {"source.who": "me", "extra": {"e": 1}}},
        ),
    ],
)
async def test_feedback_keeps_all_it_says(wired: SimpleNamespace, said: Any, kept: dict[str, Any]) -> None:
    body = {"key": "k", "run_id": TRACE, "trace_id": TRACE, **said}
    assert (await wired.http.post("/feedback", json=body)).status_code == 200
    [score] = (await wired.http.get("/api/v1/scores")).json()["items"]
    assert kept.items() <= score.items()


async def test_wrong_feedback_costs_no_run_of_its_batch(wired: SimpleNamespace) -> None:
    run = {"id": RUN, "trace_id": TRACE, "name": "a", "start_time": AT}
    right = {"key": "ok", "score": 1, "run_id": RUN, "trace_id": TRACE}
    answer = await send(
        wired, {"post.x": {**run, "id": ""}, f"post.{RUN}": run, "feedback.f": {"score": 1}, "feedback.g": right}
    )
    assert answer.status_code == 400
    assert [part.name for part in wired.pieces.parts] == ["a"]
    assert len((await wired.http.get("/api/v1/scores")).json()["items"]) == 1


async def test_runs_may_come_one_by_one_and_name_the_run_above_alone(wired: SimpleNamespace) -> None:
    above = {"id": TRACE, "name": "above", "start_time": AT, "run_type": "chain", "inputs": {}}
    below = {"id": RUN, "parent_run_id": TRACE, "name": "below", "start_time": AT, "run_type": "llm", "inputs": {}}
    for body in (above, below):
        assert (await wired.http.post("/runs", json=body)).status_code == 202
    assert (await wired.http.patch(f"/runs/{RUN}", json={"end_time": AT})).status_code == 202
    assert {part.trace_id for part in wired.pieces.parts} == {TRACE.replace("-", "")}
    assert wired.pieces.parts[2].span_id == wired.pieces.parts[1].span_id


def test_what_went_into_a_cache_is_told_by_how_long_it_stays() -> None:
    details = {"cache_read": 10, "cache_creation": 0, "ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 5}
    usage = {"input_tokens": 100, "output_tokens": 20, "input_token_details": details}
    told = part_of({"id": RUN, "outputs": {"usage_metadata": usage}}).attributes
    assert (told["gen_ai.usage.cache_write.input_tokens"], told["assay.cache_write_1h_tokens"]) == (35, 5)


def test_the_model_is_that_of_the_call_where_nothing_else_names_one() -> None:
    extra = {"metadata": {"a": 1}, "invocation_params": {"model": "gpt-4o"}}
    assert part_of({"id": RUN, "run_type": "llm", "extra": extra}).attributes["gen_ai.request.model"] == "gpt-4o"


async def test_feedback_that_is_changed_is_another_score(wired: SimpleNamespace) -> None:
    body = {"id": "f1", "key": "thumb", "score": 1, "comment": "good", "run_id": RUN, "trace_id": TRACE}
    await wired.http.post("/feedback", json=body)
    for _ in range(2):
        assert (await wired.http.patch("/feedback/f1", json={"score": 0})).json() == {"id": "f1"}
    scores = (await wired.http.get("/api/v1/scores")).json()["items"]
    first, now = sorted(scores, key=lambda score: -score["value"])
    assert (now["name"], now["value"], now["reason"]) == ("thumb", 0.0, "good")
    assert (now["trace_id"], now["span_id"], now["metadata"]) == (
        first["trace_id"],
        first["span_id"],
        {"changes": "f1"},
    )
    assert (await wired.http.patch("/feedback/f2", json={"score": 0})).status_code == 404


def test_the_first_token_of_a_stream_and_the_tools_that_were_offered_are_told() -> None:
    """Each token is an event with its time; the tools stand among the parameters of the call."""
    start, token = "2026-11-21T08:00:00+00:00", "2026-11-21T08:00:00.250000+00:00"
    tools = [{"type": "function", "function": {"name": "look_up"}}]
    run = {
        "id": "0af76519-16cd-43dd-8448-eb211c80319c",
        "run_type": "llm",
        "start_time": start,
        "events": [{"name": "start", "time": start}, {"name": "new_token", "time": token}, {"name": "new_token"}],
        "extra": {"metadata": {}, "invocation_params": {"tools": tools}},
    }
    told = part_of(run)
    assert told.attributes["gen_ai.tool.definitions"] == tools
    span = Span("prj_a", told.trace_id, told.span_id, None, "", "span", told.start_ns or 0, told.start_ns or 0)
    span.attributes = told.attributes
    Normaliser(aliases()).fill(span)
    assert span.ttft_ms == 250
    for events in ([], "none", [{"name": "start", "time": start}], [{"name": "new_token"}], ["new_token"]):
        assert "langsmith.first_token_time" not in part_of(run | {"events": events}).attributes
