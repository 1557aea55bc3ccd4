"""The rules against figures worked out by hand, and the rate of false alarms on noise, simulated."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from assay_server.monitors.baseline import Past, alpha, expect
from assay_server.monitors.definition import parse
from assay_server.monitors.finding import Finding
from assay_server.monitors.judge import Seen, burn, change, missing, threshold
from assay_server.monitors.look import Looker
from assay_server.query import Figure, Window
from tests.fakes.windows import FakeWindows

DAY = 86_400 * 10**9
AT = 100 * DAY
WINDOW = Window(AT - 3600 * 10**9, AT)

WEEKDAYS = (1.0, 1.1, 1.2, 1.1, 0.9, 0.4, 0.3)  # by days ago, modulo seven
LEVEL = 0.01


def definition(**changes: Any) -> Any:
    given = {"name": "m", "metric": "latency", "rule": {"kind": "change"}, "window_s": 3600, "min_n": 10}
    return parse(given | changes)


def seen(n: int, value: float | None, past: list[Past] | None = None, unknown: int = 0) -> Seen:
    return Seen("", WINDOW, Figure(WINDOW, "", n, value, None, unknown), past or [])


def days(noise: float, rng: random.Random, count: int = 28, metric: str = "latency") -> tuple[list[Past], float]:
    """`count` days and today: a level by weekday with lognormal noise, or failures among 200 calls."""

    def one(day: int) -> float:
        level = WEEKDAYS[day % 7]
        if metric == "error_rate":
            return sum(rng.random() < 0.05 * level for _ in range(200)) / 200
        return 1000 * level * math.exp(rng.gauss(0, noise))

    return [Past(day, one(day), 200) for day in range(1, count + 1)], one(0)


def test_a_group_cannot_turn_the_figures_behind_it_around() -> None:
    turning = Seen("\u202eabc\u2066", WINDOW, Figure(WINDOW, "", 20, 5.0, None, 0), [])
    found = threshold(definition(rule={"kind": "threshold", "above": 1}), turning)
    assert (found.group, found.sentence[:26]) == ("\u202eabc\u2066", "Latency p95 of abc: 5 ms o")


@pytest.mark.parametrize(
    ("metric", "rule", "figure", "status"),
    [
        ("errors", {"above": 5}, (3, 3.0), "ok"),  # three of three failed: three is not above five
        ("errors", {"above": 5}, (9, 6.0), "unknown"),  # an alarm has its n
        ("errors", {"above": 5}, (20, 6.0), "alarm"),
        ("requests", {"above": 0}, None, "ok"),
        ("requests", {"below": 5}, (3, 3.0), "alarm"),
        ("cost", {"above": 1}, None, "ok"),  # nothing costs nothing
        ("cost", {"above": 1}, (3, 0.5), "unknown"),  # what others cost may not be known
        ("error_rate", {"above": 0.5}, (3, 0.0), "unknown"),
        ("latency", {"above": 5}, None, "unknown"),
    ],
)
def test_few_of_what_is_counted_are_as_many_as_they_are(
    metric: str, rule: dict[str, Any], figure: tuple[int, float] | None, status: str
) -> None:
    """Else an alarm about a count would not end where nothing comes any more."""
    given = Seen("", WINDOW, None, []) if figure is None else seen(*figure)
    assert threshold(definition(metric=metric, rule={"kind": "threshold", **rule}), given).status == status


@pytest.mark.parametrize(("metric", "noise"), [("latency", 0.1), ("latency", 0.4), ("error_rate", 0.0)])
def test_noise_rings_no_oftener_than_promised(metric: str, noise: float) -> None:
    """At a level of 1 %, both with the weekday known and while it is not yet: at most 1 % and four standard errors."""
    rng = random.Random(7)
    trials, alarms = 1500, 0
    for trial in range(trials):
        past, today = days(noise, rng, 28 if trial % 2 else 10, metric)
        expected = expect(metric, past, 200, None, LEVEL)
        assert expected is not None
        alarms += today > expected.upper
    allowed = trials * LEVEL
    assert alarms <= allowed + 4 * math.sqrt(allowed)
    assert alarms > 0 or noise == 0  # a bound that nothing ever passes would be worth nothing


def test_a_weekend_is_judged_by_weekends() -> None:
    """On weekdays a thousand, on this day of the week three hundred: a thousand today is an alarm, 310 is none."""
    rng = random.Random(11)
    past = [Past(day, (1000 if day % 7 else 300) * math.exp(rng.gauss(0, 0.05)), 200) for day in range(1, 29)]
    expected = expect("latency", past, 200, None, LEVEL)
    assert expected is not None
    assert expected.weekday
    assert expected.value == pytest.approx(300, rel=0.1)
    assert 310 < expected.upper < 1000


def test_a_real_change_is_found_and_a_small_one_is_left_alone() -> None:
    rng, watched = random.Random(3), definition(rule={"kind": "change", "change": 0.2})
    found = 0
    for _ in range(100):
        past, today = days(0.05, rng)
        found += change(watched, seen(200, today * 1.6, past)).status == "alarm"
    assert found >= 95
    past = [Past(day, 1000 + day % 2, 200) for day in range(1, 29)]
    assert change(watched, seen(200, 1100, past)).status == "ok"  # certain, but less than a fifth


def test_the_sentence_says_n_expectation_and_history() -> None:
    past = [Past(day, 1000 * (1 + 0.02 * (-1) ** day), 200) for day in range(1, 29)]
    finding = change(definition(rule={"kind": "change", "change": 0.2}), seen(120, 2000, past))
    assert finding.status == "alarm"
    assert finding.expected == pytest.approx(1000, rel=0.03)
    assert finding.sentence.startswith("Latency p95: 2,000 ms over 1 h (n = 120): +")
    assert "this weekday and hour in UTC (28 days of history" in finding.sentence


@pytest.mark.parametrize("count", [0, 3, 4])
def test_with_little_history_it_is_still_learning(count: int) -> None:
    past = [Past(day, 1000.0 + day, 200) for day in range(1, count + 1)]
    finding = change(definition(), seen(200, 9000, past))
    assert (finding.status, finding.expected) == ("unknown", None)
    assert "still learning" in finding.sentence


def test_sampling_error_holds_a_flat_history_back() -> None:
    """Without one failure in a month, one among ten is no news; thirty among a hundred are."""
    past = [Past(day, 0.0, 100) for day in range(1, 29)]
    rule = {"kind": "change", "change": 0.2}
    assert change(definition(metric="error_rate", rule=rule), seen(10, 0.1, past)).status == "ok"
    assert change(definition(metric="error_rate", rule=rule), seen(100, 0.3, past)).status == "alarm"


def test_the_level_follows_from_false_alarms_a_year() -> None:
    assert alpha(1, 86_400) == pytest.approx(1 / 365)
    assert alpha(365, 86_400) == 0.01  # never more than that


def test_traffic_that_falls_to_nothing_is_a_change() -> None:
    past = [Past(day, 1000 + 10 * (day % 3), 1000) for day in range(1, 29)]
    nothing = Seen("", WINDOW, None, past)
    found = change(definition(metric="count", rule={"kind": "change", "direction": "down", "change": 0.5}), nothing)
    assert (found.status, found.value) == ("alarm", 0.0)


def _traffic(days: int, is_open: Callable[[int], bool]) -> list[Past]:
    return [Past(day, 1000 + 10 * (day % 3), 1000) for day in range(1, days + 1) if is_open(day)]


@pytest.mark.parametrize("days", [8, 9, 13, 14, 20, 28])
def test_a_day_that_is_always_empty_is_no_fall(days: int) -> None:
    """Today is a Sunday, the seventh day back too; nothing came on any Sunday or Saturday, thousands on other days."""
    rule = {"kind": "change", "direction": "both", "change": 0.5}
    past = _traffic(days, lambda day: day % 7 not in {0, 1})
    found = change(definition(metric="count", rule=rule), Seen("", WINDOW, None, past))
    assert found.status == "unknown"
    assert "still learning" in found.sentence


def test_the_first_saturday_is_not_compared_with_the_five_days_before() -> None:
    rule = {"kind": "change", "direction": "both", "change": 0.5}
    past = [Past(day, 1000 + 10 * (day % 3), 1000) for day in range(1, 6)]
    assert change(definition(rule=rule), seen(200, 200, past)).status == "unknown"
    assert change(definition(rule=rule), seen(200, 200, [*past, Past(7, 1010, 1000)])).status == "alarm"


def test_a_working_day_without_traffic_is_a_fall_although_sundays_are_empty() -> None:
    """Today is a Monday: Sundays are the days 1, 8, 15, 22 back."""
    rule = {"kind": "change", "direction": "down", "change": 0.5}
    past = _traffic(28, lambda day: day % 7 != 1)
    found = change(definition(metric="count", rule=rule), Seen("", WINDOW, None, past))
    assert (found.status, found.value) == ("alarm", 0.0)


def test_what_is_more_than_on_working_days_is_told_on_a_day_that_is_always_empty() -> None:
    past = _traffic(28, lambda day: day % 7 not in {0, 1})
    found = change(definition(metric="count", rule={"kind": "change", "change": 0.2}), seen(5000, 5000.0, past))
    assert found.status == "alarm"


def test_unknown_prices_are_said() -> None:
    finding = threshold(definition(metric="cost", rule={"kind": "threshold", "above": 5}), seen(20, 6.0, unknown=3))
    assert finding.status == "alarm"
    assert finding.details["unknown"] == 3
    assert "(n = 20, 3 unknown)" in finding.sentence


def test_below_a_line() -> None:
    rule = {"kind": "threshold", "below": 0.8}
    score = {"name": "score", "score": "quality"}
    assert threshold(definition(metric=score, rule=rule), seen(20, 0.7)).status == "alarm"
    assert threshold(definition(metric=score, rule=rule), seen(20, 0.9)).status == "ok"
    assert threshold(definition(metric=score, rule=rule), seen(9, 0.1)).status == "unknown"


def test_missing_data_needs_data_to_miss() -> None:
    rule = definition(rule={"kind": "missing"})
    nothing = Seen("", WINDOW, None)
    assert missing(rule, nothing, before=500).status == "alarm"
    assert missing(rule, nothing, before=0).status == "unknown"
    assert missing(rule, seen(3, 3.0), before=0).status == "ok"


def _burnt(long_share: float, short_share: float, n: int = 1000) -> Finding:
    rule = definition(metric="error_rate", rule={"kind": "burn", "objective": 0.99})
    shares = {3600: long_share, 300: short_share}
    figures = {seconds: Figure(WINDOW, "", n, share, None, 0) for seconds, share in shares.items()}
    return burn(rule, "", figures, AT)


def test_a_budget_burns_when_it_did_for_long_and_still_does() -> None:
    assert _burnt(0.2, 0.2).status == "alarm"  # 20 times as fast as 1 % allows, 14.4 are needed
    assert _burnt(0.2, 0.0).status == "ok"  # it has stopped
    assert _burnt(0.01, 0.9).status == "ok"  # a moment
    assert _burnt(0.2, 0.2, n=20).status == "ok"  # four bad calls wake nobody
    assert "20 times as fast" in _burnt(0.2, 0.2).sentence


def _figures(shares: dict[int, tuple[int, float]]) -> dict[int, Figure]:
    return {seconds: Figure(WINDOW, "", n, share, None, 0) for seconds, (n, share) in shares.items()}


@pytest.mark.parametrize(("days", "share", "status"), [(7, 0.009, "ok"), (7, 0.011, "alarm"), (90, 0.02, "ok")])
def test_a_budget_that_lasts_until_its_end_is_no_alarm(days: int, share: float, status: str) -> None:
    """A tenth of a week's budget in three days is a quarter of what may be spent in them."""
    rule = definition(metric="error_rate", rule={"kind": "burn", "objective": 0.99, "days": days})
    windows = (3600, 300, 6 * 3600, 1800, 3 * 86_400)
    assert burn(rule, "", _figures(dict.fromkeys(windows, (10_000, share))), AT).status == status


def test_a_budget_is_told_over_a_window_that_has_calls() -> None:
    """Nothing in the last hour is not a share of 0 among no calls."""
    rule = definition(metric="error_rate", min_n=30, rule={"kind": "burn", "objective": 0.99})
    quiet = burn(rule, "", _figures({3 * 86_400: (500, 0.002)}), AT)
    assert (quiet.status, quiet.n, quiet.value) == ("ok", 500, 0.002)
    assert "0.2 % over 3 d and no calls over 6 h (n = 500)" in quiet.sentence
    nothing = burn(rule, "", {}, AT)
    assert (nothing.status, nothing.n, nothing.value) == ("unknown", 0, None)
    few = burn(rule, "", _figures({3600: (3, 1.0), 300: (3, 1.0)}), AT)
    assert (few.status, few.n, few.value) == ("unknown", 3, None)


async def test_a_look_asks_once_for_now_and_the_same_hour_of_earlier_days() -> None:
    windows = FakeWindows(lambda window, group: (100, 1000.0 + (window.until_ns // DAY) % 3))
    looker = Looker(windows)  # type: ignore[arg-type]
    [finding] = await looker.look("prj_a", definition(), AT)
    assert windows.asked == 1
    assert (finding.status, finding.details["days"]) == ("ok", 28)


async def test_a_group_that_was_there_is_missed() -> None:
    def week(window: Window, group: str) -> tuple[int, float] | None:
        return (700, 700.0) if window.until_ns < AT or group == "a" else None

    looker = Looker(FakeWindows(week, ("a", "b")))  # type: ignore[arg-type]
    found = await looker.look("prj_a", definition(rule={"kind": "missing"}, group_by="model"), AT)
    assert [(each.group, each.status) for each in found] == [("a", "ok"), ("b", "alarm")]


def test_calls_that_stop_are_no_end_of_a_fire() -> None:
    """An outage in which nothing comes any more was told as `0 % over 1 h`, and its alarm resolved."""
    rule = definition(metric="error_rate", rule={"kind": "burn", "objective": 0.99})
    hour = {3600: Figure(WINDOW, "", 1000, 0.2, None, 0), 6 * 3600: Figure(WINDOW, "", 9000, 0.02, None, 0)}
    finding = burn(rule, "", hour, AT)
    assert (finding.status, finding.n, finding.value) == ("unknown", 1000, 0.2)
    assert "no calls over 5 min: whether it goes on is not known" in finding.sentence


def test_a_quantile_of_few_calls_says_nothing_however_many_are_usual() -> None:
    past = [Past(day, 1000 + 10 * (day % 3), 1000) for day in range(1, 29)]
    for metric, value in (("latency", 9000.0), ("error_rate", 1.0), ("cost_per_request", 9000.0)):
        judged = definition(metric=metric, rule={"kind": "change", "direction": "up", "change": 0.5})
        assert change(judged, seen(9, value, past)).status == "unknown", metric
    assert change(definition(rule={"kind": "change"}), seen(10, 9000.0, past)).status == "alarm"


def test_failures_where_there_are_none_usually_are_a_change() -> None:
    """Nothing has no logarithm: days without failures were left out, and a project without any learned for ever."""
    rule = definition(metric="errors", rule={"kind": "change", "direction": "up", "change": 0.5})
    never = [Past(day, 0.0, 1000) for day in range(1, 29)]
    assert [change(rule, seen(1000, float(bad), never)).status for bad in (0, 3, 50)] == ["ok", "ok", "alarm"]
    assert "more than the usual nothing" in change(rule, seen(1000, 50.0, never)).sentence
    seldom = [Past(day, float(day % 3 == 0), 1000) for day in range(1, 29)]
    assert [change(rule, seen(1000, float(bad), seldom)).status for bad in (1, 3, 50)] == ["ok", "ok", "alarm"]
