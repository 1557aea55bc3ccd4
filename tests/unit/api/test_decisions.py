"""Keys, projects, sessions, prompts, datasets, releases, channels, providers, audit: over HTTP, on the real rooms."""

from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from assay_server.api import problems
from assay_server.api.idempotent import Idempotent
from assay_server.api.routes import (
    audit,
    channels,
    datasets,
    keys,
    projects,
    prompts,
    providers,
    releases,
    retrieval,
    session,
)
from assay_server.api.services import Services
from assay_server.core.errors import NotFound
from assay_server.governance import Accounts, Audit, Idempotency
from assay_server.ledger import Ledger, tables
from assay_server.registry import Channels, Datasets, Prompts, Providers, Releases, RetrievalConfigs, Verdicts
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT

MODULES = (audit, channels, datasets, keys, projects, prompts, providers, releases, retrieval, session)
MODEL = "openai/gpt-4o-2024-08-06"


class NoCanaries:
    async def get(self, project: str, canary: str) -> Any:
        raise NotFound


class Wired:
    """The routes on real rooms; `ask` as a role of the project `prj_test`, or as an admin of `prj_other`."""

    def __init__(self, ledger: Ledger) -> None:
        clock = FakeClock()
        log = Audit(ledger, clock, lambda text: (text, []))
        common = (ledger, log, clock)
        self.verdicts = Verdicts(*common)
        self.accounts = Accounts(*common)
        ours = {
            "accounts": self.accounts,
            "audit": log,
            "prompts": Prompts(*common),
            "retrieval_configs": RetrievalConfigs(*common),
            "datasets": Datasets(*common, lambda text: (text, [])),
            "releases": Releases(*common),
            "verdicts": self.verdicts,
            "channels": Channels(*common, lambda text: (text, [])),
            "providers": Providers(*common),
            "canaries": NoCanaries(),
            "idempotency": Idempotency(ledger, clock),
            "public_url": "https://assay.example",
        }
        app = FastAPI()
        problems.install(app)
        for module in MODULES:
            app.include_router(module.router, prefix="/api/v1")
        app.add_middleware(Idempotent)
        app.state.services = Services(**{one.name: ours.get(one.name) for one in fields(Services)})
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://assay.example/api/v1")
        self.secrets: dict[str, str] = {}

    async def prepare(self) -> None:
        for role in ("admin", "editor", "viewer", "ingest", "score"):
            made = await self.accounts.create_key(PROJECT, "key:test", name=role, role=role)
            self.secrets[role] = made["secret"]
        made = await self.accounts.create_key(OTHER_PROJECT, "key:test", name="stranger", role="admin")
        self.secrets["stranger"] = made["secret"]

    async def ask(self, method: str, path: str, role: str = "editor", **how: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.secrets[role]}", **how.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **how)

    async def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.ask("POST", path, json=body)
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def release(self, system: str, verdict: str | None = "pass") -> dict[str, Any]:
        prompt = await self.made("/prompts", {"name": "answer", "template": {"system": system}})
        body = {"name": "support", "prompts": {"answer": prompt["id"]}, "model": MODEL}
        made = await self.made("/releases", body)
        if verdict is not None:
            of = {"release": made["id"], "run": "run_1", "baseline_run": None, "suite": "golden", "alpha": 0.05}
            told = {"verdict": verdict, "n": 80, "metrics": [], "sentence": "all good"}
            await self.verdicts.record(PROJECT, "key:test", {**of, **told})
        return made


@pytest.fixture
async def wired(ledger: Ledger) -> AsyncIterator[Wired]:
    made = Wired(ledger)
    await made.prepare()
    yield made
    await made.http.aclose()


async def test_a_new_prompt_is_201_and_the_same_again_is_200(wired: Wired) -> None:
    body = {"name": "team/answer", "template": {"system": "Be {tone}.", "user": "{question}"}, "changelog": "first"}
    first = await wired.ask("POST", "/prompts", json=body)
    again = await wired.ask("POST", "/prompts", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["variables"] == ["tone", "question"]
    for ref in ("team/answer", "team/answer@1", first.json()["id"]):
        assert (await wired.ask("GET", f"/prompt-versions/{ref}", "ingest")).json() == first.json()
    assert (await wired.ask("GET", "/prompts/team/answer")).json()["items"] == [first.json()]
    listed = (await wired.ask("GET", "/prompts")).json()
    assert (listed["total"], listed["next"], len(listed["items"])) == (1, None, 1)


async def test_the_difference_of_prompts_by_both_addresses(wired: Wired) -> None:
    for text in ("one two", "one three"):
        await wired.made("/prompts", {"name": "a/b", "template": {"system": text}})
    by_query = await wired.ask("GET", "/prompt-diff", params={"from": "a/b@1", "to": "a/b@2"})
    by_path = await wired.ask("GET", "/prompts/a/b@1/diff", params={"to": "a/b@2"})
    assert by_query.status_code == 200
    assert by_query.json() == by_path.json()
    assert by_query.json()["messages"][0]["words"][0] == {"op": "equal", "text": "one "}


async def test_a_broken_template_is_a_problem_with_field_value_and_fix(wired: Wired) -> None:
    answer = await wired.ask("POST", "/prompts", json={"name": "p", "template": {"system": "{a.b}"}})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (400, "invalid_input", "template.system")
    assert "{a.b}" in problem["value"]
    assert "double a brace" in problem["fix"]


async def test_a_dataset_with_faults_in_two_rows_tells_both(wired: Wired) -> None:
    faulty = {"name": "golden", "items": [{"input": "fine"}, {}, {"input": 5}]}
    answer = await wired.ask("POST", "/datasets", json=faulty)
    assert answer.status_code == 400
    assert "items[1].input is missing" in answer.json()["detail"]
    assert "items[2].input is neither" in answer.json()["detail"]
    made = await wired.made("/datasets", {"name": "golden", "items": [{"id": str(n), "input": "x"} for n in range(5)]})
    assert (made["items"], made["version"]) == (5, 1)
    found = (await wired.ask("GET", "/datasets/golden")).json()
    assert (found["id"], [each["version"] for each in found["versions"]]) == (made["id"], [1])
    first = (await wired.ask("GET", "/datasets/golden/items", params={"version": 1, "limit": 3})).json()
    rest = (await wired.ask("GET", "/datasets/golden/items", params={"limit": 3, "cursor": first["next"]})).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == list("01234")
    assert (first["total"], rest["next"]) == (5, None)


async def test_a_floating_model_is_refused_with_names_that_are_known(wired: Wired) -> None:
    prompt = await wired.made("/prompts", {"name": "p", "template": {"system": "x"}})
    body = {"name": "r", "prompts": {"answer": prompt["id"]}, "model": "openai/gpt-4o"}
    answer = await wired.ask("POST", "/releases", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, "model")
    assert "openai/gpt-4o-2024-11-20" in answer.json()["fix"]


async def test_releases_and_what_differs(wired: Wired) -> None:
    one, two = await wired.release("Say so if not."), await wired.release("Say if not.", None)
    found = (await wired.ask("GET", "/releases/support@1/diff", params={"to": two["id"]})).json()
    assert (found["from"], found["to"]) == (one["id"], two["id"])
    assert "drops “so”" in found["summary"]
    page = (await wired.ask("GET", "/releases", params={"limit": 1})).json()
    rest = (await wired.ask("GET", "/releases", params={"limit": 1, "cursor": page["next"]})).json()
    assert {page["items"][0]["id"], rest["items"][0]["id"]} == {one["id"], two["id"]}
    assert (await wired.ask("GET", "/releases/support@1")).json()["verdicts"][0]["verdict"] == "pass"


async def test_promote_resolve_roll_back(wired: Wired) -> None:
    one, two = await wired.release("one"), await wired.release("two")
    for release in (one, two):
        body = {"release": release["id"], "reason": "good"}
        assert (await wired.ask("POST", "/channels/production/promote", json=body)).status_code == 200
    found = (await wired.ask("GET", "/channels/production/resolve", "ingest", params={"unit": "ada"})).json()
    assert (found["release"]["id"], found["arm"], found["canary"], found["unit"]) == (two["id"], None, None, "ada")
    assert found["release"]["prompts"]["answer"]["template"] == {"system": "two"}
    undone = (await wired.ask("POST", "/channels/production/rollback", json={"reason": "bad"})).json()
    assert (undone["release"]["id"], undone["undone"]["release"]) == (one["id"], two["id"])
    found = (await wired.ask("GET", "/channels/production/resolve", params={"unit": "ada"})).json()
    assert found["release"]["id"] == one["id"]
    channel = (await wired.ask("GET", "/channels/production")).json()
    assert [event["action"] for event in channel["history"]] == ["rollback", "promote", "promote"]
    assert [each["name"] for each in (await wired.ask("GET", "/channels")).json()["items"]] == ["production"]


async def test_without_a_verdict_it_is_refused_with_422(wired: Wired) -> None:
    release = await wired.release("one", None)
    body = {"release": release["id"], "reason": "please"}
    answer = await wired.ask("POST", "/channels/production/promote", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "refused")
    events = (await wired.ask("GET", "/audit", params={"action": "channel.promote_refused"})).json()
    assert events["total"] == 1


async def test_a_canary_that_rollout_does_not_know_is_told_in_short(wired: Wired) -> None:
    one, two = await wired.release("one"), await wired.release("two")
    await wired.ask("POST", "/channels/production/promote", json={"release": one["id"], "reason": "good"})
    rooms = wired.http._transport.app.state.services  # type: ignore[attr-defined]
    how = {"canary": "can_1", "candidate": two["id"], "share": 20, "by": "x", "reason": "try"}
    await rooms.channels.begin(PROJECT, "production", **how)
    channel = (await wired.ask("GET", "/channels/production")).json()
    assert channel["canary"] == {"id": "can_1", "candidate": two["id"], "share": 20.0}


async def test_an_etag_guards_against_what_one_has_not_seen(wired: Wired) -> None:
    made = await wired.ask("PUT", "/channels/beta", json={"requires_gate": False})
    assert made.status_code == 201
    seen = {"If-Match": made.headers["etag"]}
    first = await wired.ask("PUT", "/channels/beta", json={"requires_gate": True}, headers=seen)
    second = await wired.ask("PUT", "/channels/beta", json={"requires_gate": False}, headers=seen)
    assert (first.status_code, second.status_code) == (200, 409)
    assert first.headers["etag"] != made.headers["etag"]
    any_ = await wired.ask("PUT", "/channels/beta", json={"requires_gate": False}, headers={"If-Match": "*"})
    odd = await wired.ask("PUT", "/channels/beta", json={}, headers={"If-Match": '"abc"'})
    assert (any_.status_code, odd.status_code) == (200, 400)


async def test_keys_show_their_secret_once_and_end_at_once(wired: Wired) -> None:
    made = (await wired.ask("POST", "/keys", "admin", json={"name": "shop", "role": "viewer"})).json()
    wired.secrets["shop"] = made["secret"]
    assert (await wired.ask("GET", "/prompts", "shop")).status_code == 200
    listed = (await wired.ask("GET", "/keys", "admin")).text
    assert made["id"] in listed
    assert made["secret"] not in listed
    named = (await wired.ask("GET", "/keys/names", "shop")).json()["items"]
    assert {"id": made["id"], "name": "shop"} in named
    assert {frozenset(key) for key in named} == {frozenset(("id", "name"))}
    gone = await wired.ask("DELETE", f"/keys/{made['id']}", "admin", json={"reason": "leaked"})
    assert gone.json()["revoked_at"] is not None
    assert (await wired.ask("GET", "/prompts", "shop")).status_code == 401
    assert (await wired.ask("DELETE", "/keys/key_unknown", "admin")).status_code == 404


async def test_projects(wired: Wired) -> None:
    made = await wired.ask("POST", "/projects", "admin", json={"name": "shop"})
    assert made.status_code == 201
    wired.secrets["shop"] = made.json()["key"]["secret"]
    assert [each["name"] for each in (await wired.ask("GET", "/projects", "shop")).json()["items"]] == ["shop"]
    assert (await wired.ask("GET", "/projects", "admin")).json()["total"] == 3
    assert (await wired.ask("POST", "/projects", "stranger", json={"name": "mine"})).status_code == 403


async def test_signing_in_with_a_link_and_out_again(wired: Wired) -> None:
    link = (await wired.ask("POST", "/sign-in-tokens", "admin")).json()["url"]
    address, _, token = link.partition("?token=")
    assert address == "https://assay.example/sign-in"
    opened = await wired.http.post("/session", json={"token": token})
    cookie = opened.headers["set-cookie"].lower()
    admins = [key["id"] for key in (await wired.ask("GET", "/keys", "admin")).json()["items"] if key["role"] == "admin"]
    assert opened.json()["role"] == "admin"
    assert opened.json()["actor"].removeprefix("key:") in admins  # the audit log names the key that made the link
    assert all(word in cookie for word in ("assay_session=", "httponly", "samesite=strict", "secure", "path=/"))
    assert "secret" not in opened.json()
    assert (await wired.http.get("/prompts")).status_code == 200
    writing = await wired.http.post("/sign-in-tokens")
    assert writing.status_code == 403  # a write by cookie has to come from our own pages
    ours = {"origin": "https://assay.example"}
    assert (await wired.http.post("/sign-in-tokens", headers=ours)).status_code == 201
    assert (await wired.http.post("/session", json={"token": token})).status_code == 401
    assert (await wired.http.delete("/session", headers=ours)).status_code == 204
    assert (await wired.http.get("/prompts")).status_code == 401


async def test_a_key_can_be_pasted_too(wired: Wired) -> None:
    opened = await wired.http.post("/session", json={"token": wired.secrets["viewer"]})
    assert (opened.status_code, opened.json()["role"]) == (200, "viewer")


async def test_providers(wired: Wired) -> None:
    body = {"kind": "openai", "base_url": "http://127.0.0.1:1/v1", "key_env": "SOME_KEY"}
    made = await wired.ask("PUT", "/providers/local", "admin", json=body)
    assert (made.status_code, made.json()["name"], made.json()["key_env"]) == (200, "local", "SOME_KEY")
    assert (await wired.ask("GET", "/providers", "viewer")).json()["total"] == 1
    assert (await wired.ask("DELETE", "/providers/local", "admin")).status_code == 204
    assert (await wired.ask("DELETE", "/providers/local", "admin")).status_code == 404


async def test_the_audit_log_names_who_did_it_and_is_whole(wired: Wired) -> None:
    await wired.release("one")
    events = (await wired.ask("GET", "/audit", params={"action": "release.create"})).json()
    (editor,) = [key["id"] for key in await wired.accounts.keys(PROJECT) if key["role"] == "editor"]
    assert (events["total"], events["items"][0]["actor"]) == (1, f"key:{editor}")
    assert set(events["items"][0]) == {"id", "at", "actor", "action", "subject", "reason", "before", "after", "hash"}
    first = (await wired.ask("GET", "/audit", params={"limit": 2})).json()
    rest = (await wired.ask("GET", "/audit", params={"limit": 500, "cursor": first["next"]})).json()
    assert len(first["items"]) + len(rest["items"]) == first["total"]
    later = {"since": "2100-01-01T00:00:00Z"}
    assert (await wired.ask("GET", "/audit", params=later)).json()["total"] == 0
    odd = await wired.ask("GET", "/audit", params={"until": "yesterday"})
    assert (odd.status_code, odd.json()["field"]) == (400, "until")
    assert (await wired.ask("GET", "/audit/verify")).json()["ok"] is True


async def test_retrieval_configs(wired: Wired) -> None:
    body = {"name": "kb", "embedding_model": "minilm", "top_k": 4, "index_built_at": "2026-11-01T00:00:00Z"}
    made = await wired.made("/retrieval-configs", body)
    assert (await wired.ask("GET", "/retrieval-configs/kb@1", "ingest")).json() == made
    assert (await wired.ask("GET", "/retrieval-configs")).json()["total"] == 1


async def test_a_repeated_write_is_done_once(wired: Wired) -> None:
    body, once = {"name": "p", "template": {"system": "x"}}, {"Idempotency-Key": "k"}
    first = await wired.ask("POST", "/prompts", json=body, headers=once)
    again = await wired.ask("POST", "/prompts", json=body, headers=once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = await wired.ask("POST", "/prompts", json={**body, "name": "q"}, headers=once)
    assert other.status_code == 409


async def test_no_answer_with_a_secret_is_kept_and_signing_in_bears_the_header(wired: Wired, ledger: Ledger) -> None:
    """The interface and the SDK send an idempotency key with every write, these included."""

    def once(key: str) -> dict[str, Any]:
        return {"headers": {"Idempotency-Key": key}}

    for path, body in (("/keys", {"name": "x"}), ("/projects", {"name": "shop"}), ("/sign-in-tokens", None)):
        assert (await wired.ask("POST", path, "admin", json=body, **once(path))).status_code == 201
    opened = await wired.http.post("/session", json={"token": wired.secrets["viewer"]}, **once("s"))
    assert opened.status_code == 200
    kept = await ledger.read(lambda c: c.execute(select(tables.accounts.idempotency)).all())
    assert kept == []


FORBIDDEN = [
    ("POST", "/prompts", "viewer", {"name": "p", "template": {"system": "x"}}),
    ("POST", "/channels/production/promote", "viewer", {"release": "x", "reason": "x"}),
    ("POST", "/channels/production/rollback", "ingest", {"reason": "x"}),
    ("GET", "/prompts", "ingest", None),
    ("GET", "/audit", "score", None),
    ("GET", "/keys", "editor", None),
    ("GET", "/keys/names", "ingest", None),
    ("POST", "/keys", "editor", {"name": "x"}),
    ("POST", "/projects", "editor", {"name": "x"}),
    ("PUT", "/providers/x", "editor", {"base_url": "http://x"}),
    ("POST", "/sign-in-tokens", "editor", None),
]


@pytest.mark.parametrize(("method", "path", "role", "body"), FORBIDDEN)
async def test_who_may_not(wired: Wired, method: str, path: str, role: str, body: Any) -> None:
    assert (await wired.ask(method, path, role, json=body)).status_code == 403


ADDRESSES = [
    "/prompts/answer",
    "/prompt-versions/answer",
    "/releases/support",
    "/channels/production",
    "/datasets/golden",
]


@pytest.mark.parametrize("path", ADDRESSES)
async def test_other_projects_find_nothing(wired: Wired, path: str) -> None:
    release = await wired.release("one")
    await wired.ask("POST", "/channels/production/promote", json={"release": release["id"], "reason": "good"})
    await wired.made("/datasets", {"name": "golden", "items": [{"input": "x"}]})
    assert (await wired.ask("GET", path)).status_code == 200
    assert (await wired.ask("GET", path, "stranger")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/prompts", "/releases", "/channels", "/datasets", "/retrieval-configs", "/providers"]
)
async def test_other_projects_lists_are_empty(wired: Wired, path: str) -> None:
    release = await wired.release("one")
    await wired.ask("POST", "/channels/production/promote", json={"release": release["id"], "reason": "good"})
    await wired.made("/datasets", {"name": "golden", "items": [{"input": "x"}]})
    await wired.made("/retrieval-configs", {"name": "kb", "embedding_model": "minilm"})
    await wired.ask("PUT", "/providers/local", "admin", json={"base_url": "http://host"})
    assert (await wired.ask("GET", path)).json()["total"] == 1
    assert (await wired.ask("GET", path, "stranger")).json()["total"] == 0


@pytest.mark.parametrize("path", ["/prompts", "/releases", "/datasets", "/audit", "/retrieval-configs"])
@pytest.mark.parametrize(
    "cursor", ["x", "W10", "WzFd", "WyJhIl0", "W251bGxd", "WzFlOTk5LCJhIl0", "WzEsIngiLDJd", "W3RydWVd"]
)
async def test_a_strange_cursor_is_told_and_never_an_error_of_ours(wired: Wired, path: str, cursor: str) -> None:
    answer = await wired.ask("GET", path, params={"cursor": cursor})
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("ref", ["a%00b", "a@99999999999999999999", "a@1%20", "%F0%9F%98%80", "rel_01", "@", "@1"])
async def test_strange_references_are_not_found_or_told(wired: Wired, ref: str) -> None:
    for path in ("prompt-versions", "releases", "channels", "datasets", "retrieval-configs"):
        assert (await wired.ask("GET", f"/{path}/{ref}")).status_code in (400, 404)
