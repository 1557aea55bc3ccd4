"""Opik's routes and words."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay_server.api.dialects.ids import span_id_of
from assay_server.api.dialects.opik.parts import span_part, trace_part
from assay_server.checks.pii import Scrubber
from assay_server.core.clock import SystemClock
from assay_server.ingest import MediaShelf
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fakes.dialects import dialects
from tests.fakes.pieces import Pieces
from tests.fixtures.ledger import PROJECT

AT = "2026-11-21T08:00:00.000000Z"
TRACE = "01a1fd87-adb0-7050-8e88-ffae8613ec6c"
SPAN = "01a1fd87-adb1-7584-b443-fa37ce248658"
PRIVATE = "/api/v1/private"


@pytest.fixture
async def wired(tmp_path: Path, ledger: Ledger) -> AsyncIterator[SimpleNamespace]:
    pieces = Pieces()
    shelf = MediaShelf(ledger, tmp_path / "media", Scrubber().scrub, FakeClock(), 1000)
    more = {"partial_spans": pieces, "media": shelf, "public_url": "https://assay.example.com"}
    async with dialects(tmp_path, project=PROJECT, **more) as (http, _):
        yield SimpleNamespace(http=http, pieces=pieces)


async def test_batches_come_packed_and_updates_speak_of_the_same_span(wired: SimpleNamespace) -> None:
    body = gzip.compress(json.dumps({"spans": [{"id": SPAN, "trace_id": TRACE, "start_time": AT}]}).encode())
    packed = {"content-encoding": "gzip", "content-type": "application/json"}
    first = await wired.http.post(f"{PRIVATE}/spans/batch", content=body, headers=packed)
    more = await wired.http.patch(f"{PRIVATE}/spans/{SPAN}", json={"trace_id": TRACE, "end_time": AT})
    assert (first.status_code, more.status_code) == (204, 204)
    begun, ended = wired.pieces.parts
    assert (begun.trace_id, begun.span_id) == (ended.trace_id, ended.span_id)
    assert (begun.end_ns, ended.end_ns) == (None, begun.start_ns)


async def test_a_trace_and_its_update_are_its_root(wired: SimpleNamespace) -> None:
    await wired.http.post(f"{PRIVATE}/traces/batch", json={"traces": [{"id": TRACE, "name": "a", "start_time": AT}]})
    await wired.http.patch(f"{PRIVATE}/traces/{TRACE}", json={"thread_id": "s"})
    begun, more = wired.pieces.parts
    assert (begun.root, begun.span_id) == (True, more.span_id)
    assert more.attributes["session.id"] == "s"


async def test_an_update_was_told_after_what_still_waited_in_a_batch(wired: SimpleNamespace) -> None:
    """The SDK sends updates at once, and before them what it gathered."""
    begun = {"id": SPAN, "trace_id": TRACE, "start_time": AT, "name": "a", "last_updated_at": AT}
    await wired.http.patch(f"{PRIVATE}/spans/{SPAN}", json={"trace_id": TRACE, "name": "b"})
    await wired.http.post(f"{PRIVATE}/spans/batch", json={"spans": [begun]})
    ahead = {**begun, "last_updated_at": "2199-01-01T00:00:00Z"}
    await wired.http.post(f"{PRIVATE}/spans/batch", json={"spans": [ahead]})
    update, first, skewed = [part.told_ns for part in wired.pieces.parts]
    assert first < update <= skewed <= SystemClock().now_ns()


async def test_feedback_sent_twice_is_stored_once(wired: SimpleNamespace) -> None:
    one = {"id": TRACE, "name": "helpful", "value": 0.5, "source": "ui", "reason": "ada@mail-box.org said"}
    for _ in range(2):
        answer = await wired.http.put(f"{PRIVATE}/traces/feedback-scores", json={"scores": [one]})
        assert answer.status_code == 204
    [score] = (await wired.http.get("/api/v1/scores")).json()["items"]
    assert (score["value"], score["source"], score["trace_id"]) == (0.5, "human", TRACE.replace("-", ""))
    assert "mail-box" not in score["reason"]


async def test_feedback_on_a_span_finds_its_trace_and_on_a_thread_its_session(wired: SimpleNamespace) -> None:
    await wired.http.post(f"{PRIVATE}/spans/batch", json={"spans": [{"id": SPAN, "trace_id": TRACE, "start_time": AT}]})
    one = {"id": SPAN, "name": "correct", "value": 1.0, "source": "sdk"}
    thread = {"thread_id": "s", "name": "solved", "value": 0.0, "source": "ui"}
    for path, body in (("spans", one), ("traces/threads", thread)):
        answer = await wired.http.put(f"{PRIVATE}/{path}/feedback-scores", json={"scores": [body]})
        assert answer.status_code == 204, answer.text
    found = {score["name"]: score for score in (await wired.http.get("/api/v1/scores")).json()["items"]}
    assert (found["correct"]["trace_id"], found["correct"]["span_id"]) == (TRACE.replace("-", ""), span_id_of(SPAN))
    assert (found["solved"]["session"], found["solved"]["trace_id"], found["solved"]["span_id"]) == ("s", None, None)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/traces/batch", {"traces": [{}]}, "id"),
        ("POST", "/spans/batch", {"spans": [{"id": SPAN}]}, "trace_id"),
        ("POST", "/spans/batch", {"spans": "x"}, "spans"),
        ("POST", "/spans/batch", [], "body"),
        ("POST", "/traces/batch", {"traces": [{"id": TRACE, "start_time": "soon"}]}, "start_time"),
        ("PUT", "/traces/feedback-scores", {"scores": [{"id": TRACE, "name": "n", "value": "x"}]}, "value"),
    ],
)
async def test_a_wrong_field_is_named(wired: SimpleNamespace, method: str, path: str, body: Any, field: str) -> None:
    answer = await wired.http.request(method, PRIVATE + path, json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert wired.pieces.parts == []


async def test_a_reader_may_not_write_and_anybody_may_ask_for_life(wired: SimpleNamespace) -> None:
    refused = await wired.http.post(f"{PRIVATE}/spans/batch", json={"spans": []}, headers={"x-api-key": "viewer"})
    assert refused.status_code == 403
    assert (await wired.http.get("/api/is-alive/ping", headers={"x-api-key": ""})).json()["healthy"] is True


def test_what_opik_says_keeps_its_meaning() -> None:
    body = {"id": SPAN, "trace_id": TRACE, "parent_span_id": "p", "type": "llm", "model": "m", "ttft": 5}
    body |= {"usage": {"prompt_tokens": 3, "odd": 1}, "error_info": {"message": "quota"}, "metadata": {"k": 1}}
    part = span_part(body)
    assert part.error == "quota"
    assert part.parent_id == span_part({"id": "p", "trace_id": TRACE}).span_id
    assert part.attributes == {
        "opik.id": SPAN,
        "opik.metadata.k": 1,
        "openinference.span.kind": "llm",
        "gen_ai.response.model": "m",
        "opik.ttft": 5,
        "gen_ai.usage.input_tokens": 3,
        "opik.usage.odd": 1,
        "opik.error.message": "quota",
    }
    assert trace_part({"id": TRACE}).span_id != span_part({"id": TRACE, "trace_id": TRACE}).span_id


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"message": "quota", "traceback": "Traceback (most recent call last):\n  …"}, "quota"),
        (
            {"exception_type": "Exception", "traceback": "Limit(429)Traceback (most recent call last):\n  …"},
            "Limit(429)",
        ),
        ({"exception_type": "KeyError"}, "KeyError"),
        ({}, "error"),
    ],
)
def test_an_error_is_what_went_wrong_and_not_where(told: dict[str, str], error: str) -> None:
    """Opik's tracer of LangChain sends no message, and one trace for both."""
    part = span_part({"id": SPAN, "trace_id": TRACE, "error_info": told})
    assert part.error == error
    assert part.attributes.get("opik.error.traceback") == told.get("traceback")


CACHED = "gen_ai.usage.cache_read.input_tokens"
WRITTEN = "gen_ai.usage.cache_write.input_tokens"
REASONED = "gen_ai.usage.reasoning.output_tokens"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            {"prompt_tokens_details.cached_tokens": 20, "completion_tokens_details.reasoning_tokens": 10},
            {CACHED: 20, REASONED: 10},
        ),
        (
            {"input_tokens_details.cached_tokens": 20, "output_tokens_details.reasoning_tokens": 10},
            {CACHED: 20, REASONED: 10},
        ),
        ({"cache_read_input_tokens": 20, "cache_creation_input_tokens": 5}, {CACHED: 20, WRITTEN: 5}),
        ({"cacheReadInputTokens": 20, "cacheWriteInputTokens": 5}, {CACHED: 20, WRITTEN: 5}),
        ({"cached_content_token_count": 20, "thoughts_token_count": 10}, {CACHED: 20, REASONED: 10}),
    ],
    ids=["completions", "responses", "anthropic", "bedrock", "gemini"],
)
def test_what_was_cached_is_known_by_each_providers_own_words(usage: dict[str, int], counts: dict[str, int]) -> None:
    """The SDK says input and output for all of them in the same words, and the rest as the provider said it."""
    told = {"prompt_tokens": 120, "completion_tokens": 30, **{f"original_usage.{key}": n for key, n in usage.items()}}
    part = span_part({"id": SPAN, "trace_id": TRACE, "usage": told})
    found = {key: value for key, value in part.attributes.items() if key.startswith("gen_ai.usage.")}
    assert found == {"gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 30, **counts}


async def test_the_link_that_the_sdk_prints_leads_to_the_page_of_a_trace(wired: SimpleNamespace) -> None:
    printed = {"trace_id": TRACE, "path": "aHR0cDovL2E="}
    answer = await wired.http.get("/api/v1/session/redirect/projects/", params=printed)
    assert (answer.status_code, answer.headers["location"]) == (307, f"/traces/{TRACE.replace('-', '')}")


async def upload(wired: SimpleNamespace, kind: str, told: str, content: bytes, name: str = "a b.bin") -> int:
    """As Opik's SDK does it, where a server takes the file itself; the status of the second request."""
    body = {"entity_type": kind, "entity_id": told, "file_name": name, "num_of_file_parts": 1, "path": "aHR0cA=="}
    begun = (await wired.http.post(f"{PRIVATE}/attachment/upload-start", json=body)).json()
    assert begun["upload_id"] == "BEMinIO"
    [url] = begun["pre_sign_urls"]
    assert url.startswith("http://test/api/v1/private/attachment/upload?")
    status: int = (await wired.http.put(url, content=content)).status_code
    return status


async def test_files_of_a_trace_and_of_a_span_are_media_of_the_trace(wired: SimpleNamespace) -> None:
    await wired.http.post(f"{PRIVATE}/traces/batch", json={"traces": [{"id": TRACE, "name": "a", "start_time": AT}]})
    await wired.http.post(f"{PRIVATE}/spans/batch", json={"spans": [{"id": SPAN, "trace_id": TRACE, "start_time": AT}]})
    assert await upload(wired, "trace", TRACE, b"\x00\xff\r\n", "ada@mail-box.org.bin") == 204
    assert await upload(wired, "span", SPAN, b"x" * 300) == 204
    found = (await wired.http.get(f"/api/v1/traces/{TRACE.replace('-', '')}/media")).json()["items"]
    of_trace, of_span = [part.span_id for part in wired.pieces.parts]
    told = {(one["span_id"], one["field"], one["bytes"], one["stored"]) for one in found}
    assert told == {(of_trace, "[EMAIL_ADDRESS]", 4, True), (of_span, "a b.bin", 300, True)}


async def test_a_file_that_is_too_large_or_of_nothing_is_refused(wired: SimpleNamespace) -> None:
    assert await upload(wired, "trace", TRACE, b"x" * 1001) == 413
    assert await upload(wired, "project", TRACE, b"x") == 400
