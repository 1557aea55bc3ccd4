"""The routes of checks, suites, runs and verdicts: what they pass on, what they answer, whom they refuse."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from assay_server.api import problems
from assay_server.api.routes import checks, runs, suites, verdicts
from assay_server.checks import Catalogue
from assay_server.core.errors import Conflict
from assay_server.core.ports import Principal


class Recorder:
    """Answers every call with what it was told to, and remembers the call."""

    def __init__(self, **replies: Any) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._replies = replies

    def __getattr__(self, name: str) -> Any:
        reply = self._replies[name]

        async def call(*args: Any, **named: Any) -> Any:
            self.calls.append((name, args, named))
            if isinstance(reply, Exception):
                raise reply
            return reply

        return call


class Accounts:
    def __init__(self, role: str) -> None:
        self._role = role

    async def authenticate(self, _: Any) -> Principal:
        return Principal("prj_1", "key:me", self._role)


def client(role: str = "admin", **rooms: Any) -> httpx.AsyncClient:
    app = FastAPI()
    problems.install(app)
    for module in (checks, suites, runs, verdicts):
        app.include_router(module.router, prefix="/api/v1")
    app.state.services = SimpleNamespace(accounts=Accounts(role), checks=Catalogue(), **rooms)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test", headers={"authorization": "Bearer x"}
    )


async def test_checks_say_what_they_cannot_see() -> None:
    async with client("viewer") as http:
        found = (await http.get("/api/v1/checks")).json()
    by_name = {check["name"]: check for check in found["items"]}
    assert found["total"] == len(by_name)
    assert set(by_name["refusal"]) >= {"name", "version", "range", "direction", "describes", "cannot_see", "formula"}
    assert (by_name["latency_ms"]["range"], by_name["latency_ms"]["direction"]) == ([0.0, None], "lower")


async def test_a_suite_is_put_by_name_with_slashes() -> None:
    room = Recorder(put={"name": "team/nightly"}, list=[{"name": "golden"}])
    async with client("editor", suites=room) as http:
        body = {"metrics": [{"metric": "refusal", "margin": 0.05}], "min_items": 30}
        assert (await http.put("/api/v1/suites/team/nightly", json=body)).json() == {"name": "team/nightly"}
        assert (await http.get("/api/v1/suites")).json() == {"items": [{"name": "golden"}], "total": 1, "next": None}
        assert (await http.put("/api/v1/suites/x", json=body | {"alfa": 1})).status_code == 400
    rule = {"metric": "refusal", "margin": 0.05, "optional": False}
    assert room.calls[0] == ("put", ("prj_1", "key:me", "team/nightly", {"metrics": [rule], "min_items": 30}), {})


async def test_runs_start_list_compare_cancel() -> None:
    room = Recorder(
        start={"id": "run_1"}, list=([{"id": "run_1"}], 7, [5, "run_1"]), get={"id": "run_1"},
        compare={"metrics": {}}, cancel={"status": "cancelled"},
    )  # fmt: skip
    async with client("editor", runs=room) as http:
        started = await http.post("/api/v1/runs", json={"dataset": "golden", "release": "r", "repeats": 2})
        assert (started.status_code, started.json()) == (201, {"id": "run_1"})
        first = (await http.get("/api/v1/runs?limit=1")).json()
        assert (first["total"], first["next"] is None) == (7, False)
        await http.get("/api/v1/runs", params={"limit": 1, "cursor": first["next"]})
        assert (await http.get("/api/v1/runs/a/compare/b")).json() == {"metrics": {}}
        assert (await http.post("/api/v1/runs/run_1/cancel")).json() == {"status": "cancelled"}
        await http.post("/api/v1/runs/run_1/cancel", json={"reason": "too dear"})
    calls = [(name, args, named) for name, args, named in room.calls]
    assert calls[0] == ("start", ("prj_1", "key:me", {"dataset": "golden", "release": "r", "repeats": 2}), {})
    assert calls[2][2] == {"limit": 1, "after": [5, "run_1"]}
    assert calls[3][1] == ("prj_1", "a", "b")
    assert calls[5][2] == {"actor": "key:me", "reason": "too dear"}


async def test_items_come_in_pages() -> None:
    room = Recorder(items=[{"item": f"itm_{n}"} for n in range(5)])
    async with client("viewer", runs=room) as http:
        seen: list[str] = []
        cursor: str | None = None
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            found = (await http.get("/api/v1/runs/run_1/items", params=params)).json()
            assert found["total"] == 5
            seen += [row["item"] for row in found["items"]]
            cursor = found["next"]
            if cursor is None:
                break
        assert seen == [f"itm_{n}" for n in range(5)]
        foreign = (await http.get("/api/v1/runs?limit=1&cursor=WyJ4Il0")).status_code  # ["x"]
        assert foreign == 400
        assert (await http.get("/api/v1/runs/run_1/items?cursor=WyJ4Il0")).status_code == 400


async def test_verdicts() -> None:
    book = Recorder(list=([], 0, None), get={"id": "ver_1"})
    gate = Recorder(judge={"id": "ver_1", "verdict": "pass"})
    async with client("editor", gate=gate, verdicts=book) as http:
        judged = await http.post("/api/v1/verdicts", json={"run": "run_1", "suite": "golden"})
        assert (judged.status_code, judged.json()["verdict"]) == (201, "pass")
        assert (await http.get("/api/v1/verdicts")).json() == {"items": [], "total": 0, "next": None}
        assert (await http.get("/api/v1/verdicts/ver_1")).json() == {"id": "ver_1"}
    assert gate.calls == [("judge", ("prj_1", "key:me"), {"run": "run_1", "suite": "golden", "baseline_run": None})]


async def test_errors_of_the_rooms_keep_their_class() -> None:
    async with client("editor", gate=Recorder(judge=Conflict("The run is running.", field="run"))) as http:
        found = await http.post("/api/v1/verdicts", json={"run": "run_1", "suite": "golden"})
    assert (found.status_code, found.json()["code"], found.json()["field"]) == (409, "conflict", "run")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/suites/x", {"metrics": []}),
        ("POST", "/runs", {"dataset": "golden"}),
        ("POST", "/runs/run_1/cancel", None),
        ("POST", "/verdicts", {"run": "r", "suite": "s"}),
    ],
)
async def test_viewers_may_not_write(method: str, path: str, body: Any) -> None:
    async with client("viewer", suites=Recorder(), runs=Recorder(), gate=Recorder()) as http:
        assert (await http.request(method, f"/api/v1{path}", json=body)).status_code == 403
