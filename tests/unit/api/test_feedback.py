"""Feedback from a web page: across origins, with a key that can do nothing else."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from assay_server.api import problems
from assay_server.api.cors import FeedbackCors
from assay_server.api.routes import scores, traces
from assay_server.checks.pii import Scrubber
from assay_server.core.errors import Unauthenticated
from assay_server.core.ports import Principal
from assay_server.ingest import Ingest
from assay_server.providers import Prices
from assay_server.query import Scores, Traces
from assay_server.store import DuckStore

THUMB = {"name": "user_feedback", "value": 0, "label": "down", "reason": "wrong", "trace_id": "a" * 32}
PAGE = {"origin": "https://shop.example"}


class Accounts:
    """A key is the name of its role."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        role = headers.get("x-api-key", "")
        if role not in {"viewer", "score"}:
            raise Unauthenticated
        return Principal("prj_a", f"key:{role}", role)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    store = await DuckStore.open(tmp_path / "facts")
    ingest = Ingest(store, Scrubber(), Prices())
    rest = FastAPI()
    rest.state.services = SimpleNamespace(
        accounts=Accounts(), ingest=ingest, scores=Scores(store), traces=Traces(store)
    )
    problems.install(rest)
    for module in (scores, traces):
        rest.include_router(module.router, prefix="/api/v1")
    transport = httpx.ASGITransport(FeedbackCors(rest))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=PAGE) as client:
        yield client
    await ingest.close()
    await store.close()


async def test_a_page_of_any_site_may_give_a_thumb(page: httpx.AsyncClient) -> None:
    asked = await page.options("/api/v1/scores", headers={"access-control-request-method": "POST"})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "*")
    assert "authorization" in asked.headers["access-control-allow-headers"]
    answer = await page.post("/api/v1/scores", json=THUMB, headers={"x-api-key": "score"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (201, "*")
    assert "access-control-allow-credentials" not in answer.headers
    (score,) = answer.json()["items"]
    assert (score["source"], score["author"], score["reason"]) == ("end_user", "key:score", "wrong")


async def test_its_errors_can_be_read_too(page: httpx.AsyncClient) -> None:
    answer = await page.post("/api/v1/scores", json=THUMB)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, "*")


async def test_it_cannot_pose_as_a_judge(page: httpx.AsyncClient) -> None:
    answer = await page.post("/api/v1/scores", json={**THUMB, "source": "judge"}, headers={"x-api-key": "score"})
    assert answer.status_code >= 400 or answer.json()["items"][0]["source"] == "end_user"


@pytest.mark.parametrize("path", ["/api/v1/scores", "/api/v1/traces", "/api/v1/spans"])
async def test_it_reads_nothing_and_other_paths_stay_closed(page: httpx.AsyncClient, path: str) -> None:
    answer = await page.get(path, headers={"x-api-key": "score"})
    assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (403, False)
    if path != "/api/v1/scores":
        asked = await page.options(path, headers={"access-control-request-method": "GET"})
        assert "access-control-allow-origin" not in asked.headers


async def told(page: httpx.AsyncClient, *scores: dict[str, object]) -> list[dict[str, object]]:
    """What each was answered, and then what is stored."""
    answers = [await page.post("/api/v1/scores", json=score, headers={"x-api-key": "score"}) for score in scores]
    assert [answer.status_code for answer in answers] == [201] * len(scores)
    listed = (await page.get("/api/v1/scores", headers={"x-api-key": "viewer"})).json()["items"]
    assert sorted({answer.json()["items"][0]["id"] for answer in answers}) == sorted(score["id"] for score in listed)
    return sorted(listed, key=lambda score: score["time"])


async def test_who_thinks_again_is_heard_and_who_sends_twice_is_counted_once(page: httpx.AsyncClient) -> None:
    thumb = {**THUMB, "id": "feedback-1", "reason": "mail me at ada@example.com"}
    up = {**thumb, "value": 1, "label": "up"}
    first, second = await told(page, thumb, thumb, up, up, thumb)
    assert (first["id"], first["value"], first["reason"]) == ("feedback-1", 0.0, "mail me at [EMAIL_ADDRESS]")
    assert (second["value"], second["label"], second["metadata"]) == (1.0, "up", {"changes": "feedback-1"})
    assert str(second["id"]).startswith("feedback-1~")


async def test_a_comment_or_a_label_may_stand_alone(page: httpx.AsyncClient) -> None:
    about = {"trace_id": "A" * 8 + "-" + "a" * 24}  # in the way of a UUID
    comment, label = await told(
        page, {"name": "comment", "reason": "the link is dead", **about}, {"name": "topic", "label": "billing", **about}
    )
    assert (comment["value"], comment["error"], comment["reason"]) == (None, None, "the link is dead")
    assert (label["value"], label["label"], label["trace_id"]) == (None, "billing", "a" * 32)


async def test_what_would_be_lost_is_told_and_where_it_stands(page: httpx.AsyncClient) -> None:
    """The words of other clients (`comment`, `timestamp`) were taken, and dropped without one."""
    key = {"x-api-key": "score"}
    for body, field in (({**THUMB, "comment": "bad"}, "comment"), ([THUMB, {**THUMB, "comment": "bad"}], "1.comment")):
        answer = await page.post("/api/v1/scores", json=body, headers=key)
        assert (answer.status_code, answer.json()["field"]) == (400, field)
        assert answer.json()["detail"] == f"{field}: there is no such field"
    answer = await page.post("/api/v1/scores", json=[THUMB, THUMB, {**THUMB, "value": 1e300}], headers=key)
    assert (answer.status_code, answer.json()["field"]) == (400, "2.value")
