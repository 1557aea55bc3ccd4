"""What a monitor would have said in the past week: spaced looks, episodes, one reading of the facts."""

from itertools import pairwise
from typing import Any

import pytest

from assay_server.core.clock import rfc3339
from assay_server.monitors.definition import DAY_S, Definition, parse
from assay_server.monitors.finding import Finding
from assay_server.monitors.look import Looker
from assay_server.monitors.rehearsal import episodes, moments, rehearsal_json
from assay_server.query import Window
from tests.fakes.windows import FakeWindows

HOUR = 3600 * 10**9
NOW = 1_800_000_000 * 10**9


def definition(**changes: Any) -> Definition:
    given = {"name": "m", "metric": "error_rate", "rule": {"kind": "threshold", "above": 0.05}, "window_s": 3600}
    return parse(given | changes)


def finding(status: str, group: str = "") -> Finding:
    return Finding(group, status, 10, 0.1, Window(0, 1), "It says so.")


@pytest.mark.parametrize(
    ("changes", "apart_s"),
    [
        ({}, 3600),
        ({"window_s": 300}, 900),  # 2016 looks five minutes apart are more than are read
        ({"window_s": 5400}, 7200),
        ({"window_s": 7 * DAY_S}, DAY_S),
        ({"rule": {"kind": "change"}}, 3600),
        ({"rule": {"kind": "change"}, "group_by": "model"}, 21_600),
    ],
    ids=["hour", "short", "odd", "long", "change", "groups"],
)
def test_looks_are_a_window_apart_or_as_near_as_can_be_read(changes: dict[str, Any], apart_s: int) -> None:
    ends = moments(definition(**changes), NOW)
    assert ends[-1] == NOW
    assert {later - sooner for sooner, later in pairwise(ends)} == {apart_s * 10**9}
    assert len(ends) == 7 * DAY_S // apart_s


def test_an_episode_ends_at_the_first_calm_look_and_not_where_nothing_is_known() -> None:
    said = ["ok", "alarm", "unknown", "alarm", "ok", "alarm"]
    newest, oldest = episodes([(at, [finding(status)]) for at, status in enumerate(said)])
    assert (newest.at_ns, newest.until_ns) == (5, None)
    assert (oldest.at_ns, oldest.until_ns) == (1, 4)


def test_groups_ring_apart() -> None:
    looks = [(1, [finding("alarm", "a"), finding("ok", "b")]), (2, [finding("alarm", "a"), finding("alarm", "b")])]
    shown = rehearsal_json(looks)
    assert (shown["looks"], shown["fired"], shown["blind"]) == (2, 2, 0)
    assert [fire["finding"]["group"] for fire in shown["fires"]] == ["b", "a"]


def test_courses_are_of_those_that_rang_and_then_of_the_largest() -> None:
    def seen(group: str, n: int, status: str = "ok") -> Finding:
        return Finding(group, status, n, 0.1, Window(0, 1), "It says so.", bound=0.2, unit="ms")

    looks = [
        (1, [seen("rang", 1, "alarm"), *(seen(f"g{n}", n) for n in range(9))]),
        (2, [seen("g3", 100), seen("rang", 1)]),
    ]
    courses = rehearsal_json(looks)["courses"]
    assert [course["group"] for course in courses] == ["rang", "g3", "g8", "g7", "g6"]
    assert [point["at"] for point in courses[1]["points"]] == [rfc3339(1), rfc3339(2)]
    assert courses[0] == {
        "group": "rang",
        "unit": "ms",
        "points": [
            {"at": rfc3339(at), "status": status, "n": 1, "value": 0.1, "expected": None, "bound": 0.2}
            for at, status in ((1, "alarm"), (2, "ok"))
        ],
    }
    assert rehearsal_json([(1, [])])["courses"] == []


@pytest.mark.parametrize("kind", ["threshold", "change", "missing", "burn"])
async def test_many_looks_say_what_each_would_say_alone(kind: str) -> None:
    """A planted hour of trouble three days ago; every rule reads the facts once."""
    rules: dict[str, Any] = {
        "threshold": {"kind": "threshold", "above": 0.05},
        "change": {"kind": "change", "change": 0.5, "days": 14},
        "missing": {"kind": "missing", "min_count": 50},
        "burn": {"kind": "burn", "objective": 0.99},
    }
    bad = NOW - 72 * HOUR

    def made(window: Window, group: str) -> tuple[int, float]:
        if not (window.since_ns < bad <= window.until_ns and window.until_ns - window.since_ns <= 6 * HOUR):
            return 500, 0.002 + (window.until_ns // HOUR % 7) / 10_000
        return (10, 10.0) if kind == "missing" else (500, 0.4)

    watched = definition(rule=rules[kind])
    windows = FakeWindows(made)
    looker = Looker(windows)  # type: ignore[arg-type]
    ends = moments(watched, NOW)
    together = await looker.looks("prj_a", watched, ends)
    assert windows.asked == 1
    assert together[::24] == [await looker.look("prj_a", watched, end) for end in ends[::24]]
    [episode] = episodes(list(zip(ends, together, strict=True)))
    assert episode.at_ns == bad
