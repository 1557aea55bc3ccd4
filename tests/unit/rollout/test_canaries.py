"""Canaries on a real ledger: start, look, move, people, and what the incident says."""

from dataclasses import replace
from typing import Any

import pytest

from assay_server.core.errors import Conflict, InvalidInput, NotFound, Refused
from assay_server.rollout import MACHINE, Plan, Watched, shaped
from tests.fakes.rollout import FEEDBACK, Stage
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT

EQUAL = {"good": {"baseline": 0.85, "candidate": 0.85}}
BETTER = {"good": {"baseline": 0.7, "candidate": 0.9}}
WORSE = {"good": {"baseline": 0.83, "candidate": 0.5}}


async def test_it_starts_on_the_first_step(stage: Stage) -> None:
    canary = await stage.begin()
    assert (canary.status, canary.step, canary.share, canary.pending) == ("running", 0, 20, None)
    assert (canary.baseline, canary.candidate) == ("rel_a", "rel_b")
    assert stage.channels.history == [("canary_start", "user:ann", 20)]


async def test_a_better_candidate_walks_the_steps_and_is_promoted(stage: Stage) -> None:
    canary = await stage.live(await stage.begin(), **BETTER)
    assert canary.status == "promoted"
    assert [action for action, _, _ in stage.channels.history] == ["canary_start", "canary_step", "canary_promote"]
    assert [share for _, _, share in stage.channels.history] == [20, 50, 0]
    assert stage.channels.live == "rel_b"
    assert canary.share == 0
    assert canary.decision is not None
    assert canary.decision["sentence"].startswith("Promoted after")
    assert stage.incidents.opened == {}


async def test_an_equal_candidate_is_promoted_too(stage: Stage) -> None:
    canary = await stage.live(await stage.begin(Plan(scores=(Watched("user_feedback", 0.1),), min_units=40)), **EQUAL)
    assert canary.status == "promoted"


async def test_a_worse_candidate_is_rolled_back_by_the_machine_with_an_incident(stage: Stage) -> None:
    canary = await stage.live(await stage.begin(), **WORSE)
    assert canary.status == "rolled_back"
    assert stage.channels.live == "rel_a"
    assert stage.channels.history[-1] == ("canary_rollback", MACHINE, 0)
    (incident,) = stage.incidents.opened.values()
    assert incident["kind"] == "canary_rollback"
    assert incident["sentence"].startswith("Rolled back after ")
    assert "user_feedback 0." in incident["sentence"]
    assert "retrieval index version changed from 2026-11 to 2025-02" in incident["sentence"]
    evidence = incident["evidence"]
    assert evidence["metrics"][0]["ci"][1] < 0
    assert evidence["affected"]["units"] == evidence["units"]["candidate"] > 0
    assert evidence["affected"]["calls"] > 0
    assert evidence["differs"]["changes"]
    assert any(action["path"] == f"/api/v1/canaries/{canary.id}" for action in incident["actions"])


async def test_a_candidate_that_breaks_is_rolled_back_by_its_errors_within_few_users(stage: Stage) -> None:
    plan = Plan(scores=(FEEDBACK,), guardrails={"error_rate": 0.02})
    failing = {"candidate": 0.9, "baseline": 0.01}
    canary = await stage.live(await stage.begin(plan), users=5, failing=failing, **EQUAL)
    assert canary.status == "rolled_back"
    assert canary.latest is not None
    assert sum(canary.latest["units"].values()) < 120
    assert "error_rate" in next(iter(stage.incidents.opened.values()))["sentence"]


async def test_undecided_at_the_end_of_the_budget_waits_for_a_person(stage: Stage) -> None:
    plan = Plan(scores=(Watched("user_feedback", 0.001),), min_units=40, max_units=600)
    canary = await stage.live(await stage.begin(plan), **EQUAL)
    assert canary.status == "held"
    assert stage.channels.live == "rel_a"
    assert stage.channels.canary == canary.id
    (incident,) = stage.incidents.opened.values()
    assert (incident["kind"], incident["severity"]) == ("canary_held", "warning")
    assert {"Ship the candidate", "Roll the candidate back"} <= {action["label"] for action in incident["actions"]}
    shipped = await stage.canaries.promote(PROJECT, canary.id, by="user:bob", reason="good enough")
    assert (shipped.status, stage.channels.live) == ("promoted", "rel_b")


async def test_a_held_canary_that_turns_bad_is_still_rolled_back_but_never_promoted(stage: Stage) -> None:
    plan = Plan(scores=(Watched("user_feedback", 0.001),), min_units=40, max_units=600)
    canary = await stage.live(await stage.begin(plan), **EQUAL)
    stage.world.new_users(600, **BETTER)
    assert (await stage.canaries.tick(PROJECT, canary.id)).status == "held"
    stage.world.new_users(3000, **WORSE)
    assert (await stage.canaries.tick(PROJECT, canary.id)).status == "rolled_back"


async def test_a_wrong_split_is_held_with_an_incident(stage: Stage) -> None:
    canary = await stage.begin()
    stage.world.new_users(800, **EQUAL)
    stage.world.calls = [c for n, c in enumerate(stage.world.calls) if c.arm == "baseline" or n % 3 == 0]
    held = await stage.canaries.tick(PROJECT, canary.id)
    assert held.status == "held"
    assert shaped(held)["srm_p"] < 0.001
    assert "split" in next(iter(stage.incidents.opened.values()))["sentence"]


async def test_without_scores_it_neither_advances_nor_ends(stage: Stage) -> None:
    canary = await stage.live(await stage.begin(), rounds=10, score=None, **EQUAL)
    assert (canary.status, canary.step) == ("running", 0)


async def test_returning_users_can_fill_a_later_step_but_add_no_evidence(stage: Stage) -> None:
    canary = await stage.begin()
    stage.world.new_users(900, **BETTER)
    await stage.canaries.tick(PROJECT, canary.id)
    for number in range(1, 901):
        stage.world.ask(f"user-{number}", **BETTER)
    done = await stage.canaries.tick(PROJECT, canary.id)
    assert done.status == "promoted"
    assert done.latest is not None
    assert sum(done.latest["units"].values()) == 900


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"live": None}, Refused),
        ({"live": "rel_b"}, Refused),
        ({"gated": False}, Refused),
        ({"canary": "can_other"}, Conflict),
    ],
)
async def test_a_canary_that_may_not_start_leaves_nothing_behind(
    stage: Stage, change: dict[str, Any], error: type[Exception]
) -> None:
    for name, value in change.items():
        setattr(stage.channels, name, value)
    with pytest.raises(error):
        await stage.begin()
    assert (await stage.canaries.list(PROJECT))[1] == 0
    assert stage.channels.history == []


async def test_it_says_which_field_is_wrong(stage: Stage) -> None:
    with pytest.raises(InvalidInput):
        await stage.begin(Plan(scores=()))
    with pytest.raises(NotFound):
        await stage.canaries.start(
            PROJECT, channel="nowhere", release="rel_b", plan=Plan(scores=(FEEDBACK,)), by="u", reason="r"
        )
    with pytest.raises(NotFound):
        await stage.canaries.start(
            PROJECT, channel="production", release="rel_x", plan=Plan(scores=(FEEDBACK,)), by="u", reason="r"
        )


@pytest.mark.parametrize(
    ("action", "status"), [("abort", "aborted"), ("rollback", "rolled_back"), ("promote", "promoted")]
)
async def test_people_may_end_it_once(stage: Stage, action: str, status: str) -> None:
    canary = await stage.begin()
    act = getattr(stage.canaries, action)
    ended = await act(PROJECT, canary.id, by="user:bob", reason="enough")
    assert ended.status == status
    assert ended.decision["by"] == "user:bob"
    assert "enough" in ended.decision["sentence"]
    assert stage.channels.history[-1] == (f"canary_{action}", "user:bob", 0)
    with pytest.raises(Conflict):
        await act(PROJECT, canary.id, by="user:bob", reason="again")
    assert stage.incidents.opened == {}
    assert (await stage.canaries.tick(PROJECT, canary.id)).revision == ended.revision


async def test_a_channel_changed_by_hand_ends_the_canary(stage: Stage) -> None:
    canary = await stage.begin()
    stage.channels.changed_by_hand("rel_z")
    ended = await stage.canaries.tick(PROJECT, canary.id)
    assert (ended.status, stage.channels.live) == ("aborted", "rel_z")


async def test_another_projects_canary_does_not_exist(stage: Stage) -> None:
    canary = await stage.begin()
    for ask in (stage.canaries.get, stage.canaries.tick):
        with pytest.raises(NotFound):
            await ask(OTHER_PROJECT, canary.id)
    with pytest.raises(NotFound):
        await stage.canaries.abort(OTHER_PROJECT, canary.id, by="u", reason="r")
    assert await stage.canaries.looks(OTHER_PROJECT, canary.id) == []
    assert (await stage.canaries.list(OTHER_PROJECT))[1] == 0


async def test_lists_are_newest_first_filtered_and_paged(stage: Stage) -> None:
    made = []
    for _ in range(3):
        canary = await stage.begin()
        made.append(canary.id)
        await stage.canaries.abort(PROJECT, canary.id, by="u", reason="r")
        stage.clock.pass_(1)
    found, total = await stage.canaries.list(PROJECT, status="aborted", limit=2)
    assert ([one.id for one in found], total) == ([made[2], made[1]], 3)
    rest, _ = await stage.canaries.list(PROJECT, limit=2, after=(found[-1].started_ns, found[-1].id))
    assert [one.id for one in rest] == [made[0]]
    assert (await stage.canaries.list(PROJECT, channel="staging"))[1] == 0


async def test_looks_are_few_and_the_newest_is_always_shown(stage: Stage) -> None:
    plan = Plan(scores=(FEEDBACK,), min_units=2000, max_units=8000)
    canary = await stage.live(await stage.begin(plan), users=10, rounds=150, **EQUAL)
    kept = await stage.canaries.looks(PROJECT, canary.id)
    units = [sum(look["units"].values()) for look in kept]
    assert units == sorted(set(units))
    assert 20 < len(kept) < 50
    page = shaped(canary, kept)
    assert page["looks"][-1]["units"] == 1500
    assert page["looks"][-1]["ci"] == page["metrics"][0]["ci"]
    assert sum(page["units"].values()) == 1500


async def test_the_decisive_look_is_kept(stage: Stage) -> None:
    canary = await stage.live(await stage.begin(), **WORSE)
    assert (await stage.canaries.looks(PROJECT, canary.id))[-1] == canary.latest


async def test_a_decision_made_on_an_old_revision_is_dropped(stage: Stage) -> None:
    """Somebody aborts while a look is under way: the look's promotion must not win."""
    canary = await stage.begin()
    stage.world.new_users(400, **BETTER)
    read = stage.canaries.get

    async def stale(project: str, canary_id: str) -> Any:
        record = await read(project, canary_id)
        stage.canaries.get = read  # type: ignore[method-assign]
        await stage.canaries.abort(project, canary_id, by="user:bob", reason="stop")
        stage.channels.canary = canary.id  # as the tick saw it, a moment before
        return record

    stage.canaries.get = stale  # type: ignore[method-assign]
    after = await stage.canaries.tick(PROJECT, canary.id)
    assert after.status == "aborted"
    assert [action for action, _, _ in stage.channels.history] == ["canary_start", "canary_abort"]


async def test_the_shape_is_the_contracts(stage: Stage) -> None:
    canary = await stage.begin(Plan(scores=(FEEDBACK,), guardrails={"error_rate": 0.02}))
    fields = {
        "id", "channel", "baseline", "candidate", "status", "share", "step", "steps", "started_at", "ended_at",
        "units", "srm_p", "metrics", "looks", "decision", "by", "reason", "unit", "alpha", "min_units", "max_units",
    }  # fmt: skip
    fresh = shaped(canary)
    assert fields <= set(fresh)
    assert (fresh["units"], fresh["srm_p"], fresh["looks"]) == ({"baseline": 0, "candidate": 0}, None, [])
    assert fresh["guardrails"] == [{"name": "error_rate", "margin": 0.02, "decision": "undecided"}]
    held = replace(canary, decision={"action": "hold", "sentence": "s", "at_ns": canary.started_ns, "by": MACHINE})
    assert shaped(held)["decision"]["at"] == shaped(held)["started_at"]


async def test_what_people_write_is_scrubbed_before_it_is_stored(stage: Stage) -> None:
    canary = await stage.begin()
    ended = await stage.canaries.abort(PROJECT, canary.id, by="user:bob", reason="ask ann@example.com")
    assert ended.decision is not None
    assert "ann@" not in str(ended.decision)
    assert stage.channels.reasons[-1] == "ask [EMAIL_ADDRESS]"
