"""A verdict in words, with its numbers: what a person reads in the refused pull request."""

import math
from collections.abc import Sequence

from assay_server.evals.judgement import Comparison, Word

_MINUS = "−"
_NO_BAR = (
    "the suite has no bar on anything these items hold, and there is no baseline run to hold its margins against; "
    "set a bar (assay suite put)"
)


def of_comparison(comparison: Comparison) -> str:
    """One metric: what happened, on how many items, against which bound."""
    name = _name(comparison)
    if comparison.doubt is not None:
        return f"{name}: {comparison.doubt}{_needed(comparison)}."
    if comparison.kind == "bar":
        found, limit = f"is {number(comparison.value)}", _bar(comparison)
    else:
        found, limit = _change(comparison), _margin(comparison)
    return f"{name} {found} {_interval(comparison)} on {_sample(comparison)}; {limit}."


def of_verdict(word: Word, comparisons: Sequence[Comparison], *, has_baseline: bool) -> str:
    """The whole: the worst line first, the rest counted."""
    if not comparisons:
        fix = "" if has_baseline else f": {_NO_BAR}"
        return f"inconclusive: nothing could be judged{fix}."
    leading = [comparison for comparison in comparisons if comparison.verdict == word]
    if word == "pass":
        against = "bars and margins" if has_baseline else "bars"
        count = f"all {len(comparisons)} comparisons" if len(comparisons) > 1 else "the one comparison"
        return f"passed: {count} within {against}, on up to {_most(comparisons)} items."
    opening = "refused" if word == "fail" else "inconclusive"
    more = len(leading) - 1
    rest = f" {more} more: {', '.join(dict.fromkeys(_name(c) for c in leading[1:]))}." if more else ""
    return f"{opening}: {of_comparison(leading[0])}{rest}"


def number(value: float | None, *, signed: bool = False) -> str:
    """Two decimals for small numbers, fewer for large; a true minus sign. `unknown` for None."""
    if value is None:
        return "unknown"
    size = abs(value)
    places = 0 if size >= 100 else 1 if size >= 10 else 2
    text = f"{size:.2g}" if 0 < size < 0.01 else f"{size:.{places}f}"
    negative = value < 0 and float(text) != 0
    return (_MINUS if negative else "+" if signed and float(text) != 0 else "") + text


def _name(comparison: Comparison) -> str:
    tag = comparison.rule.slice
    return comparison.metric if tag is None else f"{comparison.metric} ({tag})"


def _change(comparison: Comparison) -> str:
    change = comparison.difference or 0.0
    if number(change) in ("0.00", "0"):
        return "did not change:" if change == 0 else "hardly changed:"
    return f"{'rose' if change > 0 else 'fell'} by {number(abs(change))}"


def _interval(comparison: Comparison) -> str:
    if comparison.ci is None:
        return "[unknown]"
    signed = comparison.kind == "baseline"
    low, high = (number(end, signed=signed) for end in comparison.ci)
    return f"[{low}, {high}]"


def _sample(comparison: Comparison) -> str:
    kind = "paired items" if comparison.kind == "baseline" else "items"
    parts = [f"{comparison.n} {kind}"]
    if comparison.clusters < comparison.n:
        parts.append(f"in {comparison.clusters} clusters")
    if comparison.errors:
        parts.append(f"({comparison.errors} errors)")
    return " ".join(parts)


def _bar(comparison: Comparison) -> str:
    side = "at least" if comparison.rule.direction == "higher" else "at most"
    bar = f"the bar is {side} {number(comparison.rule.bar)}"
    if comparison.verdict == "inconclusive":
        return f"{bar}, which lies inside the interval{_needed(comparison)}"
    return f"{bar}{', which is not reached' if comparison.verdict == 'fail' else ''}"


def _margin(comparison: Comparison) -> str:
    margin = f"the margin is {number(comparison.rule.margin)}"
    if comparison.verdict != "inconclusive":
        return margin
    worse = "fall" if comparison.rule.direction == "higher" else "rise"
    return f"{margin}, and a larger {worse} is neither shown nor ruled out{_needed(comparison)}"


def _needed(comparison: Comparison) -> str:
    needed = comparison.items_needed
    if needed is None or needed <= comparison.n:
        return ""
    return f"; about {_round_up(needed)} items would decide"


def _most(comparisons: Sequence[Comparison]) -> int:
    return max(comparison.n for comparison in comparisons)


def _round_up(count: int) -> int:
    """To two leading digits: a plan is not more exact than that."""
    unit = int(10 ** max(0, math.floor(math.log10(count)) - 1))
    return math.ceil(count / unit) * unit
