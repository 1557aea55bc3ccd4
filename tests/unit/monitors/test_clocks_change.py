"""Summer time: what is usual at an hour is what is usual when the clocks of those who use it show that hour."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.monitors.definition import parse, to_json
from assay_server.monitors.look import Looker
from assay_server.query import Window, Windows
from tests.fakes.windows import FakeWindows

SECOND = 10**9


def watched(time_zone: str | None, direction: str = "both") -> Any:
    rule = {"kind": "change", "change": 0.5, "direction": direction, "days": 28}
    rule |= {} if time_zone is None else {"time_zone": time_zone}
    return parse({"name": "m", "metric": "requests", "rule": rule, "window_s": 3600})


def at(zone: str, *wall: int) -> int:
    return int(datetime(*cast("tuple[int, int, int]", wall), tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


def office_hours(zone: str) -> FakeWindows:
    """A thousand requests an hour from 9 to 17 o'clock there, a hundred otherwise and at weekends."""

    def make(window: Window, _: str) -> tuple[int, float]:
        there = datetime.fromtimestamp(window.since_ns / SECOND, ZoneInfo(zone))
        n = 1000 if 9 <= there.hour < 17 and there.weekday() < 5 else 100
        return n, float(n)

    return FakeWindows(make)


@pytest.mark.parametrize(
    ("zone", "monday"),
    [("Europe/Berlin", (2026, 10, 26)), ("Europe/Berlin", (2027, 3, 29)),
     ("America/New_York", (2026, 11, 2)), ("America/New_York", (2027, 3, 15))],
)  # fmt: skip
async def test_the_day_after_the_clocks_changed_is_a_day_as_others(zone: str, monday: tuple[int, ...]) -> None:
    looker = Looker(cast("Windows", office_hours(zone)))
    hours = [at(zone, *monday, hour) for hour in range(1, 24)]
    told = [await looker.look("prj_a", watched(zone), hour) for hour in hours]
    assert {finding.status for [finding] in told} == {"ok"}
    in_utc = [await looker.look("prj_a", watched(None), hour) for hour in hours]
    assert "alarm" in {finding.status for [finding] in in_utc}, "so it was, for four weeks"


@pytest.mark.parametrize("day", [(2026, 10, 25), (2027, 3, 28)])
async def test_days_of_25_and_23_hours_have_each_hour_once(day: tuple[int, ...]) -> None:
    """Seen from the next day: of an hour that comes twice the first, of one that is jumped over the one behind it."""
    asked: list[int] = []

    def make(window: Window, _: str) -> tuple[int, float]:
        asked.append(window.until_ns)
        return 100, 100.0

    looker = Looker(cast("Windows", FakeWindows(make)))
    following = datetime(*cast("tuple[int, int, int]", day), tzinfo=UTC) + timedelta(days=1)
    for hour in range(24):
        asked.clear()
        moment = at("Europe/Berlin", following.year, following.month, following.day, hour)
        await looker.look("prj_a", watched("Europe/Berlin"), moment)
        now, before = asked[:2]
        assert now == moment
        length = (now - before) / SECOND / 3600
        assert length == ({10: 25, 3: 23}[day[1]] if hour <= 2 else 24)


def test_a_zone_is_kept_and_one_that_nobody_knows_is_refused() -> None:
    assert to_json(watched("Europe/Berlin"))["rule"]["time_zone"] == "Europe/Berlin"
    assert to_json(watched(None))["rule"]["time_zone"] == "UTC"
    for wrong in ("Berlin", "", 7, "../etc/passwd"):
        with pytest.raises(InvalidInput) as error:
            watched(cast("str", wrong))
        assert error.value.field == "rule.time_zone"
