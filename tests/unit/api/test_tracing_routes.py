"""One trace more closely, over HTTP: outline, span, graph, comparison, a call as a test."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from assay_server.api import problems
from assay_server.api.routes import traces, tracing
from assay_server.core.errors import Unauthenticated
from assay_server.core.ports import Principal
from assay_server.core.records import Facts, Score, Span
from assay_server.keeping import DeletionOfTrace
from assay_server.query import Graphs, TracePairs, Traces
from assay_server.store import DuckStore

TRACE, CALL, TOOL = "a1" * 16, "b1" * 8, "c1" * 8
LOOPED = "e" * 32
ASKED = '[{"role": "user", "content": "why?"}]'


GONE, GOING = "d" * 32, "f" * 32


class Deletions:
    """One trace was deleted, and one is about to be."""

    async def of_trace(self, project: str, trace_id: str) -> DeletionOfTrace | None:
        if project != "prj_a":
            return None
        known = {
            GONE: DeletionOfTrace("del_1", "a key in its prompt", 1_796_040_000_000_000_000),
            GOING: DeletionOfTrace("del_2", "a name in its answer", None),
        }
        return known.get(trace_id)


class Accounts:
    """A key is the name of its role."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        role = headers.get("x-api-key", "")
        if role not in {"admin", "viewer", "ingest"}:
            raise Unauthenticated
        return Principal("prj_a", f"key:{role}", role)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    store = await DuckStore.open(tmp_path / "facts")
    call = Span("prj_a", TRACE, CALL, None, "chat m", "llm", 1, 10_000_001, model="m", provider="p", input=ASKED)
    call.attributes = {"gen_ai.tool.definitions": '[{"name": "search"}]'}
    await store.append(Facts([call, Span("prj_a", TRACE, TOOL, CALL, "search", "tool", 2, 3)]))
    circle = [Span("prj_a", LOOPED, f"{at:016x}", None, "search", "tool", at, at + 1, input="shoes") for at in range(5)]
    flag = Score("prj_a", "scr_a", "tool_loop", 3, "code", 1.0, "search", trace_id=LOOPED)
    flag.metadata = {"first_cycle": [circle[0].span_id], "spans": [call.span_id for call in circle[:3]], "repeats": 3}
    await store.append(Facts(circle, [flag]))
    rest, read = FastAPI(), Traces(store)
    rest.state.services = SimpleNamespace(
        accounts=Accounts(),
        traces=read,
        graphs=Graphs(store),
        trace_pairs=TracePairs(store, read),
        public_url="http://assay.test",
        keeping=SimpleNamespace(deletions=Deletions()),
    )
    problems.install(rest)
    for module in (traces, tracing):
        rest.include_router(module.router, prefix="/api/v1")
    transport = httpx.ASGITransport(rest)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test/api/v1", headers={"x-api-key": "viewer"}
    ) as client:
        yield client
    await store.close()


async def test_the_outline_is_asked_for_and_a_span_is_whole(http: httpx.AsyncClient) -> None:
    outline = (await http.get(f"/traces/{TRACE.upper()}", params={"outline": True})).json()
    assert ["input" in span for span in outline["spans"]] == [False, False]
    assert ["input" in span for span in (await http.get(f"/traces/{TRACE}")).json()["spans"]] == [True, True]
    call = (await http.get(f"/traces/{TRACE}/spans/{CALL}")).json()
    assert call["input"] == [{"role": "user", "content": "why?"}]
    assert call["tools"] == {"tokens": None, "items": [{"name": "search", "description": None, "parameters": None}]}
    assert (await http.get(f"/traces/{TRACE}/spans/{TOOL}")).json()["tools"] is None


async def test_a_loop_that_went_on_after_it_was_flagged_is_counted_to_its_end(http: httpx.AsyncClient) -> None:
    for outline in (True, False):
        [score] = (await http.get(f"/traces/{LOOPED}", params={"outline": outline})).json()["scores"]
        assert score["reason"] == "search was called 5 times with the same arguments"
        assert (score["metadata"]["repeats"], len(score["metadata"]["spans"])) == (5, 5)
        assert score["metadata"]["counted"] is True


async def test_a_graph_of_one_trace_and_of_a_kind(http: httpx.AsyncClient) -> None:
    one = (await http.get(f"/traces/{TRACE}/graph")).json()
    assert [(edge["from"], edge["to"], edge["kind"], edge["count"]) for edge in one["edges"]] == [
        ("n1", "n2", "call", 1)
    ]
    when = {"since": "1970-01-01T00:00:00Z", "until": "1970-01-02T00:00:00Z"}
    many = (await http.get("/graph", params={"name": "chat m", **when})).json()
    assert (many["traces"], [node["name"] for node in many["nodes"]]) == (1, ["chat m", "search"])
    assert (await http.get("/graph", params={"name": "chat m"})).json()["traces"] == 0  # nothing in the last week


async def test_a_call_is_an_item_of_a_dataset(http: httpx.AsyncClient) -> None:
    found = (await http.get(f"/traces/{TRACE}/spans/{CALL}/item")).json()
    assert found == {"input": "why?", "expected": None, "source_span": CALL}


async def test_a_trace_beside_itself(http: httpx.AsyncClient) -> None:
    found = (await http.get(f"/traces/{TRACE}/compare/{TRACE}")).json()
    assert (found["matched"], found["only_a"], found["only_b"]) == (2, 0, 0)


async def test_a_model_call_is_a_test_and_a_tool_is_none(http: httpx.AsyncClient) -> None:
    made = (await http.get(f"/traces/{TRACE}/spans/{CALL}/test")).json()
    assert made["filename"] == "test_chat_m_b1b1b1b1.py"
    assert "MODEL = 'p/m'" in made["source"]
    refused = await http.get(f"/traces/{TRACE}/spans/{TOOL}/test")
    assert (refused.status_code, refused.json()["field"]) == (422, "span_id")


@pytest.mark.parametrize(
    "path",
    [f"/traces/{'0' * 32}/graph", f"/traces/{TRACE}/spans/{'0' * 16}", f"/traces/{TRACE}/compare/{'0' * 32}"],
    ids=["graph", "span", "compare"],
)
async def test_what_is_not_there_is_404(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 404
    assert "deleted" not in answer.json()["detail"]
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "path",
    [
        f"/traces/{GONE.upper()}",
        f"/traces/{GONE}/graph",
        f"/traces/{GONE}/spans/{CALL}",
        f"/traces/{TRACE}/compare/{GONE}",
    ],
    ids=["trace", "graph", "span", "compare"],
)
async def test_what_was_deleted_says_so_and_to_admins_why(http: httpx.AsyncClient, path: str) -> None:
    viewer = await http.get(path)
    admin = (await http.get(path, headers={"x-api-key": "admin"})).json()
    assert (viewer.status_code, viewer.json()["value"]) == (404, GONE)
    assert (viewer.json()["code"], viewer.json()["title"]) == ("deleted", "It was deleted, or is being deleted.")
    assert viewer.json()["detail"] == f"The trace {GONE} was deleted on 2026-11-30 12:00:00 UTC."
    assert "a key in its prompt" not in viewer.text
    assert admin["detail"] == f"The trace {GONE} was deleted on 2026-11-30 12:00:00 UTC, because: a key in its prompt"
    assert "del_1" in admin["fix"]


async def test_of_two_traces_the_one_that_is_missing_is_told(http: httpx.AsyncClient) -> None:
    missing = (await http.get(f"/traces/{'0' * 32}/compare/{GONE}")).json()
    going = (await http.get(f"/traces/{GOING}")).json()
    assert missing["detail"] == f"There is no trace {'0' * 32}."
    assert going["detail"] == f"The trace {GOING} is being deleted."


@pytest.mark.parametrize(
    ("query", "field"),
    [({"name": "x", "limit": 201}, "limit"), ({"name": "x", "since": "noon"}, "since"), ({}, "name")],
    ids=["limit", "since", "name"],
)
async def test_bad_questions_name_the_field(http: httpx.AsyncClient, query: dict[str, Any], field: str) -> None:
    answer = await http.get("/graph", params=query)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_who_may_not_read_is_refused(http: httpx.AsyncClient) -> None:
    for path in (f"/traces/{TRACE}/graph", "/graph?name=x", f"/traces/{TRACE}/compare/{TRACE}"):
        assert (await http.get(path, headers={"x-api-key": "ingest"})).status_code == 403
