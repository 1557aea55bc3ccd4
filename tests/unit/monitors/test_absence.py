"""What did not come while the server was away is nobody's trouble; what does not come afterwards is."""

from typing import Any

import pytest

from assay_server.ledger import Ledger
from assay_server.monitors.absence import Absences
from assay_server.query import Window
from tests.fixtures.ledger import PROJECT
from tests.unit.monitors.test_monitors import MINUTE, World

HOUR_S = 3600
MISSING: dict[str, Any] = {"metric": "count", "rule": {"kind": "missing", "min_count": 5}, "window_s": 900}


@pytest.fixture
async def world(ledger: Ledger) -> World:
    """Ten calls in every window, up to `gone`, and a monitor that expects five."""
    return World(ledger)


def traffic_until(world: World, gone_ns: int, again_ns: int | None = None) -> None:
    def made(window: Window, group: str) -> tuple[int, float] | None:
        since, until = window.since_ns, window.until_ns
        there_ns = max(0, min(until, gone_ns) - since) + (
            0 if again_ns is None else max(0, until - max(since, again_ns))
        )
        n = round(10 * there_ns / (15 * MINUTE))
        return (n, float(n)) if n else None

    world.windows.make = made


async def away(world: World, how: str, seconds: int) -> None:
    world.clock.advance(seconds)
    if how == "off":
        world.monitors = world.started()
    else:  # the machine slept, or its clock leapt: its monotonic clock stood still
        world.slept_ns += seconds * 10**9
    await world.monitors.tick()
    await world.courier.deliver()


@pytest.mark.parametrize("how", ["off", "asleep"])
async def test_nobody_is_told_of_calls_that_were_missing_while_the_server_was_away(world: World, how: str) -> None:
    """A call was said to be missing in each outage longer than the window, before senders could send what they kept."""
    await world.watch(**MISSING)
    traffic_until(world, gone := world.clock.now_ns() + 2 * MINUTE, gone + 5 * HOUR_S * 10**9)
    await world.minute(2)
    await away(world, how, 5 * HOUR_S)
    found = (await world.monitors.get(PROJECT, "errors"))["states"][0]["finding"]
    assert (found["status"], found["sentence"]) == (
        "unknown",
        "Calls: n = 0 in 15 min, of which the server was away for 15 min, too few to decide.",
    )
    await world.minute(20)
    assert (await world.status(), world.told()) == ("ok", [])


@pytest.mark.parametrize("how", ["off", "asleep"])
async def test_calls_that_stay_away_afterwards_are_missing(world: World, how: str) -> None:
    await world.watch(**MISSING)
    traffic_until(world, world.clock.now_ns() + 2 * MINUTE)
    await world.minute(2)
    await away(world, how, 5 * HOUR_S)
    await world.minute(6)
    assert await world.status() == "unknown"
    await world.minute(10)
    assert (await world.status(), world.told()) == ("alarm", ["[critical] errors: calls"])


async def test_what_was_in_alarm_stays_so_until_something_comes(world: World) -> None:
    await world.watch(**MISSING)
    traffic_until(world, gone := world.clock.now_ns() + 2 * MINUTE, gone + 6 * HOUR_S * 10**9)
    await world.minute(20)
    await away(world, "off", 5 * HOUR_S)
    assert (await world.status(), len(world.told())) == ("alarm", 1)
    await world.minute(60)
    assert (await world.status(), len(world.told())) == ("ok", 2)


def test_a_window_of_which_a_part_is_missing_is_judged_by_the_rest() -> None:
    absences = Absences(lambda: 0.0)
    absences.began(100 * MINUTE, 40 * MINUTE)
    absences.passed(130 * MINUTE)
    assert absences.within(Window(30 * MINUTE, 110 * MINUTE)) == 70 * MINUTE
    assert absences.within(Window(200 * MINUTE, 210 * MINUTE)) == 0


def test_a_clock_that_is_set_back_is_no_absence() -> None:
    absences = Absences(lambda: 0.0)
    absences.began(100 * MINUTE, None)
    absences.passed(40 * MINUTE)
    absences.passed(40 * MINUTE + 1)
    assert absences.within(Window(0, 200 * MINUTE)) == 0
