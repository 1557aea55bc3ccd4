"""Datasets that Langfuse's SDKs write, and experiments over them, over the real registry and store."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay_server.api.dialects.langfuse.experiments import experiment_id
from assay_server.checks.pii import Scrubber
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.registry import Datasets
from tests.fakes.clock import FakeClock
from tests.fakes.dialects import dialects
from tests.fixtures.ledger import PROJECT

EMAIL = "ada.lovelace@mail-box.org"
TRACE, SPAN = "a" * 32, "b" * 16


class World:
    def __init__(self, http: httpx.AsyncClient, datasets: Datasets) -> None:
        self.http = http
        self.datasets = datasets

    async def post(self, path: str, /, expected: int = 200, **body: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/api/public/{path}", json=body)
        assert answer.status_code == expected, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, path: str, status: int = 200, **query: Any) -> dict[str, Any]:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def world(tmp_path: Path, ledger: Ledger) -> AsyncIterator[World]:
    clock = FakeClock()
    scrub = Scrubber().scrub
    datasets = Datasets(ledger, Audit(ledger, clock, scrub), clock, scrub)
    async with dialects(tmp_path, PROJECT, datasets=datasets) as (http, _):
        yield World(http, datasets)


async def test_a_dataset_is_made_before_its_first_item(world: World) -> None:
    made = await world.post("v2/datasets", name="gold", description=f"of {EMAIL}", metadata={"by": EMAIL})
    assert (made["id"], made["name"], made["projectId"]) == ("gold", "gold", PROJECT)
    assert EMAIL not in str(made)
    assert await world.get("/api/public/v2/datasets/gold") == made
    empty = await world.get("/api/public/dataset-items", datasetName="gold")
    assert (empty["data"], empty["meta"]["totalItems"]) == ([], 0)
    given = {"datasetName": "gold", "id": "i1", "input": {"q": f"I am {EMAIL}"}, "expectedOutput": "14 days"}
    item = await world.post("dataset-items", **given, metadata={"hard": True}, sourceTraceId=TRACE)
    assert (item["id"], item["expectedOutput"], item["metadata"]) == ("i1", "14 days", {"hard": True})
    assert item["sourceTraceId"] == TRACE
    assert EMAIL not in str(item)
    await world.post("dataset-items", datasetName="gold", id="i2", input="another")
    await world.post("dataset-items", datasetName="gold", id="i1", input="instead")
    found = await world.get("/api/public/dataset-items", datasetName="gold")
    assert [(one["id"], one["input"]) for one in found["data"]] == [("i1", "instead"), ("i2", "another")]
    assert (await world.datasets.versions(PROJECT, "gold"))[0]["description"] == made["description"]
    assert (await world.post("v2/datasets", name="gold", description="new"))["description"] == "new"


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("v2/datasets", {"name": "Two Words"}, 400, "name"),
        ("v2/datasets", {"name": "x", "inputSchema": {"type": "object"}}, 422, "inputSchema"),
        ("dataset-items", {"datasetName": "nothing", "input": "q"}, 404, "name"),
        ("dataset-items", {"datasetName": "gold", "input": ["q"]}, 400, "items"),
        ("dataset-items", {"datasetName": "gold", "input": "q", "status": "ARCHIVED"}, 422, "status"),
        ("dataset-run-items", {"runName": "r", "datasetItemId": "nothing", "traceId": TRACE}, 404, "item"),
        ("dataset-run-items", {"runName": "r", "datasetItemId": "i1"}, 400, "traceId"),
    ],
)
async def test_what_cannot_be_is_said_in_langfuses_shape(
    world: World, path: str, body: dict[str, Any], status: int, field: str
) -> None:
    await world.post("v2/datasets", name="gold")
    await world.post("dataset-items", datasetName="gold", id="i1", input="q")
    refused = await world.post(path, status, **body)
    assert refused["field"] == field
    assert refused["message"]
    assert refused["error"]


async def test_the_trace_of_an_item_is_found_by_its_run(world: World) -> None:
    await world.post("v2/datasets", name="gold")
    await world.post("dataset-items", datasetName="gold", id="i1", input="q")
    told = {"runName": "nightly", "datasetItemId": "i1", "traceId": TRACE, "observationId": SPAN}
    link = await world.post("dataset-run-items", **told, runDescription=f"for {EMAIL}", metadata={"by": "ci"})
    assert link["datasetRunId"] == experiment_id(PROJECT, "gold", "nightly")
    assert (await world.post("dataset-run-items", **told))["id"] == link["id"]
    found = await world.get("/api/v1/traces", run=link["datasetRunId"])
    assert [one["trace_id"] for one in found["items"]] == [TRACE]
    [span] = (await world.get(f"/api/v1/traces/{TRACE}"))["spans"]
    assert (span["run"], span["item"], span["parent_id"]) == (link["datasetRunId"], "i1", SPAN)
    assert span["attributes"]["langfuse.experiment.name"] == "nightly"
    assert span["attributes"]["langfuse.experiment.dataset.id"] == "gold"
    assert EMAIL not in str(span)


async def test_who_may(world: World) -> None:
    """What is said of a trace comes with the key that sends traces; datasets are made by those who write."""
    for path, ingest in (("v2/datasets", 403), ("dataset-items", 403), ("dataset-run-items", 400)):
        for role, status in (("ingest", ingest), ("viewer", 403), ("score", 403)):
            answer = await world.http.post(f"/api/public/{path}", json={}, headers={"x-api-key": role})
            assert answer.status_code == status, (path, role)
