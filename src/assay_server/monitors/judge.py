"""The four rules, as pure functions from figures to findings. A figure below its smallest n says nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay_server.core.words import moved
from assay_server.monitors.baseline import SUMS, Expected, Past, alpha, expect, often_empty
from assay_server.monitors.definition import DAY_S, Definition
from assay_server.monitors.finding import Finding, amount, span_of, subject_of
from assay_server.query import COUNTS, RATES, Figure, Window, unit_of
from assay_server.stats import wilson

_FEWEST_BAD = 5

# Long window, short window, how many times faster than the budget allows: 2 % of a month's budget in an hour, 5 % in
# six, 10 % in three days. Beyer et al., The Site Reliability Workbook (2018), ch. 5, "Multiwindow, Multi-Burn-Rate".
# The factors are for 30 days and are scaled to the objective's own period, down to 1: what is spent no faster than it
# may be lasts until the period's end, which is nobody's alarm.
BURNS = ((3600, 300, 14.4), (6 * 3600, 1800, 6.0), (3 * DAY_S, 6 * 3600, 1.0))


@dataclass(frozen=True, slots=True)
class Seen:
    """One group's figures: now, and on earlier days (`days_ago`) where the rule asks for them."""

    group: str
    window: Window
    now: Figure | None
    past: Sequence[Past] = ()

    @property
    def n(self) -> int:
        return 0 if self.now is None else self.now.n

    @property
    def unknown(self) -> int:
        return 0 if self.now is None else self.now.unknown


def threshold(definition: Definition, seen: Seen) -> Finding:
    """Above or below a fixed line."""
    rule, value = definition.rule, _value(definition, seen)
    if value is None:
        return _too_few(definition, seen, value)
    line, crossed = _line(rule.above, rule.below, value)
    enough = seen.n >= definition.min_n or (definition.metric.name in COUNTS and rule.below is not None)
    if not enough and (crossed or not _is_whole(definition, seen)):
        return _too_few(definition, seen, value)
    words = f"{'above' if line == rule.above else 'below'} {amount(definition.metric, line)}"
    sentence = _sentence(definition, seen, value, words if crossed else f"not {words}")
    return _finding(definition, seen, crossed, value, sentence, bound=line)


def change(definition: Definition, seen: Seen) -> Finding:
    """Further from what this hour and weekday usually bring than `change` and than chance explains."""
    rule, value = definition.rule, _value(definition, seen)
    if value is None or _n(definition, seen) < definition.min_n:
        return _too_few(definition, seen, value)
    level = alpha(rule.false_alarms_per_year or 1.0, definition.every_s)
    sd = None if seen.now is None else seen.now.sd
    expected = expect(definition.metric.name, seen.past, seen.n, sd, level / (2 if rule.direction == "both" else 1))
    falls = rule.direction != "up" and expected is not None and value < expected.value
    if expected is None or (falls and often_empty(definition.metric.name, seen.past)):
        return _learning(definition, seen, value)
    bound, crossed = _crossed(definition, expected, value)
    relative = moved(value / expected.value - 1) if expected.value > 0 else "more than the usual nothing"
    kind = f"{'this weekday and hour' if expected.weekday else 'this hour'} in {rule.time_zone or 'UTC'}"
    words = (
        f"{relative} against the {amount(definition.metric, expected.value)} that are usual at {kind}"
        f" ({expected.days} days of history; chance explains up to {amount(definition.metric, bound)})"
    )
    details = {"days": expected.days, "weekday": expected.weekday, "interval": [expected.lower, expected.upper]}
    sentence = _sentence(definition, seen, value, words)
    return _finding(definition, seen, crossed, value, sentence, expected=expected.value, bound=bound, **details)


def missing(definition: Definition, seen: Seen, before: int) -> Finding:
    """Fewer calls than there have to be; `before` counts those of the week before, none of which means no news."""
    least, n = definition.rule.min_count or 1, seen.n + seen.unknown
    if before == 0 and n < least:
        words = f"no data for {span_of(definition.window_s)}, and none in the week before"
        return Finding(
            seen.group, "unknown", n, float(n), seen.window, _of(definition, seen, words), bound=float(least)
        )
    what = f"{n} in {span_of(definition.window_s)}, {'fewer than' if n < least else 'at least'} {least}"
    sentence = _of(definition, seen, f"{what}; {before} in the week before")
    status = "alarm" if n < least else "ok"
    return Finding(
        seen.group, status, n, float(n), seen.window, sentence, None, float(least), "calls", {"week": before}
    )


def burn(definition: Definition, group: str, figures: dict[int, Figure], at_ns: int) -> Finding:
    """The error budget is being spent too fast, in a long window and still in a short one.

    `figures`: window length in seconds -> its figure. At least five bad calls, so that one failure among few calls
    wakes nobody.
    """
    budget = 1 - (definition.rule.objective or 0.0)
    scale = (definition.rule.days or 30) / 30
    pairs = [_pair(figures, definition, budget, *pair, scale) for pair in BURNS]
    enough = [pair for pair in pairs if pair["enough"]]
    stopped = next((pair for pair in pairs if pair["stopped"]), None)
    worst = next((pair for pair in pairs if pair["alarm"]), stopped or (enough or pairs)[0])
    long_s = int(worst["long_s"])
    seen = Seen(group, Window(at_ns - long_s * 10**9, at_ns), figures.get(long_s))
    if worst is stopped:
        return _stopped(definition, seen, worst)
    if not enough:
        return _too_few(definition, seen, None)
    share, bound = worst["share"], budget * worst["factor"]
    short = "no calls" if worst["short_share"] is None else amount(definition.metric, worst["short_share"])
    words = (
        f"{amount(definition.metric, share)} over {span_of(long_s)} and {short}"
        f" over {span_of(worst['short_s'])} (n = {worst['n']:,}): the budget of {budget:.3g} is spent"
        f" {worst['burn']:.3g} times as fast as it may be"
    )
    return _finding(
        definition, seen, worst["alarm"], share, _of(definition, seen, words), expected=budget, bound=bound, pairs=pairs
    )


def _pair(
    figures: dict[int, Figure], definition: Definition, budget: float, long_s: int, short_s: int, factor: float,
    scale: float,
) -> dict[str, Any]:  # fmt: skip
    long, short = figures.get(long_s), figures.get(short_s)
    shares = [None if each is None else each.value for each in (long, short)]
    n = 0 if long is None else long.n
    factor = max(1.0, factor * scale)
    line, whole = budget * factor, shares[0]
    enough, calls_now = n >= max(definition.min_n, 1), short is not None and short.n > 0
    burnt = enough and whole is not None and whole >= line and round(whole * n) >= _FEWEST_BAD
    return {
        "long_s": long_s,
        "short_s": short_s,
        "factor": factor,
        "n": n,
        "share": whole,
        "short_share": shares[1],
        "burn": None if whole is None else whole / budget,
        "alarm": burnt and shares[1] is not None and shares[1] >= line,
        "stopped": burnt and not calls_now,
        "enough": enough,
    }


def _stopped(definition: Definition, seen: Seen, pair: dict[str, Any]) -> Finding:
    """It burnt, and now there are no calls at all: nobody can say that it is over."""
    words = (
        f"{amount(definition.metric, pair['share'])} over {span_of(pair['long_s'])} (n = {pair['n']:,}), and no calls"
        f" over {span_of(pair['short_s'])}: whether it goes on is not known"
    )
    return Finding(
        seen.group, "unknown", seen.n, pair["share"], seen.window, _of(definition, seen, words),
        unit=unit_of(definition.metric),
    )  # fmt: skip


def _n(definition: Definition, seen: Seen) -> float:
    """Of a sum that fell, what usually is there counts too: few calls are the news then, and not too few to tell."""
    if definition.metric.name not in SUMS or not seen.past:
        return seen.n
    return max(float(seen.n), sum(each.n for each in seen.past) / len(seen.past))


def _value(definition: Definition, seen: Seen) -> float | None:
    """No data is nothing, for sums; for everything else it is unknown."""
    if seen.now is None:
        return 0.0 if definition.metric.name in SUMS else None
    return seen.now.value


def _is_whole(definition: Definition, seen: Seen) -> bool:
    """Few are as many as they are, and nothing is nothing: of a count no larger n would know more."""
    return definition.metric.name in COUNTS or (seen.now is None and definition.metric.name in SUMS)


def _line(above: float | None, below: float | None, value: float) -> tuple[float | None, bool]:
    if above is not None and (value > above or below is None):
        return above, value > above
    return below, below is not None and value < below


def _crossed(definition: Definition, expected: Expected, value: float) -> tuple[float, bool]:
    """The nearer bound in the value's direction; both the margin of chance and the relative change must be passed."""
    rule = definition.rule
    up = rule.direction == "up" or (rule.direction == "both" and value >= expected.value)
    by = rule.change or 0.0
    if up:
        return expected.upper, value > expected.upper and value > expected.value * (1 + by)
    return expected.lower, value < expected.lower and value < expected.value * (1 - by)


def _too_few(definition: Definition, seen: Seen, value: float | None) -> Finding:
    words = f"n = {seen.n:,} in {span_of(definition.window_s)}, too few to decide (at least {definition.min_n})"
    return Finding(
        seen.group, "unknown", seen.n, value, seen.window, _of(definition, seen, words), unit=unit_of(definition.metric)
    )


def _learning(definition: Definition, seen: Seen, value: float) -> Finding:
    words = f"{amount(definition.metric, value)}; still learning the baseline ({len(seen.past)} earlier days have data)"
    details = {"days": len(seen.past)}
    return Finding(
        seen.group, "unknown", seen.n, value, seen.window, _of(definition, seen, words),
        unit=unit_of(definition.metric), details=details,
    )  # fmt: skip


def _finding(
    definition: Definition,
    seen: Seen,
    crossed: bool,
    value: float,
    sentence: str,
    *,
    expected: float | None = None,
    bound: float | None = None,
    **details: Any,
) -> Finding:
    if seen.unknown:
        details["unknown"] = seen.unknown
    if definition.metric.name in RATES and seen.now is not None and seen.n:
        details["ci"] = list(wilson(value * seen.n, seen.n))
    status = "alarm" if crossed else "ok"
    unit = unit_of(definition.metric)
    return Finding(seen.group, status, seen.n, value, seen.window, sentence, expected, bound, unit, details)


def _sentence(definition: Definition, seen: Seen, value: float, words: str) -> str:
    missing_values = f", {seen.unknown:,} unknown" if seen.unknown else ""
    n = f"n = {seen.n:,}{missing_values}"
    told = f"{amount(definition.metric, value)} over {span_of(definition.window_s)} ({n}): {words}"
    return _of(definition, seen, told)


def _of(definition: Definition, seen: Seen, words: str) -> str:
    subject = subject_of(definition, seen.group)
    return f"{subject[0].upper()}{subject[1:]}: {words}."
