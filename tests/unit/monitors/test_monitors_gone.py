"""What would stay open, or be told to nobody: groups that are gone, monitors switched off, channels that are gone."""

from typing import Any

import pytest

from assay_server.ledger import Ledger
from assay_server.query import Window
from tests.fixtures.ledger import PROJECT
from tests.unit.monitors.test_monitors import ERRORS, World


@pytest.fixture
async def world(ledger: Ledger) -> World:
    return World(ledger)


@pytest.mark.parametrize("change", [{"name": "renamed"}, None, {"enabled": False}])
async def test_a_monitor_whose_channel_is_gone_is_told_to_the_others(
    world: World, change: dict[str, Any] | None
) -> None:
    """One that was switched off is quiet on purpose."""
    await world.watch(notify=["pager"])
    pager = (await world.channels.create(PROJECT, "key:a", name="pager", url="pagerduty://x"))["id"]
    if change is None:
        await world.channels.delete(PROJECT, "key:a", pager)
    else:
        await world.channels.change(PROJECT, "key:a", pager, change)
    world.errors(1.0)
    await world.minute()
    told = {url for url, *_ in world.sender.sent}
    quiet = change == {"enabled": False}
    assert told == (set() if quiet else {"slack://secret"} if change is None else {"slack://secret", "pagerduty://x"})


async def test_a_group_that_stays_away_is_not_missed_for_ever(world: World) -> None:
    """After a week without it nobody expects it any more, and its incident ends with the word that nobody knows."""
    await world.watch(rule={"kind": "missing"}, metric="count", group_by="model", window_s=14_400, every_s=14_400)
    world.windows.groups = ("a", "b")
    gone = world.clock.now_ns()

    def traffic(window: Window, group: str) -> tuple[int, float] | None:
        return (10, 10.0) if group == "a" or window.since_ns < gone else None

    world.windows.make = traffic
    for _ in range(7 * 6):
        world.clock.advance(14_400)
        await world.monitors.tick()
    [incident] = await world.open()
    assert incident.title == "errors: calls of b"
    for _ in range(3 * 6):
        world.clock.advance(14_400)
        await world.monitors.tick()
    assert await world.open() == []
    states = (await world.monitors.get(PROJECT, "errors"))["states"]
    assert [(state["group"], state["status"]) for state in states] == [("a", "ok")]


async def test_a_monitor_that_is_switched_off_ends_what_it_opened(world: World) -> None:
    """Nobody looks any more, so nothing would ever end it."""
    await world.watch()
    world.errors(1.0)
    await world.minute()
    await world.monitors.replace(PROJECT, "key:a", "errors", ERRORS | {"enabled": False})
    await world.minute(3)
    assert await world.open() == []
    [incident], _ = await world.incidents.list(PROJECT)
    assert "switched off" in incident.timeline[-1].what
    assert len(world.told()) == 2
    await world.monitors.replace(PROJECT, "key:a", "errors", ERRORS)
    await world.minute()
    assert len(await world.open()) == 1
