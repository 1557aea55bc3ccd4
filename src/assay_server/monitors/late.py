"""Windows that are judged again, because spans came for them after they had been judged.

A service whose clock is behind, and a sender that kept what it had while the network was down, tell of a time that was
looked at before: nobody would ever see it. So each look asks whether spans came for windows of the last hours, judges
those windows once more, and says so where they are listed. Trouble that is found so is told as if it were found now.
What is found to be calm ends no incident, unless nothing newer is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assay_server.monitors.definition import Definition
from assay_server.monitors.finding import Finding, until_ns
from assay_server.monitors.look import Looker
from assay_server.monitors.monitor_rows import Judged, State
from assay_server.query import Windows

_SECOND = 1_000_000_000
LATEST_NS = 6 * 3600 * _SECOND
"""So long after its end a window is judged again."""

_MOST = 24  # windows of one look
_READ_NS = 10 * _SECOND  # between reading and noting a look at most: what came in between is asked for again


@dataclass(frozen=True, slots=True)
class Again:
    """What a look at an earlier moment says now that spans came for it."""

    at_ns: int
    findings: Sequence[Finding]


class LateLooks:
    def __init__(self, windows: Windows, looker: Looker) -> None:
        self._windows = windows
        self._looker = looker

    async def look(
        self, project: str, definition: Definition, at_ns: int, judged: Sequence[Judged], known: Sequence[str]
    ) -> list[Again]:
        """Newest first; `judged` are the looks of the last hours, newest first, before the one at `at_ns`."""
        earlier = _apart(definition, at_ns, judged)
        if not earlier:
            return []
        news_ns = judged[0].done_ns - _READ_NS
        news = await self._windows.came_late(project, [(*_edges(definition, each), news_ns) for each in earlier])
        again = [each for each in earlier if _edges(definition, each) in news][:_MOST]
        if not again:
            return []
        came = await self._windows.came_late(project, [(*_edges(definition, each), each.done_ns) for each in again])
        looks = await self._looker.looks_in_any_case(project, definition, [each.at_ns for each in again], known)
        return [
            Again(each.at_ns, [_late(finding, each, came.get(_edges(definition, each), 0)) for finding in findings])
            for each, findings in zip(again, looks, strict=True)
        ]


def with_late(
    findings: Sequence[Finding], again: Sequence[Again], judged: Sequence[Judged], known: Sequence[State]
) -> list[Finding]:
    """The findings of now, but for groups of which more is known by judging again.

    Trouble takes the place of a finding without. What was told of the same time before is no news: it opens nothing,
    nor does it hold up an all-clear. Where trouble is open and nothing of now is known, as with a service that is
    always late, it is over by a later window that is calm.
    """
    found = {finding.group: finding for finding in findings}
    troubled = {state.group: until_ns(state.finding) for state in known if state.status == "alarm"}
    late = [finding for each in again for finding in each.findings]
    for finding in late:
        now = found.get(finding.group)
        if finding.status != "alarm" or (now is not None and now.status == "alarm"):
            continue
        if not _told(finding, judged, open_now=finding.group in troubled):
            found[finding.group] = finding
    for group, trouble_ns in troubled.items():
        if (now := found.get(group)) is None or now.status == "unknown":
            calm = (one for one in late if one.group == group and one.status == "ok")
            newest = next((one for one in calm if one.window.until_ns > trouble_ns), now)
            found |= {group: newest} if newest is not None else {}
    return list(found.values())


def _told(finding: Finding, judged: Sequence[Judged], *, open_now: bool) -> bool:
    windows = [window for one in judged for window in one.alarms(finding.group)]
    return finding.window in windows if open_now else any(map(finding.window.overlaps, windows))


def _apart(definition: Definition, at_ns: int, judged: Sequence[Judged]) -> list[Judged]:
    """Looks whose windows do not overlap with each other, nor with the one that is judged now."""
    chosen: list[Judged] = []
    limit_ns = at_ns - definition.window_s * _SECOND
    for each in judged:
        if at_ns - LATEST_NS <= each.at_ns <= limit_ns:
            chosen.append(each)
            limit_ns = each.at_ns - definition.window_s * _SECOND
    return chosen


def _edges(definition: Definition, each: Judged) -> tuple[int, int]:
    return each.at_ns - definition.window_s * _SECOND, each.at_ns


def _late(finding: Finding, before: Judged, n: int) -> Finding:
    """With how many spans came, and with what was said without them, where that was something else."""
    said = before.said(finding.group)
    told = f"{n:,} {'span' if n == 1 else 'spans'} of that time came afterwards"
    details = {**finding.details, "late": n}
    if said != finding.status:
        told += f" (before: {said})"
        details["said"] = said
    return replace(finding, sentence=f"{finding.sentence} Judged again: {told}.", details=details)
