"""Spans that come after their window was judged, and a clock that is set back: trouble is found, and told once."""

from typing import Any, cast

import pytest

from assay_server.ledger import Ledger
from assay_server.monitors.definition import parse
from assay_server.monitors.late import LateLooks
from assay_server.monitors.look import Looker
from assay_server.monitors.monitor_rows import Judged
from assay_server.query import Windows
from tests.fixtures.ledger import PROJECT
from tests.unit.monitors.test_monitors import ERRORS, MINUTE, World

WINDOW = {"window_s": 900, "every_s": 60}


@pytest.fixture
async def world(ledger: Ledger) -> World:
    return World(ledger)


class Behind:
    """A service whose clock is behind: of a window nothing is there until so long after its end."""

    def __init__(self, world: World, minutes: int) -> None:
        self.world, self.behind_ns = world, minutes * MINUTE
        self.failing = (world.began, world.began)  # by its own clock
        world.windows.make = lambda window, group: self.figure(window.since_ns, window.until_ns)
        world.windows.late = self.late

    def reached(self) -> int:
        return self.world.clock.now_ns() - self.behind_ns

    def figure(self, since: int, until: int) -> tuple[int, float | None] | None:
        there = min(until, self.reached())
        minutes = (there - since) // MINUTE
        if minutes <= 0:
            return None
        failed = max(0, min(there, self.failing[1]) - max(since, self.failing[0]))
        return int(minutes) * 10, failed / (there - since)

    def late(self, since: int, until: int, told: int) -> int:
        """Ten a minute; what it says of a minute arrives as that minute ends by its own clock."""
        first, last = max(since, told - self.behind_ns), min(until, self.reached())
        return max(0, (last - first) // MINUTE) * 10


async def evaluations(world: World) -> list[dict[str, Any]]:
    return list(await world.monitors.evaluations(PROJECT, "errors", 200))


async def test_a_service_whose_clock_is_behind_is_seen_and_its_trouble_is_told_once(world: World) -> None:
    """A window of 15 minutes and a clock that is 20 behind: nobody ever saw a single call of it."""
    await world.watch(**WINDOW)
    service = Behind(world, minutes=20)
    await world.minute(45)
    assert (await world.status(), world.told()) == ("unknown", [])
    service.failing = (service.reached(), service.reached() + 10 * MINUTE)
    await world.minute(12)
    [incident] = await world.open()
    assert world.told() == ["[critical] errors: error rate"]
    assert "came afterwards" in incident.sentence
    assert incident.evidence["details"]["late"] > 0
    rejudged = [row for row in await evaluations(world) if row["findings"][0]["details"].get("late")]
    assert rejudged, "the looks that were judged again say so"
    await world.minute(60)
    assert [title[:9] for title in world.told()] == ["[critical", "Resolved:"], "it rings once, and is over once"
    assert await world.open() == []


async def test_what_was_told_in_time_is_not_told_again_when_more_of_it_comes(world: World) -> None:
    await world.watch(**WINDOW)
    world.errors(0.01)
    await world.minute(20)
    world.errors(0.2)
    await world.minute()
    world.errors(0.01)
    await world.minute(2)
    assert (await world.status(), len(world.told())) == ("ok", 2)
    world.windows.late = lambda since, until, told: 5
    now = world.clock.now_ns()
    bad_at = now - 2 * MINUTE
    world.windows.make = lambda window, group: (
        100,
        0.2 if window.since_ns < bad_at <= window.until_ns <= now else 0.01,
    )
    await world.minute(30)
    assert len(world.told()) == 2


async def test_windows_for_which_nothing_came_are_not_read_again(world: World) -> None:
    now = world.began
    judged = [Judged(now - back * MINUTE, now - back * MINUTE, []) for back in range(1, 60)]
    late: Any = LateLooks(cast("Windows", world.windows), Looker(cast("Windows", world.windows)))
    definition = parse(ERRORS | WINDOW)
    assert await late.look(PROJECT, definition, now, judged, [""]) == []
    assert world.windows.asked == 0
    world.windows.late = lambda since, until, told: 3
    again = await late.look(PROJECT, definition, now, judged, [""])
    assert [(now - each.at_ns) // MINUTE for each in again] == [15, 30, 45], "windows that overlap are not all needed"
    assert world.windows.asked == 1


async def test_what_was_said_before_stays_beside_what_is_said_now(world: World) -> None:
    """And trouble that more spans make small, and still more large again, is no second trouble."""
    await world.watch(**WINDOW)
    await world.minute(2)
    world.errors(0.2)
    await world.minute()
    rang = world.clock.now_ns()
    world.errors(0.0)
    await world.minute(14)
    assert len(world.told()) == 2
    for rate in (0.0, 0.2, 0.0, 0.2):
        world.windows.make = lambda window, group, now=rate: (100, now if window.until_ns <= rang + 5 * MINUTE else 0.0)
        world.windows.late = lambda since, until, told: 7
        await world.minute()
    assert len(world.told()) == 2
    again = [row["findings"][0] for row in await evaluations(world) if "late" in row["findings"][0]["details"]]
    changed = [one for one in again if one["details"].get("said") == "alarm"]
    assert all("7 spans of that time came afterwards (before: alarm)." in one["sentence"] for one in changed)
    assert changed


async def test_an_old_calm_window_does_not_end_new_trouble(world: World) -> None:
    await world.watch(**WINDOW)
    await world.minute(40)
    world.errors(0.2)
    await world.minute()
    began = world.clock.now_ns()
    world.windows.make = lambda window, group: None if window.until_ns >= began else (100, 0.0)
    world.windows.late = lambda since, until, told: 5 if until < began else 0
    await world.minute(10)
    assert (await world.status(), len(world.told())) == ("alarm", 1)


async def test_what_came_too_late_is_left_alone(world: World) -> None:
    await world.watch(window_s=3600, every_s=3600)
    for _ in range(9):
        world.clock.advance(3540)
        await world.minute()
    asked: list[int] = []
    world.windows.late = lambda since, until, told: asked.append(until) or 0  # type: ignore[func-returns-value]
    world.clock.advance(3540)
    await world.minute()
    assert min(asked) >= world.clock.now_ns() - 6 * 60 * MINUTE


async def test_a_clock_that_is_set_back_an_hour_opens_no_second_incident(world: World) -> None:
    """The facts of the hour are still there: when it came again, its trouble was opened and told once more."""
    await world.watch()
    await world.minute(60)
    first, last = world.clock.now_ns(), world.clock.now_ns() + 5 * MINUTE
    world.windows.make = lambda window, group: (100, 0.2 if window.since_ns < last and window.until_ns > first else 0.0)
    await world.minute(10)
    [incident] = await world.open()
    world.clock.advance(-3577)  # not by whole minutes, as no clock is
    await world.minute(75)
    found, total = await world.incidents.list(PROJECT)
    assert (total, found[0].id, found[0].status) == (1, incident.id, "resolved")
    assert world.told() == ["[critical] errors: error rate", "Resolved: errors: error rate"]


async def test_other_trouble_in_the_hour_that_comes_again_is_told(world: World) -> None:
    await world.watch()
    await world.minute(60)
    world.errors(0.2)
    await world.minute()
    world.clock.advance(-3600)
    world.errors(0.0)
    await world.minute(3)
    world.errors(0.3)
    await world.minute(2)
    assert (await world.incidents.list(PROJECT))[1] == 2
