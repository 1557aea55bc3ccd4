"""What comes again: from one time of day to another, on some days of the week, by the clocks of one place.

Clocks change, so an occurrence is a stretch of real time: from the first moment at which the wall clock there shows
`from` or later to the last at which it shows less than `until`. In the night in which an hour comes twice it is an
hour longer, in the night in which one is left out an hour shorter, and never in two pieces.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assay_server.core.errors import InvalidInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_SECOND = 1_000_000_000
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_AHEAD = 9  # days: a week and what a time zone may shift


@dataclass(frozen=True, slots=True)
class Repeats:
    """`days` are those on which it begins; `until` at or before `since` is on the day after."""

    days: tuple[str, ...]
    since: time
    until: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> "Repeats":
        """From `{"days"?, "from", "until", "time_zone"}`. Raises InvalidInput, which names the field."""
        for name in given:
            if name not in {"days", "from", "until", "time_zone"}:
                known = "days, from, until, time_zone"
                raise InvalidInput("Nothing repeats by this.", field=f"repeats.{name}", fix=f"one of {known}")
        days = _days(given.get("days"))
        since, until = _time(given.get("from"), "from"), _time(given.get("until"), "until")
        if since == until and len(days) == len(DAYS):
            raise InvalidInput(
                "This would never let a message through.", field="repeats.until", value=given.get("until"),
                fix="another time, or fewer days; a monitor that nobody shall hear of is switched off",
            )  # fmt: skip
        return cls(days, since, until, zone_of(given.get("time_zone"), "repeats.time_zone"))

    def to_json(self) -> dict[str, Any]:
        """What `parse` takes."""
        clock = f"{self.since:%H:%M}", f"{self.until:%H:%M}"
        return {"days": list(self.days), "from": clock[0], "until": clock[1], "time_zone": self.zone.key}

    def end_ns(self, now_ns: int) -> int | None:
        """When the occurrence that goes on at `now_ns` ends; None between two."""
        return max((end for begin, end in self._near(now_ns, 1) if begin <= now_ns < end), default=None)

    def next_ns(self, after_ns: int) -> int | None:
        """When the first occurrence after `after_ns` begins; None where none does within the coming week."""
        return next((begin for begin, _ in self._near(after_ns, _AHEAD) if begin > after_ns), None)

    def _near(self, now_ns: int, ahead: int) -> Iterator[tuple[int, int]]:
        """Occurrences that began up to two days ago (a day may be left out by a calendar) or will within `ahead`."""
        today = datetime.fromtimestamp(now_ns // _SECOND, self.zone).date()
        for back in range(-2, ahead + 1):
            day = today + timedelta(days=back)
            if DAYS[day.weekday()] in self.days:
                begin, end = self._on(day)
                if begin < end:
                    yield begin, end

    def _on(self, day: date) -> tuple[int, int]:
        last = day + timedelta(days=1) if self.until <= self.since else day
        begin = _moment(datetime.combine(day, self.since), self.zone, latest=False)
        return begin * _SECOND, _moment(datetime.combine(last, self.until), self.zone, latest=True) * _SECOND


def _moment(wall: datetime, zone: ZoneInfo, *, latest: bool) -> int:
    """When the wall clock shows this: the first or the last time of two; where it never does, when it jumps over it."""
    first, second = (int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if first <= second:  # once, or twice because an hour is repeated
        return second if latest else first
    low, high = second, first  # it is jumped over between these two
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _shown(middle, zone) >= wall else (middle + 1, high)
    return low


def _shown(seconds: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone).replace(tzinfo=None)


def _days(given: Any) -> tuple[str, ...]:
    if given is None:
        return DAYS
    wrong = [day for day in given if day not in DAYS] if isinstance(given, list) else [given]
    if wrong or not given:
        raise InvalidInput(
            "Days of the week are named by three letters.", field="repeats.days", value=wrong or given,
            fix=f"a list of {', '.join(DAYS)}; left out: every day",
        )  # fmt: skip
    return tuple(day for day in DAYS if day in given)


def _time(given: Any, name: str) -> time:
    match = _CLOCK.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise InvalidInput(
            "A time of day has hours and minutes.", field=f"repeats.{name}", value=given, fix="HH:MM, 00:00 to 23:59"
        )
    return time(int(match[1]), int(match[2]))


@lru_cache(maxsize=64)
def _known(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown; a path out of the database; a folder of it
        return None


def zone_of(given: Any, field: str) -> ZoneInfo:
    """Raises InvalidInput for a name that nobody knows."""
    zone = _known(given) if isinstance(given, str) and given else None
    if zone is None:
        raise InvalidInput(
            "There is no such time zone.", field=field, value=given,
            fix="a name of the IANA database, such as Europe/Berlin or UTC",
        )  # fmt: skip
    return zone
