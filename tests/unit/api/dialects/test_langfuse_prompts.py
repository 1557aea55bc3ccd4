"""Langfuse's prompts and datasets over the real registry."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.registry import Channels, Datasets, Prompts, Releases
from tests.fakes.clock import FakeClock
from tests.fakes.dialects import dialects
from tests.fixtures.ledger import PROJECT

ADDRESS = "/api/public/v2/prompts"
ITEMS = "/api/public/dataset-items"
ASKED = {"template": {"system": 'Answer as {{"a": 1}}.', "user": "{question}"}}


def scrub(text: str) -> tuple[str, list[str]]:
    return text, []


class World:
    def __init__(self, http: httpx.AsyncClient, ledger: Ledger) -> None:
        self.http = http
        self.clock = FakeClock()
        common = (ledger, Audit(ledger, self.clock, scrub), self.clock)
        self.prompts, self.releases = Prompts(*common), Releases(*common)
        self.channels, self.datasets = Channels(*common, scrub), Datasets(*common, scrub)

    async def prompt(self, **given: Any) -> dict[str, Any]:
        made, _ = await self.prompts.create(PROJECT, "key:ada", **({"name": "support", **ASKED} | given))
        return made

    async def live(self, channel: str, *prompts: dict[str, Any]) -> None:
        named = {f"role{n}": prompt["id"] for n, prompt in enumerate(prompts)}
        release, _ = await self.releases.create(
            PROJECT, "key:ada", name="app", prompts=named, model="openai/gpt-4o-2024-08-06"
        )
        await self.channels.put(PROJECT, "key:ada", channel, requires_gate=False)
        await self.channels.promote(PROJECT, "key:ada", channel, release=release["id"], reason="first")

    async def get(self, name: str = "support", status: int = 200, **query: Any) -> dict[str, Any]:
        answer = await self.http.get(f"{ADDRESS}/{name}", params=query)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def push(self, status: int = 201, **body: Any) -> dict[str, Any]:
        answer = await self.http.post(ADDRESS, json={"name": "support"} | body)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def world(tmp_path: Path, ledger: Ledger) -> AsyncIterator[World]:
    async with dialects(tmp_path, PROJECT) as (http, services):
        made = World(http, ledger)
        services.prompts, services.channels, services.datasets = made.prompts, made.channels, made.datasets
        services.releases = made.releases
        yield made


async def test_a_prompt_in_langfuses_words(world: World) -> None:
    await world.prompt(
        model="openai/gpt-4o-2024-08-06", parameters={"temperature": 0}, changelog="first", metadata={"tags": ["a"]}
    )
    found = await world.get()
    assert (found["name"], found["version"], found["type"]) == ("support", 1, "chat")
    assert found["prompt"] == [
        {"role": "system", "content": 'Answer as {"a": 1}.'},
        {"role": "user", "content": "{{question}}"},
    ]
    assert found["config"] == {"temperature": 0, "model": "openai/gpt-4o-2024-08-06"}
    assert (found["labels"], found["tags"], found["commitMessage"]) == (["latest"], ["a"], "first")


async def test_a_name_with_a_slash_and_a_text(world: World) -> None:
    await world.prompt(name="team/greet", template={"user": "Hello {name}"})
    found = await world.get("team%2Fgreet")
    assert (found["name"], found["type"], found["prompt"]) == ("team/greet", "text", "Hello {{name}}")


async def test_labels_are_channels_and_production_is_the_default(world: World) -> None:
    first = await world.prompt()
    await world.prompt(template={"user": "newer"})
    assert (await world.get())["version"] == 2  # nothing is live
    await world.live("production", first)
    assert (await world.get())["version"] == 1
    assert (await world.get(label="production"))["labels"] == ["production"]
    assert (await world.get(label="latest"))["version"] == 2
    assert (await world.get(version=2))["labels"] == ["latest"]


async def test_what_is_not_there_is_404_and_says_what_is(world: World) -> None:
    first = await world.prompt()
    second = await world.prompt(template={"user": "newer"})
    await world.live("beta", first, second)
    found = await world.get(label="beta", status=404)  # two versions: neither is meant
    assert (found["field"], "latest" in found["fix"]) == ("label", True)
    assert (await world.get(version=7, status=404))["field"] == "version"
    await world.get("nothing", status=404)
    assert (await world.get(label="latest", version=1, status=400))["field"] == "label"


@pytest.mark.parametrize("text", ["{{{{x}}}} {x}", "{{{x}}}", '{{{{"a": 1}}}}'], ids=["twin", "hugged", "json"])
async def test_braces_that_would_be_read_otherwise_are_refused(world: World, text: str) -> None:
    await world.prompt(template={"user": text})
    assert (await world.get(status=422))["field"] == "prompt"


async def test_a_version_is_pushed_and_equal_content_is_the_same(world: World) -> None:
    messages = [{"type": "chatmessage", "role": "user", "content": 'As {"a": 1}: {{ question }}'}]
    config = {"model": "openai/gpt-4o-2024-08-06", "temperature": 0}
    given = {"type": "chat", "prompt": messages, "config": config, "tags": ["a"], "commitMessage": "why"}
    made = await world.push(**given, labels=[])
    assert (made["version"], made["labels"], made["config"]) == (1, ["latest"], config)
    assert made["prompt"] == [{"role": "user", "content": 'As {"a": 1}: {{question}}'}]
    assert (await world.push(**given))["version"] == 1
    assert (await world.push(prompt="Hello {{name}}"))["version"] == 2
    stored = await world.prompts.get(PROJECT, "support@2")
    assert (stored["template"], stored["variables"]) == ({"user": "Hello {name}"}, ["name"])


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"prompt": "x", "labels": ["production"]}, 422, "labels"),
        ({"prompt": "x", "labels": "production"}, 400, "labels"),
        ({"prompt": "x", "config": [1]}, 400, "config"),
        ({"prompt": "{{two words}}"}, 400, "prompt"),
        ({"prompt": "@@@langfusePrompt:name=a|version=1@@@"}, 422, "prompt"),
        ({"type": "chat", "prompt": "x"}, 400, "prompt"),
        ({"type": "chat", "prompt": [{"type": "placeholder", "name": "history"}]}, 422, "prompt.0"),
        ({"type": "chat", "prompt": [{"role": "user"}]}, 400, "prompt.0"),
        ({"prompt": "x", "name": "Two Words"}, 400, "name"),
    ],
)
async def test_what_the_registry_cannot_hold_is_named(
    world: World, body: dict[str, Any], status: int, field: str
) -> None:
    assert (await world.push(status, **body))["field"] == field
    assert (await world.prompts.list(PROJECT))[1] == 0


async def test_who_may(world: World) -> None:
    await world.prompt()
    for role, read, write in (("ingest", 200, 403), ("viewer", 200, 403), ("score", 403, 403)):
        headers = {"x-api-key": role}
        labelled = await world.http.patch(f"{ADDRESS}/support/versions/1", json={"newLabels": []}, headers=headers)
        assert labelled.status_code == write
        assert (await world.http.get(f"{ADDRESS}/support", headers=headers)).status_code == read
        pushed = await world.http.post(ADDRESS, json={"name": "support", "prompt": "x"}, headers=headers)
        assert pushed.status_code == write


async def test_a_label_it_holds_is_confirmed_and_any_other_is_refused_with_the_way(world: World) -> None:
    first = await world.prompt()
    await world.prompt(template={"user": "newer"})
    await world.live("production", first)

    async def label(version: int, *told: str, status: int = 200) -> dict[str, Any]:
        answer = await world.http.patch(f"{ADDRESS}/support/versions/{version}", json={"newLabels": list(told)})
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    assert (await label(1, "production"))["labels"] == ["production"]
    assert (await label(2, "latest"))["version"] == 2
    assert (await label(2))["labels"] == ["latest"]
    refused = await label(2, "production", status=422)
    assert (refused["error"], refused["field"]) == ("Refused", "newLabels")
    assert "make a release with support@2" in refused["message"]
    assert "assay promote app@1 --to beta" in (await label(1, "beta", status=422))["fix"]
    assert "newest" in (await label(1, "latest", status=422))["message"]
    assert (await label(9, "production", status=404))["field"] == "version"
    assert (await world.get())["version"] == 1  # what is live stayed


async def test_a_dataset_is_read_by_pages_and_at_a_time(world: World) -> None:
    items = [{"id": f"i{n}", "input": f"q{n}", "expected": "a", "tags": ["t"]} for n in range(3)]
    first, _ = await world.datasets.create(PROJECT, "key:ada", name="team/gold", items=items, description="ours")
    world.clock.advance(60)
    await world.datasets.create(PROJECT, "key:ada", name="team/gold", items=items[:1])
    about = (await world.http.get("/api/public/v2/datasets/team%2Fgold")).json()
    assert (about["id"], about["name"], about["createdAt"]) == ("team/gold", "team/gold", first["created_at"])
    newest = (await world.http.get(ITEMS, params={"datasetName": "team/gold"})).json()
    assert [item["id"] for item in newest["data"]] == ["i0"]
    asked = {"datasetName": "team/gold", "version": first["created_at"], "limit": 2}
    pages = [(await world.http.get(ITEMS, params=asked | {"page": page})).json() for page in (1, 2, 3)]
    assert [[item["id"] for item in page["data"]] for page in pages] == [["i0", "i1"], ["i2"], []]
    assert pages[1]["meta"] == {"page": 2, "limit": 2, "totalItems": 3, "totalPages": 2}
    one = pages[0]["data"][0]
    assert (one["input"], one["expectedOutput"], one["metadata"]) == ("q0", "a", {"tags": ["t"]})
    assert (one["datasetId"], one["version"]) == (about["id"], first["created_at"])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"datasetName": "gold", "version": "yesterday"}, 400),
        ({"datasetName": "gold", "version": "1999-01-01T00:00:00Z"}, 404),
        ({"datasetName": "nothing"}, 404),
        ({}, 400),
    ],
    ids=["no-time", "too-early", "unknown", "no-name"],
)
async def test_a_dataset_that_is_not_there(world: World, query: dict[str, str], status: int) -> None:
    await world.datasets.create(PROJECT, "key:ada", name="gold", items=[{"input": "q"}])
    assert (await world.http.get(ITEMS, params=query)).status_code == status
