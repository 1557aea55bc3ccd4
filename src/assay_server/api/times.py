"""Times in queries."""

from assay_server.core.clock import DAY_NS, LATEST_NS, SystemClock, parse_rfc3339
from assay_server.core.errors import InvalidInput

_WEEK_NS = 7 * DAY_NS

_EARLIEST_NS = -8_520_336_000 * 1_000_000_000
"""1700, which is as good as for ever, as `LATEST_NS` is: a week before the year 1 and a day after 9999, which some
clients send for no time, there are none, and no column of 64 bits holds them."""


def nanoseconds(text: str | None, field: str) -> int | None:
    """A time as nanoseconds since the epoch. Raises `InvalidInput`."""
    if text is None:
        return None
    try:
        return min(max(parse_rfc3339(text), _EARLIEST_NS), LATEST_NS)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"'{field}' is not a time.", field=field, value=text, fix="write it like 2026-11-21T08:00:00Z"
        ) from error


def week_before(since: str | None, until: str | None) -> tuple[int, int]:
    """A window in nanoseconds: until now, and from a week before its end, where nobody says. Raises `InvalidInput`."""
    end = nanoseconds(until, "until")
    end = SystemClock().now_ns() if end is None else end
    begin = nanoseconds(since, "since")
    return (end - _WEEK_NS if begin is None else begin), end
