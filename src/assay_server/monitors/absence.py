"""Times in which the server was not there to take anything: off, asleep, or jumped over by its clock.

That nothing came then says nothing of the traffic: senders wait, and send it afterwards. A figure that fell only for
that is unknown, and not trouble.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from assay_server.monitors.baseline import SUMS
from assay_server.monitors.definition import Definition
from assay_server.monitors.finding import Finding, lasted_of, subject_of
from assay_server.query import Window

_SECOND = 1_000_000_000
_WORTH_NS = 60 * _SECOND  # what is shorter nobody misses
_KEPT = 20
_HALF = 0.5


class Absences:
    """Told the time again and again, it knows when nobody told it."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic` stands still where the machine sleeps, and does not leap with the clock."""
        self._monotonic = monotonic
        self._last: tuple[int, float] | None = None
        self._away: list[Window] = []

    @property
    def knows(self) -> bool:
        """Whether it was told the time since the start."""
        return self._last is not None

    def began(self, now_ns: int, alive_ns: int | None) -> None:
        """After a start. `alive_ns`: the last sign of life before it, None where there never was one."""
        self._last = now_ns, self._monotonic()
        if alive_ns is not None:
            self._add(alive_ns, now_ns)

    def passed(self, now_ns: int) -> None:
        """It is `now_ns`, and the server is there."""
        moment = self._monotonic()
        if self._last is not None:
            went_on_ns = round((moment - self._last[1]) * _SECOND)
            self._add(self._last[0] + went_on_ns, now_ns)
        self._last = now_ns, moment

    def within(self, window: Window) -> int:
        """How many nanoseconds of a window the server was not there."""
        both = ((max(each.since_ns, window.since_ns), min(each.until_ns, window.until_ns)) for each in self._away)
        return sum(max(0, until - since) for since, until in both)

    def _add(self, since_ns: int, until_ns: int) -> None:
        if until_ns - since_ns >= _WORTH_NS:
            self._away = [*self._away, Window(since_ns, until_ns)][-_KEPT:]


def doubted(definition: Definition, finding: Finding, away_ns: int) -> Finding:
    """Trouble that is less than there should be, over a window of which the server was away for a part: none where it
    was for more than half of it, or where what came in the rest would have been enough at the same pace."""
    if not away_ns or not _fell(definition, finding) or finding.value is None or finding.bound is None:
        return finding
    window = finding.window
    there = 1 - away_ns / (window.until_ns - window.since_ns)
    if there >= _HALF and finding.value / there < finding.bound:
        return finding
    subject = subject_of(definition, finding.group)
    words = (
        f"n = {finding.n:,} in {lasted_of(_seconds(window.until_ns - window.since_ns))}, of which the server was away"
    )
    sentence = f"{subject[0].upper()}{subject[1:]}: {words} for {lasted_of(_seconds(away_ns))}, too few to decide."
    return replace(finding, status="unknown", sentence=sentence)


def _fell(definition: Definition, finding: Finding) -> bool:
    counts = definition.rule.kind == "missing" or definition.metric.name in SUMS
    known = finding.value is not None and finding.bound is not None
    return counts and known and finding.status == "alarm" and (finding.value or 0.0) < (finding.bound or 0.0)


def _seconds(ns: int) -> int:
    return round(ns / _SECOND)
