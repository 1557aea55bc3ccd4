"""Suites: kept by name within a project, validated with all faults at once, audited."""

from typing import Any

import pytest

from assay_server.core.errors import InvalidInput, NotFound
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT
from tests.unit.evals.conftest import Room


async def test_put_get_list_and_the_audit(room: Room) -> None:
    body = {"metrics": [{"metric": "refusal", "margin": 0.05}, {"metric": "latency_ms", "bar": 900}], "min_items": 30}
    await room.suites.put(PROJECT, "key:me", "nightly", body)
    changed = await room.suites.put(PROJECT, "key:me", "nightly", body | {"alpha": 0.1})

    suite = await room.suites.get(PROJECT, "nightly")
    assert (suite.alpha, suite.min_items, suite.rules[1].direction) == (0.1, 30, "lower")
    assert changed["metrics"] == [
        {"metric": "refusal", "direction": "higher", "margin": 0.05},
        {"metric": "latency_ms", "direction": "lower", "bar": 900.0},
    ]
    assert [s["name"] for s in await room.suites.list(PROJECT)] == ["golden", "nightly"]
    assert [s["name"] for s in await room.suites.list(OTHER_PROJECT)] == ["golden"]
    with pytest.raises(NotFound):
        await room.suites.get(OTHER_PROJECT, "nightly")
    assert [event["action"] for event in room.audit.events] == ["suite.put", "suite.put"]
    assert (room.audit.events[0]["before"], room.audit.events[1]["before"]["alpha"]) == (None, 0.05)


async def test_ones_own_golden_replaces_the_built_in_one(room: Room) -> None:
    await room.suites.put(PROJECT, "k", "golden", {"metrics": [{"metric": "refusal", "bar": 0.5}]})
    assert len((await room.suites.get(PROJECT, "golden")).rules) == 1
    listed = await room.suites.list(PROJECT)
    assert [(s["name"], s["built_in"]) for s in listed] == [("golden", False)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"metrics": []}, ["at least one metric"]),
        ({"metrics": [{"metric": "exact_mach", "bar": 0.5}, {"metric": "refusal"}]}, ["exact_match", "metrics[1]"]),
        ({"metrics": [{"metric": "refusal", "bar": "high"}]}, ["'bar' must be a number"]),
        ({"metrics": [{"metric": "refusal", "margin": -0.1}]}, ["must not be negative"]),
        ({"metrics": [{"metric": "refusal", "bar": 1.0}]}, ["no sample can show"]),
        ({"metrics": [{"metric": "latency_ms", "bar": 0}]}, ["no sample can show"]),
        ({"metrics": [{"metric": "refusal", "bar": 0.5, "direction": "up"}]}, ["direction"]),
        ({"metrics": [{"metric": "refusal", "bar": 0.5}] * 2}, ["stands twice"]),
        ({"metrics": [{"metric": "refusal", "bar": 0.5}], "alpha": 0.9, "min_items": 0.5}, ["alpha", "min_items"]),
        ({"metrics": ["refusal"]}, ["must name a check"]),
    ],
)
async def test_faults_are_named_all_at_once(room: Room, body: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        await room.suites.put(PROJECT, "k", "s", body)
    assert all(word in caught.value.message for word in words)
    assert room.audit.events == []


async def test_odd_names_are_refused(room: Room) -> None:
    for name in ("", "Upper", "a b", "-x", "x" * 101):
        with pytest.raises(InvalidInput):
            await room.suites.put(PROJECT, "k", name, {"metrics": [{"metric": "refusal", "bar": 0.5}]})
