"""Feedback from a web page: across origins, with a key that can do nothing else."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from assay_server.api import problems, scores, traces
from assay_server.api.cors import FeedbackCors
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


async def test_what_would_be_lost_is_told_and_where_it_stands(page: httpx.AsyncClient) -> None:
    """The words of other clients (`comment`, `timestamp`) were taken, and dropped without one."""
    key = {"x-api-key": "score"}
    for body, field in (({**THUMB, "comment": "bad"}, "comment"), ([THUMB, {**THUMB, "comment": "bad"}], "1.comment")):
        answer = await page.post("/api/v1/scores", json=body, headers=key)
        assert (answer.status_code, answer.json()["field"]) == (400, field)
        assert answer.json()["detail"] == f"{field}: there is no such field"
    answer = await page.post("/api/v1/scores", json=[THUMB, THUMB, {**THUMB, "value": 1e300}], headers=key)
    assert (answer.status_code, answer.json()["field"]) == (400, "2.value")
