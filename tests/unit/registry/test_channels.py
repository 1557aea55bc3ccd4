"""What is live: the gate, the way back, canaries, and two people at once."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from assay_server.core.errors import AssayError, Conflict, InvalidInput, NotFound, Refused
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT
from tests.unit.registry.conftest import ACTOR, World

CANARY = "can_1"


async def promote(world: World, release: dict[str, Any], channel: str = "production", **more: Any) -> dict[str, Any]:
    world.clock.advance(1)
    return await world.channels.promote(PROJECT, ACTOR, channel, release=release["id"], reason="good", **more)


async def rollback(world: World, **more: Any) -> dict[str, Any]:
    world.clock.advance(1)
    return await world.channels.rollback(PROJECT, ACTOR, "production", reason="bad", **more)


async def begin(world: World, candidate: dict[str, Any], canary: str = CANARY, share: float = 20) -> None:
    await world.channels.begin(
        PROJECT, "production", canary=canary, candidate=candidate["id"], share=share, by=ACTOR, reason="try"
    )


async def advance(world: World, step: int, share: float) -> None:
    await world.channels.advance(
        PROJECT, "production", canary=CANARY, step=step, share=share, by="assay:canary", reason="no worse"
    )


async def finish(world: World, outcome: str, canary: str = CANARY) -> None:
    await world.channels.finish(
        PROJECT, "production", canary=canary, outcome=outcome, by="assay:canary", reason="decided"
    )


async def actions(world: World) -> list[str]:
    channel = await world.channels.get(PROJECT, "production")
    return [event["action"] for event in reversed(channel["history"])]


async def live(world: World) -> str:
    return str((await world.channels.resolve(PROJECT, "production", "u"))["release"]["id"])


class TestPromote:
    async def test_it_goes_live_with_who_when_why_and_the_verdict(self, world: World) -> None:
        release = await world.good("one")
        found = await promote(world, release)
        assert found["release"]["id"] == release["id"]
        assert (found["by"], found["reason"], found["requires_gate"]) == (ACTOR, "good", True)
        (event,) = found["history"]
        verdict = (await world.releases.get(PROJECT, release["id"]))["verdicts"][0]["id"]
        assert (event["action"], event["from"], event["to"], event["verdict"]) == (
            "promote",
            None,
            release["id"],
            verdict,
        )
        assert event["at"] == found["since"]

    @pytest.mark.parametrize("verdict", [None, "fail", "inconclusive"])
    async def test_without_a_pass_it_is_refused_and_the_refusal_is_recorded(
        self, world: World, verdict: str | None
    ) -> None:
        release = await world.release()
        if verdict is not None:
            await world.judged(release, verdict)
        with pytest.raises(Refused) as refused:
            await promote(world, release)
        assert "gate" in str(refused.value.fix)
        assert (await world.channels.get(PROJECT, "production"))["release"] is None
        events, total, _ = await world.audit.list(PROJECT, action="channel.promote_refused")
        assert (total, events[0]["after"]["release"]) == (1, release["id"])

    async def test_a_channel_may_do_without_the_gate(self, world: World) -> None:
        await world.channels.put(PROJECT, ACTOR, "playground", requires_gate=False)
        release = await world.release()
        found = await promote(world, release, "playground")
        assert found["release"]["id"] == release["id"]

    async def test_only_conventional_names_are_created_in_passing(self, world: World) -> None:
        release = await world.good("one")
        with pytest.raises(NotFound) as unknown:
            await promote(world, release, "prodution")
        assert "create it" in str(unknown.value.fix)
        assert (await promote(world, release, "staging"))["name"] == "staging"

    async def test_what_is_live_already_stays_and_nothing_is_recorded(self, world: World) -> None:
        release = await world.live("one")
        first = await world.channels.get(PROJECT, "production")
        assert await promote(world, release) == first

    async def test_a_reason_is_asked_for_and_scrubbed(self, world: World) -> None:
        release = await world.good("one")
        with pytest.raises(InvalidInput):
            await world.channels.promote(PROJECT, ACTOR, "production", release=release["id"], reason="  ")
        found = await world.channels.promote(
            PROJECT, ACTOR, "production", release=release["id"], reason="for ada@example.com"
        )
        assert found["reason"] == found["history"][0]["reason"] == "for [EMAIL_ADDRESS]"

    async def test_of_two_people_who_saw_the_same_state_one_wins(self, world: World) -> None:
        await world.live("zero")
        one, two = await world.good("one"), await world.good("two")
        seen = (await world.channels.get(PROJECT, "production"))["revision"]
        done = await asyncio.gather(
            promote(world, one, revision=seen), promote(world, two, revision=seen), return_exceptions=True
        )
        assert Counter(type(each) for each in done) == {dict: 1, Conflict: 1}

    async def test_other_projects_are_apart(self, world: World) -> None:
        release = await world.live("one")
        with pytest.raises(NotFound):
            await world.channels.get(OTHER_PROJECT, "production")
        with pytest.raises(NotFound):
            await world.channels.resolve(OTHER_PROJECT, "production", "u")
        await world.channels.put(OTHER_PROJECT, ACTOR, "production", requires_gate=False)
        with pytest.raises(NotFound):
            await world.channels.promote(OTHER_PROJECT, ACTOR, "production", release=release["id"], reason="x")


class TestRollback:
    async def test_the_earlier_release_is_back_and_what_was_undone_is_told(self, world: World) -> None:
        one, two = await world.live("one"), await world.live("two")
        assert await live(world) == two["id"]
        found = await rollback(world)
        assert found["release"]["id"] == one["id"]
        assert (found["undone"]["release"], found["undone"]["by"]) == (two["id"], ACTOR)
        assert await live(world) == one["id"]
        event = (await world.audit.list(PROJECT, action="channel.rollback"))[0][0]
        assert (event["actor"], event["reason"], event["subject"]) == (ACTOR, "bad", "production")
        assert event["before"]["release"] == two["id"]
        assert event["after"]["release"] == one["id"]

    async def test_a_second_one_goes_further_back_and_not_forward(self, world: World) -> None:
        releases = [await world.live(text) for text in ("one", "two", "three")]
        assert (await rollback(world))["release"]["id"] == releases[1]["id"]
        assert (await rollback(world))["release"]["id"] == releases[0]["id"]
        with pytest.raises(Refused, match="nothing to go back to"):
            await rollback(world)

    async def test_to_a_release_that_was_live_before_even_one_that_was_undone(self, world: World) -> None:
        one, two = await world.live("one"), await world.live("two")
        await rollback(world)
        assert (await rollback(world, to=two["id"]))["release"]["id"] == two["id"]
        assert (await rollback(world))["release"]["id"] == one["id"]

    async def test_not_to_one_that_never_was_live_or_is(self, world: World) -> None:
        one = await world.live("one")
        never = await world.good("never")
        for ref in (one["id"], never["id"]):
            with pytest.raises(Refused):
                await rollback(world, to=ref)

    async def test_it_needs_no_verdict(self, world: World) -> None:
        one = await world.live("one")
        await world.live("two")
        await world.judged(one, "fail")
        assert (await rollback(world))["release"]["id"] == one["id"]

    async def test_it_ends_a_canary_as_well(self, world: World) -> None:
        one = await world.live("one")
        await world.live("two")
        await begin(world, await world.good("three"), share=100)
        found = await rollback(world)
        assert (found["release"]["id"], found["canary"], found["undone"]["canary"]) == (one["id"], None, CANARY)
        assert await live(world) == one["id"]
        assert (await actions(world))[-3:] == ["canary_start", "canary_abort", "rollback"]

    async def test_with_nothing_below_it_ends_the_canary_only(self, world: World) -> None:
        one = await world.live("one")
        await begin(world, await world.good("two"), share=100)
        found = await rollback(world)
        assert (found["release"]["id"], found["canary"]) == (one["id"], None)


class TestResolve:
    async def test_without_a_canary_there_are_no_arms(self, world: World) -> None:
        release = await world.live("Answer {question}.")
        found = await world.channels.resolve(PROJECT, "production", "ada")
        assert (found["arm"], found["canary"], found["unit"], found["channel"]) == (None, None, "ada", "production")
        full = await world.releases.get(PROJECT, release["id"])
        assert found["release"] == {name: full[name] for name in full if name not in ("verdicts", "live_on")}

    async def test_nothing_live_and_no_such_channel(self, world: World) -> None:
        await world.channels.put(PROJECT, ACTOR, "empty")
        for channel in ("empty", "nothing"):
            with pytest.raises(NotFound):
                await world.channels.resolve(PROJECT, channel, "u")

    async def test_units_are_dealt_by_the_share_stay_where_they_are_and_only_move_to_the_candidate(
        self, world: World
    ) -> None:
        baseline, candidate = await world.live("one"), await world.good("two")
        units = [f"user-{index}" for index in range(500)]

        async def candidates() -> set[str]:
            found = {unit: await world.channels.resolve(PROJECT, "production", unit) for unit in units}
            for told in found.values():
                expected = candidate if told["arm"] == "candidate" else baseline
                assert (told["release"]["id"], told["canary"]) == (expected["id"], CANARY)
            return {unit for unit, told in found.items() if told["arm"] == "candidate"}

        await begin(world, candidate)
        at_20 = await candidates()
        assert 60 <= len(at_20) <= 140
        assert await candidates() == at_20
        await advance(world, 1, 50)
        at_50 = await candidates()
        assert at_20 < at_50
        assert 200 <= len(at_50) <= 300

    async def test_without_a_unit_one_takes_no_part(self, world: World) -> None:
        baseline = await world.live("one")
        await begin(world, await world.good("two"), share=100)
        found = await world.channels.resolve(PROJECT, "production", None)
        assert (found["arm"], found["release"]["id"]) == (None, baseline["id"])


class TestCanary:
    async def test_promoted(self, world: World) -> None:
        await world.live("one")
        candidate = await world.good("two")
        await begin(world, candidate)
        await advance(world, 1, 50)
        await finish(world, "promote")
        assert await live(world) == candidate["id"]
        assert await actions(world) == ["promote", "canary_start", "canary_step", "canary_promote"]
        assert (await rollback(world))["undone"]["release"] == candidate["id"]

    @pytest.mark.parametrize("outcome", ["rollback", "abort"])
    async def test_ended(self, world: World, outcome: str) -> None:
        baseline = await world.live("one")
        await begin(world, await world.good("two"), share=100)
        await finish(world, outcome)
        assert await live(world) == baseline["id"]
        assert (await actions(world))[-1] == f"canary_{outcome}"
        standing = await world.channels.standing(PROJECT, "production")
        assert (standing.release, standing.canary, standing.share) == (baseline["id"], None, 0.0)

    async def test_every_step_may_be_repeated_and_is_written_once(self, world: World) -> None:
        """A process that was killed between its decision and the channel does it again."""
        await world.live("one")
        candidate = await world.good("two")
        for _ in range(2):
            await begin(world, candidate)
        for _ in range(2):
            await advance(world, 1, 50)
        standing = await world.channels.standing(PROJECT, "production")
        assert (standing.canary, standing.candidate, standing.share) == (CANARY, candidate["id"], 50.0)
        for _ in range(2):
            await finish(world, "promote")
        await begin(world, candidate)
        await advance(world, 2, 80)
        assert await actions(world) == ["promote", "canary_start", "canary_step", "canary_promote"]
        assert (await world.audit.verify(PROJECT))["ok"]

    async def test_one_that_was_ended_by_hand_is_not_promoted_any_more(self, world: World) -> None:
        await world.live("one")
        await world.live("two")
        await begin(world, await world.good("three"))
        await rollback(world)
        await finish(world, "rollback")
        with pytest.raises(Conflict):
            await finish(world, "promote")

    async def test_it_needs_a_verdict_a_baseline_and_a_free_channel(self, world: World) -> None:
        one = await world.good("one")
        await world.channels.put(PROJECT, ACTOR, "production")
        with pytest.raises(Refused, match="Nothing is live"):
            await begin(world, one)
        await promote(world, one)
        with pytest.raises(Refused, match="live there already"):
            await begin(world, one)
        with pytest.raises(Refused, match="no gate has judged it"):
            await begin(world, await world.release("unjudged"))
        await begin(world, await world.good("two"))
        other = await world.good("three")
        with pytest.raises(Conflict):
            await begin(world, other, canary="can_2")
        with pytest.raises(Conflict):
            await promote(world, other)

    async def test_faulty_calls(self, world: World) -> None:
        await world.live("one")
        candidate = await world.good("two")
        for share in (0, -5, 101):
            with pytest.raises(InvalidInput):
                await begin(world, candidate, share=share)
        await begin(world, candidate, share=50)
        with pytest.raises(InvalidInput, match="only grows"):
            await advance(world, 1, 20)
        with pytest.raises(InvalidInput):
            await finish(world, "explode")
        with pytest.raises(NotFound):
            await finish(world, "abort", canary="can_unknown")


async def test_put_creates_changes_and_guards_against_what_one_has_not_seen(world: World) -> None:
    made, is_new = await world.channels.put(PROJECT, ACTOR, "beta")
    assert (made["requires_gate"], made["release"], made["history"], is_new) == (True, None, [], True)
    changed, is_new = await world.channels.put(PROJECT, ACTOR, "beta", requires_gate=False, revision=made["revision"])
    assert (changed["requires_gate"], is_new) == (False, False)
    with pytest.raises(Conflict):
        await world.channels.put(PROJECT, ACTOR, "beta", revision=made["revision"])
    same, _ = await world.channels.put(PROJECT, ACTOR, "beta", requires_gate=False)
    assert same == changed
    with pytest.raises(InvalidInput):
        await world.channels.put(PROJECT, ACTOR, "Be Ta")
    assert await world.channels.names(PROJECT) == ["beta"]


async def test_a_channel_that_changes_all_the_time_is_never_half_changed(world: World) -> None:
    """Whoever asks while it changes gets one of the releases, whole."""
    releases = [await world.live("one"), await world.live("two")]
    known = {release["id"] for release in releases}

    async def ask() -> None:
        for index in range(50):
            found = await world.channels.resolve(PROJECT, "production", str(index))
            assert found["release"]["id"] in known
            await asyncio.sleep(0)

    async def change() -> None:
        for index in range(6):
            try:
                await promote(world, releases[index % 2])
            except AssayError as error:
                pytest.fail(str(error))

    await asyncio.gather(ask(), ask(), change())
    assert await live(world) == releases[1]["id"]
