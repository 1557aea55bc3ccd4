"""Canaries and incidents over HTTP: shapes, statuses, who may."""

from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from assay_server.api import problems
from assay_server.api.routes import canaries, incidents
from assay_server.api.services import Services
from assay_server.core.ports import Principal
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.monitors import Incidents
from assay_server.rollout import Canaries
from tests.fakes.rollout import FakeChannels, FakeClock, FakeReleases, World, add_releases, scrub
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT

CANARY = {
    "channel": "production",
    "release": "rel_b",
    "scores": [{"name": "user_feedback", "margin": 0.05}],
    "min_units": 40,
    "guardrails": {"error_rate": {"margin": 0.02}},
    "reason": "try B",
}


class Keys:
    """Two editors of two projects, and a viewer."""

    async def authenticate(self, headers: Any) -> Principal:
        key = headers["authorization"].removeprefix("Bearer ")
        project, role = {"e": (PROJECT, "editor"), "v": (PROJECT, "viewer"), "o": (OTHER_PROJECT, "editor")}[key]
        return Principal(project, f"key:{key}", role)


class Wired:
    def __init__(self, ledger: Ledger) -> None:
        self.clock = FakeClock()
        self.channels = FakeChannels(clock=self.clock)
        self.world = World(self.channels, self.clock, seed=7)
        self.incidents = Incidents(ledger, Audit(ledger, self.clock, scrub), self.clock, scrub)
        self.canaries = Canaries(
            ledger, self.channels, FakeReleases(), self.world, self.incidents.open, self.clock, scrub
        )
        app = FastAPI()
        problems.install(app)
        app.include_router(canaries.router, prefix="/api/v1")
        app.include_router(incidents.router, prefix="/api/v1")
        ours = {"accounts": Keys(), "canaries": self.canaries, "incidents": self.incidents, "public_url": "http://a"}
        app.state.services = Services(**{one.name: ours.get(one.name) for one in fields(Services)})
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://assay/api/v1")

    async def ask(self, method: str, path: str, key: str = "e", **how: Any) -> httpx.Response:
        return await self.http.request(method, path, headers={"authorization": f"Bearer {key}"}, **how)

    async def rolled_back(self) -> str:
        canary: str = (await self.ask("POST", "/canaries", json=CANARY)).json()["id"]
        self.world.new_users(600, good={"baseline": 0.85, "candidate": 0.4})
        await self.canaries.tick(PROJECT, canary)
        return canary


@pytest.fixture
async def wired(ledger: Ledger) -> AsyncIterator[Wired]:
    await ledger.write(add_releases)
    made = Wired(ledger)
    yield made
    await made.http.aclose()


async def test_a_canary_from_start_to_incident(wired: Wired) -> None:
    started = await wired.ask("POST", "/canaries", json=CANARY)
    assert started.status_code == 201
    body = started.json()
    assert (body["status"], body["share"], body["steps"]) == ("running", 20, [20, 50])
    wired.world.new_users(600, good={"baseline": 0.85, "candidate": 0.4})
    await wired.canaries.tick(PROJECT, body["id"])
    page = (await wired.ask("GET", f"/canaries/{body['id']}", key="v")).json()
    assert page["status"] == "rolled_back"
    assert page["decision"]["action"] == "rollback"
    assert page["metrics"][0]["decision"] == "worse"
    assert page["metrics"][0]["ci"] == page["looks"][-1]["ci"]
    (incident,) = (await wired.ask("GET", "/incidents?status=open", key="v")).json()["items"]
    assert incident["sentence"].startswith(page["decision"]["sentence"])
    assert (await wired.ask("GET", f"/incidents/{incident['id']}")).json() == incident
    for action, status in (("acknowledge", "acknowledged"), ("resolve", "resolved")):
        answer = await wired.ask("POST", f"/incidents/{incident['id']}/{action}", json={"reason": "on it"})
        assert answer.json()["status"] == status


async def test_people_end_a_canary_with_a_reason(wired: Wired) -> None:
    canary = (await wired.ask("POST", "/canaries", json=CANARY)).json()["id"]
    assert (await wired.ask("POST", f"/canaries/{canary}/abort", json={})).status_code == 400
    ended = await wired.ask("POST", f"/canaries/{canary}/abort", json={"reason": "not today"})
    assert (ended.status_code, ended.json()["status"]) == (200, "aborted")
    again = await wired.ask("POST", f"/canaries/{canary}/promote", json={"reason": "yes"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_faults_name_the_field(wired: Wired) -> None:
    for change, field in (
        ({"steps": [50, 20]}, "steps"),
        ({"scores": []}, "scores"),
        ({"unit": "planet"}, "unit"),
        ({"surprise": 1}, "surprise"),
        ({"guardrails": {"mood": {"margin": 0.1}}}, "guardrails"),
    ):
        answer = await wired.ask("POST", "/canaries", json=CANARY | change)
        assert (answer.status_code, answer.json()["field"]) == (400, field)
    wired.channels.gated = False
    refused = await wired.ask("POST", "/canaries", json=CANARY)
    assert (refused.status_code, refused.json()["code"]) == (422, "refused")


async def test_lists_are_paged(wired: Wired) -> None:
    for _ in range(3):
        canary = (await wired.ask("POST", "/canaries", json=CANARY)).json()["id"]
        await wired.ask("POST", f"/canaries/{canary}/abort", json={"reason": "r"})
        wired.clock.pass_(1)
    first = (await wired.ask("GET", "/canaries?limit=2&channel=production&status=aborted")).json()
    rest = (await wired.ask("GET", f"/canaries?limit=2&cursor={first['next']}")).json()
    assert (first["total"], len(first["items"]), len(rest["items"]), rest["next"]) == (3, 2, 1, None)
    assert (await wired.ask("GET", "/canaries?cursor=nonsense")).status_code == 400


async def test_viewers_look_and_strangers_see_nothing(wired: Wired) -> None:
    canary = await wired.rolled_back()
    incident = (await wired.ask("GET", "/incidents")).json()["items"][0]["id"]
    assert (await wired.ask("POST", "/canaries", key="v", json=CANARY)).status_code == 403
    assert (await wired.ask("POST", f"/incidents/{incident}/resolve", key="v", json={"reason": "r"})).status_code == 403
    assert (await wired.ask("GET", f"/canaries/{canary}", key="o")).status_code == 404
    assert (await wired.ask("GET", f"/incidents/{incident}", key="o")).status_code == 404
    assert (await wired.ask("GET", "/canaries", key="o")).json() == {"items": [], "total": 0, "next": None}
