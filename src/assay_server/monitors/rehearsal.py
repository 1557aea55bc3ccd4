"""What a monitor would have said: looks at evenly spaced moments of the past days, over the facts of their time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.monitors.definition import DAY_S, Definition
from assay_server.monitors.finding import Finding, finding_json

DAYS = 7

_SECOND = 1_000_000_000
_SPACINGS_S = (300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY_S)
_MOST_LOOKS = 700  # at five windows each for a burn rate
_MOST_DAYS_OF_WINDOWS = 900  # a change reads its earlier days too
_MOST_OF_GROUPS = 200  # each window may hold two hundred groups
_SHOWN = 50
_DRAWN = 5  # groups: more lines than that nobody tells apart


@dataclass(frozen=True, slots=True)
class Episode:
    """From the look that rang to the first calm one; `until_ns` is None where it rings still."""

    group: str
    at_ns: int
    until_ns: int | None
    finding: Finding


def moments(definition: Definition, now_ns: int) -> list[int]:
    """Ends of windows over the past days, oldest first, `now_ns` last: as far apart as a window, or as can be read.

    The spacing divides a day, so that a change finds its earlier days among the windows that are read anyhow.
    """
    apart_s = next(each for each in _SPACINGS_S if _fits(definition, each))
    count = DAYS * DAY_S // apart_s
    return [now_ns - back * apart_s * _SECOND for back in range(count - 1, -1, -1)]


def episodes(looks: Sequence[tuple[int, Sequence[Finding]]]) -> list[Episode]:
    """Times it would have rung, newest first. A look that can say nothing neither begins nor ends one."""
    ringing: dict[str, tuple[int, Finding]] = {}
    found: list[Episode] = []
    for at_ns, findings in looks:
        for finding in findings:
            if finding.status == "alarm":
                ringing.setdefault(finding.group, (at_ns, finding))
            elif finding.status == "ok" and finding.group in ringing:
                began, first = ringing.pop(finding.group)
                found.append(Episode(finding.group, began, at_ns, first))
    found += [Episode(group, began, None, first) for group, (began, first) in ringing.items()]
    return sorted(found, key=lambda each: (each.at_ns, each.group), reverse=True)


def rehearsal_json(looks: Sequence[tuple[int, Sequence[Finding]]]) -> dict[str, Any]:
    """As the API shows it; the last of `looks` is now."""
    rang = episodes(looks)
    (first, _), (last, now) = looks[0], looks[-1]
    return {
        "findings": [finding_json(finding) for finding in now],
        "since": rfc3339(first),
        "until": rfc3339(last),
        "looks": len(looks),
        "blind": sum(all(finding.status == "unknown" for finding in findings) for _, findings in looks),
        "fired": len(rang),
        "fires": [_shown(each) for each in rang[:_SHOWN]],
        "courses": _courses(looks, rang),
    }


def _courses(looks: Sequence[tuple[int, Sequence[Finding]]], rang: Sequence[Episode]) -> list[dict[str, Any]]:
    """What it saw at each look, oldest first, of the groups that rang last, then of the largest."""
    told: dict[str, list[tuple[int, Finding]]] = {}
    for at_ns, findings in looks:
        for finding in findings:
            told.setdefault(finding.group, []).append((at_ns, finding))
    largest = sorted(told, key=lambda group: (-sum(finding.n for _, finding in told[group]), group))
    drawn = [*dict.fromkeys([*(each.group for each in rang), *largest])][:_DRAWN]
    return [
        {
            "group": group or None,
            "unit": told[group][-1][1].unit,
            "points": [
                {
                    "at": rfc3339(at_ns),
                    "status": finding.status,
                    "n": finding.n,
                    "value": finding.value,
                    "expected": finding.expected,
                    "bound": finding.bound,
                }
                for at_ns, finding in told[group]
            ],
        }
        for group in drawn
    ]


def _shown(episode: Episode) -> Mapping[str, Any]:
    return {
        "at": rfc3339(episode.at_ns),
        "until": None if episode.until_ns is None else rfc3339(episode.until_ns),
        "finding": finding_json(episode.finding),
    }


def _fits(definition: Definition, apart_s: int) -> bool:
    """Far enough apart for a window each, and few enough windows to read at once."""
    if apart_s == _SPACINGS_S[-1]:
        return True
    days = DAYS + (definition.rule.days or 0 if definition.rule.kind == "change" else 0)
    windows = days * DAY_S // apart_s
    most = _MOST_OF_GROUPS if definition.group_by else _MOST_DAYS_OF_WINDOWS
    return apart_s >= min(definition.window_s, DAY_S) and windows <= most and DAYS * DAY_S // apart_s <= _MOST_LOOKS
