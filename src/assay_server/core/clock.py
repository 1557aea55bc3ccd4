"""Time, injected: rooms take a `Clock`, tests hand them one they can turn."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time in nanoseconds since the Unix epoch, UTC."""

    def now_ns(self) -> int: ...


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        return time.time_ns()


DAY_NS = 86_400_000_000_000

LATEST_NS = 9_214_646_400 * 1_000_000_000
"""2262, which is as good as for ever: soon after it no column of 64 bits holds a time."""


def rfc3339(ns: int) -> str:
    """Nanoseconds since the epoch as `2026-11-21T08:00:00.123456Z` (microseconds, UTC)."""
    seconds, rest = divmod(ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"  # a third of the time of strftime


def in_utc(ns: int) -> str:
    """The same for people, to the second: `2026-11-21 08:00:00 UTC`."""
    return rfc3339(ns)[:19].replace("T", " ") + " UTC"


def parse_rfc3339(text: str) -> int:
    """The inverse of `rfc3339`; a time without an offset is taken as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1_000_000_000 + moment.microsecond * 1000
