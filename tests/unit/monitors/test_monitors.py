"""Monitors over a clock that the test turns: opened once, told, caught up, resolved, changed, deleted."""

from typing import Any

import pytest

from assay_server.core.errors import Conflict, InvalidInput, NotFound
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.monitors import READY_MADE, Announcer, Incidents, Monitors
from assay_server.notify import Courier, NotificationChannels, Outbox, Silences
from assay_server.query import Window
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.fakes.windows import FakeWindows
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT

MINUTE = 60 * 10**9

ERRORS: dict[str, Any] = {
    "name": "errors",
    "metric": "error_rate",
    "rule": {"kind": "threshold", "above": 0.05},
    "window_s": 300,
    "every_s": 60,
    "min_n": 20,
    "severity": "critical",
}


def scrub(text: str) -> tuple[str, list[str]]:
    return text, []


class World:
    """Error rates as `rate` says for the time at which a window ends, of 100 calls a window."""

    def __init__(self, ledger: Ledger) -> None:
        self.clock, self.sender = FakeClock(), FakeSender()
        self.began = self.clock.now_ns()
        self.slept_ns = 0
        self.windows = FakeWindows(lambda window, group: (100, 0.01))
        audit = Audit(ledger, self.clock, scrub)
        self.audit = audit
        self.ledger = ledger
        self.channels = NotificationChannels(ledger, audit, self.clock, self.sender)
        self.silences = Silences(ledger, audit, self.clock, scrub)
        self.outbox = Outbox(ledger, self.clock, group_s=0)
        self.courier = Courier(ledger, self.sender, self.clock)
        announcer = Announcer(self.outbox, "http://assay.test/")
        self.incidents = Incidents(ledger, audit, self.clock, scrub, announcer)
        self.monitors = self.started()

    def started(self) -> Monitors:
        """As after a restart: nothing is known but what the ledger holds."""

        async def projects() -> list[str]:
            return [PROJECT, OTHER_PROJECT]

        parts: Any = self.ledger, self.windows, self.incidents, self.audit, self.clock, projects
        return Monitors(*parts, monotonic=lambda: (self.clock.now_ns() - self.slept_ns) / 1e9)

    async def watch(self, **changes: Any) -> dict[str, Any]:
        for given in READY_MADE:
            await self.monitors.get(PROJECT, given["name"])
            await self.monitors.delete(PROJECT, "key:a", given["name"])
        await self.channels.create(PROJECT, "key:a", name="ops", url="slack://secret")
        return await self.monitors.create(PROJECT, "key:a", ERRORS | changes)

    def errors(self, rate: float | None, n: int = 100) -> None:
        self.windows.make = lambda window, group: None if rate is None else (n, rate)

    async def minute(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance(60)
            await self.monitors.tick()
            await self.courier.deliver()

    async def status(self) -> str:
        return str((await self.monitors.get(PROJECT, "errors"))["status"])

    async def open(self) -> list[Any]:
        found, _ = await self.incidents.list(PROJECT)
        return [incident for incident in found if incident.status == "open"]

    def told(self) -> list[str]:
        return [title for _, title, _, _ in self.sender.sent]


@pytest.fixture
async def world(ledger: Ledger) -> World:
    return World(ledger)


async def test_trouble_is_told_once_with_its_evidence_and_resolved_when_it_has_passed(world: World) -> None:
    await world.watch()
    await world.minute()
    assert await world.status() == "ok"
    world.errors(0.2)
    await world.minute(5)
    [incident] = await world.open()
    assert (incident.severity, incident.kind) == ("critical", "monitor_threshold")
    assert incident.evidence["n"] == 100
    assert incident.evidence["value"] == 0.2
    assert incident.sentence == "Error rate: 20 % over 5 min (n = 100): above 5 %."
    [(_, title, body, severity)] = world.sender.sent
    assert (title, severity) == ("[critical] errors: error rate", "critical")
    assert body.splitlines()[:3] == [
        incident.sentence,
        "From 2026-11-21 07:57:00 UTC to 2026-11-21 08:02:00 UTC.",
        f"http://assay.test/incidents/{incident.id}",
    ]
    world.errors(0.01)
    await world.minute()
    assert await world.status() == "alarm"  # one calm look is not enough
    await world.minute()
    assert (await world.status(), await world.open()) == ("ok", [])
    assert world.told()[1:] == ["Resolved: errors: error rate"]
    assert world.sender.sent[1][2].splitlines()[:2] == [
        (
            "After 6 min: Error rate: 1 % over 5 min (n = 100): not above 5 %."
            " From 2026-11-21 08:03:00 UTC to 2026-11-21 08:08:00 UTC."
        ),
        f"http://assay.test/incidents/{incident.id}",
    ]


async def test_what_its_author_says_stands_in_the_incident_and_in_the_message(world: World) -> None:
    said = "Look which tool fails.\nRunbook: https://wiki.example.com/orders"
    await world.watch(description=said)
    world.errors(0.2)
    await world.minute(5)
    [incident] = await world.open()
    assert incident.evidence["description"] == said
    body = world.sender.sent[0][2]
    assert body.splitlines()[2:5] == [*said.splitlines(), f"http://assay.test/incidents/{incident.id}"]


@pytest.mark.parametrize("given", ["x" * 2001, 7, ["a"]])
async def test_a_description_that_is_none_or_too_long_is_refused_and_not_cut(world: World, given: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.watch(description=given)
    assert refused.value.field == "description"
    assert "2000" in str(refused.value.fix)


async def test_a_second_episode_is_a_second_incident(world: World) -> None:
    await world.watch()
    for rate in (0.2, 0.0, 0.0, 0.3, 0.0, 0.0):
        world.errors(rate)
        await world.minute()
    found, total = await world.incidents.list(PROJECT)
    assert (total, {incident.status for incident in found}) == (2, {"resolved"})
    assert len(world.told()) == 4


async def test_too_few_calls_say_nothing(world: World) -> None:
    await world.watch()
    world.errors(0.9, n=19)
    await world.minute(3)
    assert (await world.status(), world.told()) == ("unknown", [])
    [state] = (await world.monitors.get(PROJECT, "errors"))["states"]
    assert "too few" in state["finding"]["sentence"]


async def test_an_alarm_without_data_for_a_day_ends_and_says_so(world: World) -> None:
    await world.watch(every_s=3600)
    world.errors(0.5)
    await world.minute()
    world.errors(None)
    for _ in range(23):
        world.clock.advance(3600)
        await world.monitors.tick()
    assert await world.status() == "alarm"
    for _ in range(2):
        world.clock.advance(3600)
        await world.monitors.tick()
    assert await world.status() == "unknown"
    [incident], _ = await world.incidents.list(PROJECT)
    assert "whether it passed is not known" in incident.timeline[-1].what


async def test_a_question_that_cannot_be_answered_is_unknown_and_says_why(world: World) -> None:
    def refuse(window: Window, group: str) -> tuple[int, float]:
        raise InvalidInput("More than 50,000 traces of this time have these words.", fix="search for rarer words")

    await world.watch(filter={"search": "the"})
    await world.minute()
    assert await world.status() == "ok"
    world.windows.make = refuse
    await world.minute()
    [state] = (await world.monitors.get(PROJECT, "errors"))["states"]
    assert (await world.status(), state["finding"]["n"], state["finding"]["value"]) == ("unknown", 0, None)
    assert state["finding"]["sentence"].startswith("Error rate is not known: More than 50,000 traces")
    assert state["finding"]["sentence"].endswith("Fix: search for rarer words")
    with pytest.raises(InvalidInput, match="50,000"):  # whoever asks before it is there hears it at once
        await world.monitors.rehearse(PROJECT, ERRORS | {"filter": {"search": "the"}})


async def test_a_question_by_group_that_cannot_be_answered_says_why_and_trouble_stays(world: World) -> None:
    def refuse(window: Window, group: str) -> tuple[int, float]:
        raise InvalidInput("Too many.")

    await world.watch(group_by="model")
    world.windows.groups = ("a", "b")
    world.windows.make = lambda window, group: (100, 0.5 if group == "b" else 0.0)
    await world.minute()
    world.windows.make = refuse
    await world.minute()
    why, troubled = (await world.monitors.get(PROJECT, "errors"))["states"]
    assert (why["group"], why["status"], why["finding"]["sentence"][-9:]) == (None, "unknown", "Too many.")
    assert (troubled["group"], troubled["status"]) == ("b", "alarm")
    [incident] = await world.open()
    assert incident.evidence["group"] == "b"


async def test_what_happened_while_the_server_was_down_is_caught_up_and_told(world: World) -> None:
    await world.watch()
    await world.monitors.tick()
    await world.minute()
    down = world.clock.now_ns()

    def burst(window: Window, group: str) -> tuple[int, float]:
        return 100, 0.5 if down + 20 * MINUTE < window.until_ns <= down + 30 * MINUTE else 0.01

    world.windows.make = burst
    world.clock.advance(3600)
    world.monitors = world.started()
    assert await world.monitors.tick() >= 12
    await world.courier.deliver()
    [incident], _ = await world.incidents.list(PROJECT)
    assert incident.status == "resolved"
    shown = await world.monitors.get(PROJECT, "errors")
    assert shown["missed"] == 59
    late = [each["late_s"] for each in await world.monitors.evaluations(PROJECT, "errors")]
    assert late[0] == 0
    assert late[1] == 300
    assert late[11] == 3300
    assert world.told() == ["Assay: 1 opened, 1 resolved"]
    assert await world.monitors.tick() == 0


async def test_a_long_pause_is_caught_up_for_the_newest_hundred_windows(world: World) -> None:
    await world.watch()
    world.clock.advance(40 * 86_400)
    assert await world.monitors.tick() >= 100
    shown = await world.monitors.get(PROJECT, "errors")
    assert len(await world.monitors.evaluations(PROJECT, "errors", 500)) == 100
    assert shown["missed"] == 40 * 1440
    assert shown["evaluated_at"] == "2026-12-31T08:00:00.000000Z"


async def test_each_group_has_its_own_state(world: World) -> None:
    await world.watch(group_by="model")
    world.windows.groups = ("a", "b")
    world.windows.make = lambda window, group: (100, 0.5 if group == "b" else 0.0)
    await world.minute(2)
    [incident] = await world.open()
    assert incident.title == "errors: error rate of b"
    assert (incident.evidence["group_by"], incident.evidence["group"]) == ("model", "b")
    states = (await world.monitors.get(PROJECT, "errors"))["states"]
    assert [(state["group"], state["status"]) for state in states] == [("a", "ok"), ("b", "alarm")]


async def test_a_group_that_is_gone_is_forgotten_unless_it_is_in_trouble(world: World) -> None:
    await world.watch(group_by="user")
    world.windows.groups = ("a", "b")
    world.windows.make = lambda window, group: (100, 0.5 if group == "b" else 0.0)
    await world.minute()
    world.windows.groups = ()
    await world.minute()
    states = (await world.monitors.get(PROJECT, "errors"))["states"]
    assert [(state["group"], state["status"]) for state in states] == [("b", "alarm")]


async def test_a_monitor_that_fails_does_not_hold_up_the_others(world: World) -> None:
    await world.watch()
    await world.monitors.create(PROJECT, "key:a", ERRORS | {"name": "broken", "group_by": "model"})
    real = world.windows.figures

    async def figures(*args: Any, **options: Any) -> Any:
        if options["group_by"] == "model":
            raise OverflowError
        return await real(*args, **options)

    world.windows.figures = figures  # type: ignore[method-assign]
    world.errors(0.5)
    await world.minute()
    assert await world.status() == "alarm"
    assert (await world.monitors.get(PROJECT, "broken"))["evaluated_at"] is None


async def test_only_the_named_channels_are_told(world: World) -> None:
    await world.watch(notify=["pager"])
    await world.channels.create(PROJECT, "key:a", name="pager", url="pagerduty://x")
    world.errors(1.0)
    await world.minute()
    assert [url for url, *_ in world.sender.sent] == ["pagerduty://x"]


async def test_a_silence_keeps_quiet_but_not_blind(world: World) -> None:
    made = await world.watch()
    await world.silences.create_for(PROJECT, "key:a", subject=made["id"], for_ns=10 * MINUTE, reason="deploy")
    world.errors(1.0)
    await world.minute(3)
    assert (len(await world.open()), world.told()) == (1, [])
    assert (await world.monitors.get(PROJECT, "errors"))["silenced_until"] is not None
    await world.minute(8)
    assert len(world.told()) == 1


async def test_a_person_may_resolve_it_and_is_not_told_again_while_it_goes_on(world: World) -> None:
    await world.watch()
    world.errors(1.0)
    await world.minute()
    [incident] = await world.open()
    await world.incidents.resolve(PROJECT, incident.id, by="user:a", reason="known")
    await world.minute(3)
    assert await world.open() == []
    world.errors(0.0)
    await world.minute(2)
    world.errors(1.0)
    await world.minute()
    assert len(await world.open()) == 1


async def test_a_monitor_that_is_changed_or_deleted_ends_what_it_opened(world: World) -> None:
    await world.watch()
    world.errors(1.0)
    await world.minute()
    slow = {"name": "slow_rate", "threshold_ms": 100}
    await world.monitors.replace(PROJECT, "key:a", "errors", ERRORS | {"metric": slow})
    assert await world.open() == []
    await world.minute()
    assert len(await world.open()) == 1
    await world.monitors.delete(PROJECT, "key:a", "errors")
    assert await world.open() == []
    with pytest.raises(NotFound):
        await world.monitors.get(PROJECT, "errors")
    await world.minute()


async def test_a_test_changes_nothing(world: World) -> None:
    await world.watch()
    world.errors(1.0)
    [finding] = await world.monitors.test(PROJECT, "errors")
    assert (finding["status"], await world.open(), await world.status()) == ("alarm", [], "unknown")


async def test_a_project_is_furnished_once(world: World) -> None:
    names = [monitor["name"] for monitor in await world.monitors.list(PROJECT)]
    assert names == sorted(given["name"] for given in READY_MADE)
    await world.monitors.delete(PROJECT, "key:a", "daily-cost")
    world.monitors = world.started()
    await world.minute()
    assert "daily-cost" not in [monitor["name"] for monitor in await world.monitors.list(PROJECT)]
    assert len(await world.monitors.list(OTHER_PROJECT)) == len(READY_MADE)


async def test_a_project_cannot_reach_another_ones(world: World) -> None:
    made = await world.watch()
    for attempt in (
        world.monitors.get(OTHER_PROJECT, made["id"]),
        world.monitors.delete(OTHER_PROJECT, "key:a", made["id"]),
        world.monitors.replace(OTHER_PROJECT, "key:a", made["id"], ERRORS),
        world.monitors.test(OTHER_PROJECT, made["id"]),
        world.monitors.evaluations(OTHER_PROJECT, made["id"]),
    ):
        with pytest.raises(NotFound):
            await attempt


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Bad Name"}, "name"),
        ({"metric": "nonsense"}, "metric.name"),
        ({"metric": {"name": "score"}}, "metric.score"),
        ({"metric": {"name": "count", "quantile": 0.5}}, "metric.quantile"),
        ({"rule": {"kind": "threshold"}}, "rule.above"),
        ({"rule": {"kind": "threshold", "above": "5"}}, "rule.above"),
        ({"rule": {"kind": "threshold", "above": 1, "change": 2}}, "rule.change"),
        ({"rule": {"kind": "threshold", "above": 5}}, "rule.above"),
        ({"rule": {"kind": "threshold", "above": 1}}, "rule.above"),
        ({"rule": {"kind": "threshold", "above": -0.1}}, "rule.above"),
        ({"rule": {"kind": "threshold", "below": 0}}, "rule.below"),
        ({"rule": {"kind": "threshold", "below": 99}}, "rule.below"),
        ({"rule": {"kind": "threshold", "above": -5}, "metric": "latency"}, "rule.above"),
        ({"rule": {"kind": "threshold", "below": 0}, "metric": "count"}, "rule.below"),
        ({"rule": {"kind": "threshold", "above": 5, "below": 10}, "metric": "latency"}, "rule.below"),
        ({"rule": {"kind": "burn", "objective": 0.99}, "metric": "cost"}, "metric.name"),
        ({"rule": {"kind": "burn", "objective": 1.0}}, "rule.objective"),
        ({"rule": {"kind": "change"}, "window_s": 86_401}, "window_s"),
        ({"filter": {"input": "x"}}, "filter"),
        ({"filter": {"model": []}}, "filter.model"),
        ({"group_by": "search"}, "group_by"),
        ({"every_s": 1}, "every_s"),
        ({"severity": "dreadful"}, "severity"),
    ],
)
async def test_faults_are_named(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.monitors.create(PROJECT, "key:a", ERRORS | changes)
    assert refused.value.field == field


async def test_a_line_that_no_share_crosses_is_refused_with_the_share_that_was_meant(world: World) -> None:
    given = ERRORS | {"rule": {"kind": "threshold", "above": 5}}
    for attempt in (world.monitors.create(PROJECT, "key:a", given), world.monitors.rehearse(PROJECT, given)):
        with pytest.raises(InvalidInput) as refused:
            await attempt
        assert refused.value.fix == "a share from 0 to 1: 0.05 is 5 %"


@pytest.mark.parametrize(
    "changes",
    [
        {"rule": {"kind": "threshold", "above": 0}},
        {"rule": {"kind": "threshold", "below": 1}},
        {"rule": {"kind": "threshold", "above": -5}, "metric": {"name": "score", "score": "sentiment"}},
        {"rule": {"kind": "threshold", "above": 900, "below": 100}, "metric": "latency"},
    ],
)
async def test_lines_that_can_be_crossed_are_taken(world: World, changes: dict[str, Any]) -> None:
    made = await world.monitors.create(PROJECT, "key:a", ERRORS | changes)
    assert made["rule"] == changes["rule"]


async def test_names_are_taken_once(world: World) -> None:
    await world.watch()
    with pytest.raises(Conflict):
        await world.monitors.create(PROJECT, "key:a", ERRORS)


async def test_a_rehearsal_says_how_often_it_would_have_rung_and_leaves_nothing_behind(world: World) -> None:
    spike = world.clock.now_ns() - 30 * 60 * MINUTE
    world.windows.make = lambda window, group: (100, 0.2 if window.since_ns < spike <= window.until_ns else 0.01)
    said = await world.monitors.rehearse(PROJECT, ERRORS | {"window_s": 3600})
    assert (said["looks"], said["fired"], said["blind"]) == (168, 1, 0)
    assert said["fires"][0]["finding"]["value"] == 0.2
    assert said["findings"][0]["status"] == "ok"
    assert "errors" not in [monitor["name"] for monitor in await world.monitors.list(PROJECT)]
    with pytest.raises(InvalidInput) as refused:
        await world.monitors.rehearse(PROJECT, ERRORS | {"metric": "beauty"})
    assert refused.value.field == "metric.name"


async def test_the_past_of_a_monitor_is_what_its_rehearsal_would_be(world: World) -> None:
    spike = world.clock.now_ns() - 30 * 60 * MINUTE
    world.windows.make = lambda window, group: (100, 0.2 if window.since_ns < spike <= window.until_ns else 0.01)
    made = await world.watch(window_s=3600)
    told = await world.monitors.past(PROJECT, made["id"])
    assert told == await world.monitors.rehearse(PROJECT, ERRORS | {"window_s": 3600})
    [course] = told["courses"]
    assert (course["group"], course["unit"], len(course["points"])) == (None, "share", 168)
    [rang] = [point for point in course["points"] if point["status"] == "alarm"]
    assert (rang["value"], rang["n"], rang["at"]) == (0.2, 100, told["fires"][0]["at"])
    with pytest.raises(NotFound):
        await world.monitors.past(PROJECT, "nobody")


@pytest.mark.parametrize(
    ("set_back_s", "told"),
    [(0, "After 1 d 2 h: Error rate: 1 %"), (2 * 86_400, "Error rate: 1 %")],
)
async def test_an_all_clear_says_how_long_it_lasted(world: World, set_back_s: int, told: str) -> None:
    """A clock that was set back made it last for less than nothing: `After -88560 s`."""
    await world.watch()
    world.errors(0.2)
    await world.minute()
    for _ in range(13):
        world.clock.advance(7200 - 60)
        await world.minute()
    world.clock.advance(-set_back_s)
    world.errors(0.01)
    world.clock.advance(-120)
    await world.minute(2)
    assert world.sender.sent[-1][2].startswith(told)


async def test_a_clock_that_is_set_back_blinds_nobody(world: World) -> None:
    await world.watch()
    await world.minute(2)
    world.clock.advance(-30 * 86_400)
    world.errors(0.2)
    await world.minute()
    assert (await world.status(), world.told()) == ("alarm", ["[critical] errors: error rate"])
    assert [row["at"][:10] for row in await world.monitors.evaluations(PROJECT, "errors")] == ["2026-10-22"]
    before = world.windows.asked
    await world.monitors.tick()
    assert world.windows.asked == before, "and it is asked at its usual times, not at every tick"
    world.errors(0.01)
    await world.minute()
    world.clock.advance(30 * 86_400)  # and leaps ahead again: what was missed is caught up
    await world.minute()
    assert await world.status() == "ok"
    assert await world.open() == []
    assert len(world.told()) == 2
