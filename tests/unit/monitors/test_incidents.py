"""Incidents: opened once, taken care of by people, audited."""

from typing import Any

import pytest

from assay_server.core.errors import Conflict, InvalidInput, NotFound
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.monitors import Incidents, shaped
from tests.fakes.rollout import FakeClock, scrub
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT

BAD: dict[str, Any] = {
    "key": "can_1:rollback",
    "kind": "canary_rollback",
    "severity": "critical",
    "title": "Canary on production rolled back",
    "subject": "can_1",
    "sentence": "Rolled back after 312 users.",
    "evidence": {"units": {"baseline": 250, "candidate": 62}},
    "actions": [{"label": "Look", "method": "GET", "path": "/api/v1/canaries/can_1"}],
    "by": "assay:canary",
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def audit(ledger: Ledger, clock: FakeClock) -> Audit:
    return Audit(ledger, clock, scrub)


@pytest.fixture
def incidents(ledger: Ledger, audit: Audit, clock: FakeClock) -> Incidents:
    return Incidents(ledger, audit, clock, scrub)


async def test_it_says_what_happened(incidents: Incidents) -> None:
    opened = shaped(await incidents.get(PROJECT, await incidents.open(PROJECT, **BAD)))
    assert opened["id"].startswith("inc_")
    assert (opened["status"], opened["kind"], opened["severity"]) == ("open", "canary_rollback", "critical")
    assert opened["evidence"] == BAD["evidence"]
    assert opened["actions"] == BAD["actions"]
    assert opened["timeline"] == [{"at": opened["opened_at"], "what": "opened", "by": "assay:canary"}]


async def test_the_same_key_opens_one_incident(incidents: Incidents, audit: Audit) -> None:
    first = await incidents.open(PROJECT, **BAD)
    assert await incidents.open(PROJECT, **(BAD | {"sentence": "again"})) == first
    assert (await incidents.get(PROJECT, first)).sentence == BAD["sentence"]
    assert await incidents.open(OTHER_PROJECT, **BAD) != first
    assert (await audit.list(PROJECT, action="incident.open"))[1] == 1


async def test_who_comes_second_is_told_who_was_quicker(incidents: Incidents) -> None:
    incident = await incidents.open(PROJECT, **BAD)
    await incidents.acknowledge(PROJECT, incident, by="user:ann", reason="mine")
    with pytest.raises(Conflict, match="acknowledged already, by user:ann at 2026"):
        await incidents.acknowledge(PROJECT, incident, by="user:bob", reason="mine too")


async def test_people_take_care_of_it_and_that_is_audited(incidents: Incidents, audit: Audit, clock: FakeClock) -> None:
    incident = await incidents.open(PROJECT, **BAD)
    clock.pass_(60)
    taken = await incidents.acknowledge(PROJECT, incident, by="user:ann", reason="ask ann@example.com")
    clock.pass_(60)
    done = await incidents.resolve(PROJECT, incident, by="user:bob", reason="index rebuilt")
    assert (taken.status, done.status) == ("acknowledged", "resolved")
    told = [(entry.what, entry.by) for entry in done.timeline]
    assert told == [
        ("opened", "assay:canary"),
        ("acknowledged: ask [EMAIL_ADDRESS]", "user:ann"),
        ("resolved: index rebuilt", "user:bob"),
    ]
    events, total, _ = await audit.list(PROJECT, subject=incident)
    assert total == 3
    assert [event["action"] for event in events] == ["incident.resolve", "incident.acknowledge", "incident.open"]
    assert (events[0]["before"], events[0]["after"]) == ({"status": "acknowledged"}, {"status": "resolved"})


async def test_what_is_over_is_over(incidents: Incidents) -> None:
    incident = await incidents.open(PROJECT, **BAD)
    await incidents.resolve(PROJECT, incident, by="u", reason="r")
    with pytest.raises(Conflict):
        await incidents.acknowledge(PROJECT, incident, by="u", reason="r")
    with pytest.raises(Conflict):
        await incidents.resolve(PROJECT, incident, by="u", reason="r")


async def test_lists_are_newest_first_filtered_and_paged(incidents: Incidents, clock: FakeClock) -> None:
    made = []
    for number in range(3):
        made.append(await incidents.open(PROJECT, **(BAD | {"key": str(number)})))
        clock.pass_(1)
    await incidents.resolve(PROJECT, made[0], by="u", reason="r")
    found, total = await incidents.list(PROJECT, limit=2)
    assert ([one.id for one in found], total) == ([made[2], made[1]], 3)
    rest, _ = await incidents.list(PROJECT, limit=2, after=(found[-1].opened_ns, found[-1].id))
    assert [one.id for one in rest] == [made[0]]
    assert [entry.what for entry in rest[0].timeline] == ["opened", "resolved: r"]
    assert (await incidents.list(PROJECT, status="open"))[1] == 2


async def test_another_projects_incident_does_not_exist(incidents: Incidents) -> None:
    incident = await incidents.open(PROJECT, **BAD)
    with pytest.raises(NotFound):
        await incidents.get(OTHER_PROJECT, incident)
    with pytest.raises(NotFound):
        await incidents.resolve(OTHER_PROJECT, incident, by="u", reason="r")
    assert (await incidents.list(OTHER_PROJECT))[1] == 0


async def test_unknown_words_are_refused(incidents: Incidents) -> None:
    with pytest.raises(InvalidInput):
        await incidents.open(PROJECT, **(BAD | {"severity": "apocalyptic"}))
    with pytest.raises(InvalidInput):
        await incidents.list(PROJECT, status="forgotten")
