"""Messages: told once each, together, again after failures, not during a silence, and never with an address."""

import asyncio

import pytest

from assay_server.core.clock import rfc3339
from assay_server.core.errors import Conflict, InvalidInput, NotFound
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.notify import Courier, Message, NotificationChannels, Outbox, Silences, silenced_until
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT


def scrub(text: str) -> tuple[str, list[str]]:
    return text, []


URL = "slack://tokenAAAA/tokenBBBB/tokenCCCC"


class World:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.clock, self.sender = ledger, FakeClock(), FakeSender()
        self.audit = Audit(ledger, self.clock, scrub)
        self.channels = NotificationChannels(ledger, self.audit, self.clock, self.sender)
        self.outbox = Outbox(ledger, self.clock)
        self.silences = Silences(ledger, self.audit, self.clock, scrub)
        self.courier = Courier(ledger, self.sender, self.clock)

    async def put(self, incident: str = "inc_1", event: str = "opened", names: list[str] | None = None) -> int:
        message = Message(incident, "mon_1", event, "critical", f"{incident} {event}", "n = 30")
        return await self.ledger.write(lambda c: self.outbox.put(c, PROJECT, message, names))

    async def deliver(self, after_s: float = 11) -> int:
        self.clock.advance(after_s)
        return await self.courier.deliver()

    async def statuses(self) -> list[str]:
        return [row.status for row in (await self.outbox.list(PROJECT))[0]]


def _until(world: World, *, hour: int) -> float:
    """Seconds to the next time that it is this hour in UTC."""
    return float((hour * 3600 - world.clock.now_ns() // 10**9) % 86_400)


@pytest.fixture
async def world(any_ledger: Ledger) -> World:
    made = World(any_ledger)
    await made.channels.create(PROJECT, "key:a", name="ops", url=URL)
    return made


async def test_a_message_is_told_once_with_its_reference(world: World) -> None:
    assert (await world.put(), await world.put()) == (1, 0)
    assert await world.deliver(after_s=1) == 0  # it waits for what may come along
    assert await world.deliver() == 1
    assert await world.deliver() == 0
    [(url, title, body, severity)] = world.sender.sent
    assert (url, title, severity) == (URL, "inc_1 opened", "critical")
    assert body == "n = 30\n\nref inc_1:opened"


async def test_after_a_restore_nothing_is_sent_until_somebody_says_so(world: World) -> None:
    leaving = [False]
    world.courier = Courier(world.ledger, world.sender, world.clock, may_leave=lambda: leaving[0])
    await world.put()
    assert await world.deliver() == 0
    assert (world.sender.sent, await world.statuses()) == ([], ["waiting"])
    leaving[0] = True
    assert await world.deliver() == 1


async def test_what_happens_together_is_told_together(world: World) -> None:
    await world.put("inc_1")
    world.clock.advance(8)
    await world.put("inc_2")
    assert await world.deliver(after_s=3) == 1
    [(_, title, body, _)] = world.sender.sent
    assert title == "Assay: 2 opened"
    assert "inc_1 opened" in body
    assert body.endswith("ref inc_1:opened inc_2:opened")
    assert await world.statuses() == ["sent", "sent"]


async def test_a_failed_delivery_comes_again_ever_later_and_is_given_up_after_a_day(world: World) -> None:
    await world.put()
    world.sender.down = "502"
    tries, waited = 0, 0.0
    while (await world.statuses()) == ["waiting"] and tries < 300:
        world.clock.advance(300)
        waited += 300
        before = (await world.outbox.list(PROJECT))[0][0].attempts
        await world.courier.deliver()
        tries += (await world.outbox.list(PROJECT))[0][0].attempts - before
    assert await world.statuses() == ["failed"]
    assert 86_400 <= waited <= 86_400 + 1000
    assert 90 <= tries <= 130  # a quarter of an hour apart at most
    [shown] = await world.channels.list(PROJECT)
    assert (shown["last_error"], shown["last_sent_at"]) == ("502", None)


async def test_after_a_failure_it_still_arrives(world: World) -> None:
    await world.put()
    world.sender.fails = ["down", "down"]
    assert [await world.deliver(12) for _ in range(3)] == [0, 0, 1]
    assert len(world.sender.sent) == 1


async def test_after_a_long_silence_a_failed_delivery_is_tried_for_a_day_as_ever(world: World) -> None:
    """The day was counted from when the message was put: after a silent week one failure was the end of it."""
    ends = world.clock.now_ns() + 7 * 86_400 * 10**9
    await world.silences.create(PROJECT, "key:a", subject=None, starts_ns=None, ends_ns=ends, reason="holidays")
    await world.put()
    assert await world.deliver() == 0
    world.sender.fails = ["502", "502"]
    assert await world.deliver(7 * 86_400) == 0
    assert await world.statuses() == ["waiting"]
    assert [await world.deliver(30) for _ in range(2)] == [0, 1]
    assert len(world.sender.sent) == 1


async def test_an_end_is_never_told_before_its_beginning(world: World) -> None:
    """The trouble waits for its next try while the all-clear is due at once."""
    await world.put("inc_1")
    world.sender.down = "502"
    for _ in range(10):
        await world.deliver(900)
    world.sender.down = None
    await world.put("inc_1", "resolved")
    assert await world.deliver() == 1
    [(_, title, body, _)] = world.sender.sent
    assert title == "Assay: 1 opened, 1 resolved"
    assert body.index("inc_1 opened") < body.index("inc_1 resolved")
    assert await world.deliver(1000) == 0


async def test_what_passed_before_it_was_told_stays_untold_where_a_silence_begins(world: World) -> None:
    await world.put("inc_1")
    await world.put("inc_1", "resolved")
    ends = world.clock.now_ns() + 3600 * 10**9
    await world.silences.create(PROJECT, "key:a", subject="mon_1", starts_ns=None, ends_ns=ends, reason="deploy")
    assert await world.deliver() == 0
    assert await world.deliver(3600) == 0
    assert await world.statuses() == ["dropped", "dropped"]


async def test_a_silence_puts_off_and_what_passed_meanwhile_is_never_told(world: World) -> None:
    ends = world.clock.now_ns() + 3600 * 10**9
    await world.silences.create(PROJECT, "key:a", subject="mon_1", starts_ns=None, ends_ns=ends, reason="deploy")
    await world.put("inc_1")
    await world.put("inc_2")
    assert await world.deliver() == 0
    await world.put("inc_1", "resolved")
    assert await world.deliver(3600) == 1
    assert [title for _, title, _, _ in world.sender.sent] == ["inc_2 opened"]
    assert sorted(await world.statuses()) == ["dropped", "sent"]


async def test_ending_a_silence_lets_waiting_messages_out_at_its_new_end(world: World) -> None:
    ends = world.clock.now_ns() + 3600 * 10**9
    made = await world.silences.create(PROJECT, "key:a", subject=None, starts_ns=None, ends_ns=ends, reason="deploy")
    await world.put()
    assert await world.deliver() == 0
    await world.silences.end(PROJECT, "key:a", made["id"])
    assert await world.silences.list(PROJECT) == []
    assert await world.deliver(1) == 1


NIGHTS = {"from": "02:00", "until": "04:00", "time_zone": "Europe/Berlin"}


async def test_a_silence_that_comes_again_holds_messages_back_at_its_times(world: World) -> None:
    """The clock begins on 2026-11-21 at 08:00 in UTC, 09:00 in Berlin, a Saturday."""
    made = await world.silences.create(
        PROJECT, "key:a", subject=None, starts_ns=None, ends_ns=None, reason="load", repeats=NIGHTS
    )
    await world.put("inc_day")
    assert await world.deliver() == 1
    for night in ("first", "second"):
        world.clock.advance(_until(world, hour=2))  # 03:00 in Berlin
        await world.put(f"inc_{night}")
        await world.put(f"inc_short_{night}")
        assert await world.deliver() == 0
        [shown] = await world.silences.list(PROJECT)
        assert shown["silent_until"].endswith("T03:00:00.000000Z")
        await world.put(f"inc_short_{night}", "resolved")
        assert await world.deliver(_until(world, hour=3)) == 1
    assert [title for _, title, _, _ in world.sender.sent] == [f"inc_{x} opened" for x in ("day", "first", "second")]
    await world.silences.end(PROJECT, "key:a", made["id"])
    assert await world.silences.list(PROJECT) == []
    [past] = await world.silences.list(PROJECT, past=True)
    assert (past["next_at"], past["repeats"]["from"]) == (None, "02:00")


async def test_silences_that_follow_each_other_end_together(world: World) -> None:
    whole_days = {"days": ["sat", "sun"], "from": "00:00", "until": "00:00", "time_zone": "Europe/Berlin"}
    await world.silences.create(
        PROJECT, "key:a", subject="mon_1", starts_ns=None, ends_ns=None, reason="weekend", repeats=whole_days
    )
    now = world.clock.now_ns()
    until = await world.ledger.read(lambda c: silenced_until(c, PROJECT, "mon_1", now))
    assert until is not None
    assert rfc3339(until) == "2026-11-22T23:00:00.000000Z"
    assert await world.ledger.read(lambda c: silenced_until(c, PROJECT, "mon_2", now)) is None


async def test_what_comes_again_does_so_between_its_two_ends_only(world: World) -> None:
    now, day = world.clock.now_ns(), 86_400 * 10**9
    made = await world.silences.create(
        PROJECT, "key:a", subject=None, starts_ns=now + day, ends_ns=now + 2 * day, reason="load", repeats=NIGHTS
    )
    assert made["next_at"] == "2026-11-23T01:00:00.000000Z"
    asked = [now + day * n + 18 * 3600 * 10**9 for n in (0, 1, 2)]  # 03:00 in Berlin
    found = await world.ledger.read(lambda c: [silenced_until(c, PROJECT, "mon_1", at) for at in asked])
    assert [each is not None for each in found] == [False, True, False]


async def test_the_all_clear_goes_to_those_who_heard(world: World) -> None:
    other = await world.channels.create(PROJECT, "key:a", name="mail", url="mailto://x")
    await world.put(names=["ops"])
    await world.deliver()
    assert await world.put(event="resolved") == 1
    await world.deliver()
    assert [(url, severity) for url, _, _, severity in world.sender.sent] == [(URL, "critical"), (URL, "resolved")]
    await world.channels.delete(PROJECT, "key:a", other["id"])


async def test_who_was_never_told_of_trouble_is_not_told_of_its_end(world: World) -> None:
    """The channel was off, or did not answer for a day."""
    [channel] = await world.channels.list(PROJECT)
    await world.put("inc_1")
    await world.channels.change(PROJECT, "key:a", channel["id"], {"enabled": False})
    await world.deliver()
    await world.channels.change(PROJECT, "key:a", channel["id"], {"enabled": True})
    await world.put("inc_2")
    world.sender.down = "502"
    for _ in range(300):
        await world.deliver(300)
    assert await world.statuses() == ["failed", "dropped"]
    world.sender.down = None
    assert [await world.put(incident, "resolved") for incident in ("inc_1", "inc_2")] == [0, 0]


async def test_an_all_clear_does_not_overtake_the_trouble_that_it_ends(world: World) -> None:
    """After some failures the trouble waits for minutes; the all-clear is put meanwhile, and is due at once."""
    await world.put()
    world.sender.fails = ["down"] * 5
    for wait in (11, 15, 30, 60, 120):
        assert await world.deliver(wait) == 0
    await world.put(event="resolved")
    assert await world.deliver() == 1
    [(_, title, body, _)] = world.sender.sent
    assert title == "Assay: 1 opened, 1 resolved"
    assert body.index("inc_1 opened") < body.index("inc_1 resolved")
    assert await world.statuses() == ["sent", "sent"]


async def test_a_silence_that_begins_before_both_were_told_lets_out_neither(world: World) -> None:
    await world.put()
    await world.put(event="resolved")
    ends = world.clock.now_ns() + 3600 * 10**9
    await world.silences.create(PROJECT, "key:a", subject="mon_1", starts_ns=None, ends_ns=ends, reason="deploy")
    assert await world.deliver() == 0
    assert await world.deliver(4000) == 0
    assert await world.statuses() == ["dropped", "dropped"]


async def test_a_silence_holds_no_all_clear_back_where_the_trouble_may_have_been_heard(world: World) -> None:
    await world.put()
    world.sender.fails = ["closed in the middle"]
    assert await world.deliver() == 0
    await world.put(event="resolved")
    ends = world.clock.now_ns() + 3600 * 10**9
    await world.silences.create(PROJECT, "key:a", subject="mon_1", starts_ns=None, ends_ns=ends, reason="deploy")
    assert await world.deliver() == 1
    assert [title for _, title, _, _ in world.sender.sent] == ["Assay: 1 opened, 1 resolved"]


async def test_a_channel_that_is_gone_drops_its_messages(world: World) -> None:
    [channel] = await world.channels.list(PROJECT)
    await world.put()
    await world.channels.change(PROJECT, "key:a", channel["id"], {"enabled": False})
    assert await world.deliver() == 0
    assert await world.statuses() == ["dropped"]
    assert await world.put("inc_9") == 0


async def test_an_address_goes_in_and_never_comes_out(world: World) -> None:
    [shown] = await world.channels.list(PROJECT)
    await world.channels.change(PROJECT, "key:a", shown["id"], {"url": "slack://tokenDDDD/x/y"})
    events, _, _ = await world.audit.list(PROJECT)
    told = repr([await world.channels.list(PROJECT), events])
    assert shown["address"] == "slack://…"
    assert "token" not in told
    assert "notification_channel.change" in told


async def test_projects_do_not_see_each_other(world: World) -> None:
    [mine] = await world.channels.list(PROJECT)
    assert await world.channels.list(OTHER_PROJECT) == []
    for attempt in (
        world.channels.test(OTHER_PROJECT, mine["id"]),
        world.channels.delete(OTHER_PROJECT, "key:a", mine["id"]),
        world.channels.change(OTHER_PROJECT, "key:a", mine["id"], {"name": "x"}),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_faults_are_named(world: World) -> None:
    with pytest.raises(Conflict):
        await world.channels.create(PROJECT, "key:a", name="ops", url=URL)
    with pytest.raises(InvalidInput) as no_address:
        await world.channels.create(PROJECT, "key:a", name="b", url="nonsense")
    assert no_address.value.field == "url"
    with pytest.raises(InvalidInput) as past:
        await world.silences.create(PROJECT, "a", subject=None, starts_ns=None, ends_ns=1, reason="r")
    assert past.value.field == "ends_at"


async def test_the_test_button_says_why_it_failed(world: World) -> None:
    [mine] = await world.channels.list(PROJECT)
    assert (await world.channels.test(PROJECT, mine["id"]))["sent"] is True
    world.sender.down = "no route"
    assert (await world.channels.test(PROJECT, mine["id"]))["error"] == "no route"


async def test_a_courier_that_dies_after_sending_sends_again_with_the_same_reference(world: World) -> None:
    class Killed(BaseException):
        pass

    async def send_and_die(*told: str) -> str | None:
        await FakeSender.send(world.sender, *told)
        raise Killed

    await world.put()
    world.sender.send = send_and_die  # type: ignore[method-assign]
    with pytest.raises(Killed):
        await world.deliver()
    del world.sender.send
    world.courier = Courier(world.ledger, world.sender, world.clock)
    assert await world.deliver(0) == 1
    first, second = world.sender.sent
    assert first == second
    assert first[2].endswith("ref inc_1:opened")
    assert await world.statuses() == ["sent"]


async def test_a_service_that_never_comes_to_an_end_holds_up_nobody_for_long(world: World) -> None:
    async def send(url: str, *told: str) -> str | None:
        if url == URL:
            await asyncio.Event().wait()
        return await FakeSender.send(world.sender, url, *told)

    await world.channels.create(PROJECT, "key:a", name="mail", url="mailto://x")
    world.sender.send = send  # type: ignore[method-assign]
    world.courier = Courier(world.ledger, world.sender, world.clock, longest_s=0.01)
    await world.put()
    assert await world.deliver() == 1
    shown = {each["name"]: each["last_error"] for each in await world.channels.list(PROJECT)}
    assert shown == {"mail": None, "ops": "no answer within 0.01 s"}
    del world.sender.send
    assert await world.deliver() == 1
    assert [url for url, *_ in world.sender.sent] == ["mailto://x", URL]


async def test_a_clock_that_is_set_back_holds_no_message_back(world: World) -> None:
    await world.put()
    world.sender.fails = ["no", "no"]
    assert await world.deliver() == 0
    world.clock.advance(-365 * 86_400)
    assert await world.courier.deliver() == 0
    assert world.sender.fails == [], "it was tried at once"
    assert await world.deliver(after_s=1) == 0, "a pause follows a failure as ever"
    assert await world.deliver(after_s=86_400) == 1
    assert await world.statuses() == ["sent"]


@pytest.mark.parametrize("restart", [False, True])
async def test_what_was_put_off_while_the_clock_was_ahead_does_not_wait_for_it(world: World, restart: bool) -> None:
    """A try that failed in the day ahead, and the silence of its night: both put a message off until then."""
    await world.courier.deliver()
    await world.put("inc_1")
    world.clock.advance(86_400)
    world.sender.fails = ["no"]
    assert await world.courier.deliver() == 0
    night = _until(world, hour=23)
    again = {"from": "22:00", "until": "06:00", "time_zone": "UTC"}
    await world.silences.create(PROJECT, "key:a", subject=None, starts_ns=None, ends_ns=None, reason="", repeats=again)
    await world.put("inc_2")
    assert await world.deliver(after_s=night) == 0
    world.clock.advance(-86_400 - night)
    if restart:
        world.courier = Courier(world.ledger, world.sender, world.clock)
    await world.courier.deliver()
    assert await world.statuses() == ["sent", "sent"]


async def test_the_audit_log_says_when_nobody_was_told(world: World) -> None:
    """Who silenced a project stood there, but not for how long."""
    now = world.clock.now_ns()
    ends_ns = now + 3600 * 10**9
    made = await world.silences.create(PROJECT, "key:a", subject=None, starts_ns=None, ends_ns=ends_ns, reason="work")
    world.clock.advance(60)
    await world.silences.end(PROJECT, "key:b", made["id"])
    ended, created = (await world.audit.list(PROJECT))[0][:2]
    told = {"id": made["id"], "starts_at": rfc3339(now), "ends_at": rfc3339(ends_ns), "repeats": None}
    assert (created["action"], created["before"], created["after"]) == ("silence.create", None, told)
    assert (ended["action"], ended["before"], ended["after"]) == ("silence.end", told, None)
