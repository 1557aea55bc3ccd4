"""Langfuse's scores, projects and health."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assay_server.governance import Audit
from assay_server.keeping import ScoresTakenBack
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fakes.counters import NoCounters
from tests.fakes.dialects import dialects
from tests.fixtures.ledger import PROJECT

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with dialects(tmp_path) as (client, _):
        yield client


async def stored(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await http.get("/api/v1/scores")).json()["items"]
    return items


async def test_what_is_right_in_a_list_is_stored_and_the_rest_is_told(http: httpx.AsyncClient) -> None:
    good = {"id": "s1", "name": "helpful", "value": 0.75, "traceId": TRACE, "comment": "ada@mail-box.org liked it"}
    bad = [{"name": "x", "traceId": TRACE}, {"value": 1, "traceId": TRACE}, {"name": "x", "value": 1}, "score"]
    answer = await http.post("/api/public/scores", json=[good, *bad])
    assert answer.status_code == 207
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, 4)
    assert len(answer.json()["errors"]) == 4
    [score] = await stored(http)
    assert (score["metadata"]["id"], score["name"], score["value"], score["trace_id"]) == ("s1", "helpful", 0.75, TRACE)
    assert "mail-box" not in score["reason"]


async def test_a_list_without_faults_is_accepted_and_sent_twice_stored_once(http: httpx.AsyncClient) -> None:
    one = {"id": "s1", "name": "ok", "value": True, "traceId": TRACE, "observationId": "B7AD6B7169203331"}
    for _ in range(2):
        answer = await http.post("/api/public/scores", json=[one])
        assert (answer.status_code, answer.json()) == (202, {"message": "Accepted"})
    [score] = await stored(http)
    assert (score["value"], score["span_id"]) == (1.0, "b7ad6b7169203331")


async def test_an_id_that_comes_again_with_another_judgement_is_another_score(http: httpx.AsyncClient) -> None:
    one = {"id": "of ada@mail-box.org", "name": "thumb", "value": 1, "traceId": TRACE}
    for body in (one, {**one, "value": 0, "comment": "changed my mind"}, one):
        assert (await http.post("/api/public/scores", json=body)).json() == {"id": one["id"]}
    scores = await stored(http)
    assert {(score["value"], score["reason"]) for score in scores} == {(1.0, None), (0.0, "changed my mind")}
    assert len(scores) == 2
    assert "mail-box" not in str(scores)


async def test_the_name_of_a_score_is_scrubbed(http: httpx.AsyncClient) -> None:
    await http.post("/api/public/scores", json={"name": "by ada@mail-box.org", "value": 1, "traceId": TRACE})
    [score] = await stored(http)
    assert score["name"] == "by [EMAIL_ADDRESS]"


async def test_a_category_has_a_label_and_no_number(http: httpx.AsyncClient) -> None:
    body = {"name": "tone", "value": "friendly", "dataType": "CATEGORICAL", "sessionId": "s", "metadata": {"by": "me"}}
    answer = await http.post("/api/public/scores", json=body)
    [score] = await stored(http)
    assert (answer.status_code, answer.json()["id"]) == (200, score["id"])
    assert (score["value"], score["label"], score["error"]) == (None, "friendly", None)
    assert score["metadata"] == {"by": "me", "data_type": "CATEGORICAL"}


@pytest.mark.parametrize(
    ("role", "said", "source"),
    [("admin", "ANNOTATION", "human"), ("admin", None, "code"), ("score", "ANNOTATION", "end_user")],
)
async def test_who_judged(http: httpx.AsyncClient, role: str, said: str | None, source: str) -> None:
    body = {"name": "n", "value": 1, "traceId": "my trace", "source": said}
    await http.post("/api/public/scores", json=body, headers={"x-api-key": role})
    [score] = await stored(http)
    assert score["source"] == source
    assert len(score["trace_id"]) == 32


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "n" * 201), ("value", [1]), ("timestamp", "yesterday"), ("traceId", 5), ("comment", "c" * 20_001)],
)
async def test_a_wrong_field_is_named(http: httpx.AsyncClient, field: str, value: object) -> None:
    answer = await http.post("/api/public/scores", json={"name": "n", "value": 1, "traceId": TRACE, field: value})
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert await stored(http) == []


async def test_too_many_scores_and_a_key_that_may_only_read_are_refused(http: httpx.AsyncClient) -> None:
    one = {"name": "n", "value": 1, "traceId": TRACE}
    assert (await http.post("/api/public/scores", json=[one] * 1001)).status_code == 400
    refused = await http.post("/api/public/scores", json=one, headers={"x-api-key": "viewer"})
    assert refused.status_code == 403
    assert await stored(http) == []


async def test_the_clients_find_their_project_and_health(http: httpx.AsyncClient) -> None:
    [project] = (await http.get("/api/public/projects")).json()["data"]
    assert (project["id"], project["name"], project["metadata"]) == ("prj_a", "shop", {})
    assert project["organization"].keys() == {"id", "name"}
    assert (await http.get("/api/public/projects", headers={"x-api-key": "?"})).status_code == 401
    assert (await http.get("/api/public/health", headers={"x-api-key": ""})).json()["status"] == "OK"


async def test_a_score_is_taken_back_with_all_that_was_sent_under_its_id(tmp_path: Path, ledger: Ledger) -> None:
    async with dialects(tmp_path, project=PROJECT) as (http, rooms):
        audit = Audit(ledger, FakeClock(), lambda text: (text, []))
        rooms.keeping = SimpleNamespace(scores=ScoresTakenBack(rooms.scores._store, ledger, audit, NoCounters()))
        for value in (1, 0):
            await http.post("/api/public/scores", json={"id": "t", "name": "thumb", "value": value, "traceId": TRACE})
        public = await http.delete("/api/public/scores/t", headers={"x-api-key": "score"})
        assert (public.status_code, len(await stored(http))) == (403, 2)
        assert (await http.delete("/api/public/scores/t")).status_code == 202
        assert await stored(http) == []
        assert (await http.delete("/api/public/scores/t")).status_code == 404
