"""Which window ends a monitor has to be evaluated at, and when it is looked at next."""

from dataclasses import dataclass

from assay_server.monitors.monitor_rows import Monitor

_SECOND = 1_000_000_000
_MOST_CAUGHT_UP = 100


@dataclass(frozen=True, slots=True)
class Due:
    """An evaluation: the end of its window, when the next one is due, and how many before it did not happen in time."""

    at_ns: int
    next_ns: int
    missed: int


def schedule(monitor: Monitor, now_ns: int) -> tuple[list[int], int, int]:
    """The window ends to evaluate now, the one after them, and how many evaluations did not happen in time.

    One is in time until the next is due. Of those that were missed, as many are made up for as cover the gap without
    overlap, the newest hundred at most; the last moment before now is always among them. Where the clock was set back
    it begins anew from now.
    """
    every_ns = monitor.definition.every_s * _SECOND
    if monitor.next_ns > now_ns:
        return [now_ns], now_ns + every_ns, 0
    late = (now_ns - monitor.next_ns) // every_ns
    last = monitor.next_ns + late * every_ns
    stride = max(1, monitor.definition.window_s // monitor.definition.every_s) * every_ns
    count = min(_MOST_CAUGHT_UP, late * every_ns // stride + 1)
    moments = [last - back * stride for back in range(count - 1, -1, -1)]
    return moments, last + every_ns, late
