"""What the next days will cost, out of the days before."""

import asyncio
from typing import Any

from assay_server.core.clock import DAY_NS, rfc3339
from assay_server.core.words import percent
from assay_server.query.amounts import dollars
from assay_server.query.costs.breakdowns import Costs, Day
from assay_server.query.costs.sql import CostFilter
from assay_server.stats import SMALLEST_HISTORY, Forecast, Point, forecast

LEVEL = 0.8
_LONG_QUIET = 14  # days: two of the weeks that a forecast is made of


async def forecast_costs(costs: Costs, project: str, narrow: CostFilter, days: int) -> dict[str, Any]:
    """`narrow.until_ns`: the first day that is forecast; the history is the full days before it in the window."""
    found, pause = _since_pause(_known(await costs.days(project, narrow)))
    values = [day.usd or 0.0 for day in found]
    quiet = _quiet(found)
    ahead = None if quiet else await asyncio.to_thread(forecast, values, days, level=LEVEL)
    first_ns = narrow.until_ns
    return {
        "history": [{"day": _date(day.start_ns), "usd": day.usd, "unknown": day.unknown} for day in found],
        "forecast": [] if ahead is None else _points(ahead, first_ns),
        "total": None if ahead is None else _point(ahead.total),
        "level": LEVEL,
        "trend_per_week": None if ahead is None else ahead.trend,
        "backtest": None if ahead is None else {"coverage": ahead.coverage, "n": ahead.n, "error": ahead.error},
        "sentence": _stopped(found, quiet) if quiet else _sentence(found, ahead, days, pause),
        "unknown": sum(day.unknown for day in found),
    }


def _known(days: list[Day]) -> list[Day]:
    """From behind the last day that had calls and no price at all: unknown is not zero."""
    lost = [number for number, day in enumerate(days) if day.usd is None]
    return days[lost[-1] + 1 :] if lost else days


def _since_pause(days: list[Day]) -> tuple[list[Day], int]:
    """From behind a pause far longer than all others, and how many days it was; all, and 0, where there was none.

    Who begins again after so long does not go on where they stopped: the empty days would make a sure forecast of next
    to nothing. A holiday is no such pause.
    """
    *pauses, _ = _pauses(days)
    longest = max(range(len(pauses)), key=pauses.__getitem__, default=0)
    others = max((n for nth, n in enumerate(pauses) if nth != longest), default=0)
    if not pauses or pauses[longest] < max(SMALLEST_HISTORY, 2 * others):
        return days, 0
    return days[sum(pauses[: longest + 1]) + longest :], pauses[longest]


def _quiet(found: list[Day]) -> int:
    """How many days nothing was called up to the end, where that is far longer than it was before; else 0.

    Whoever stopped may begin again or not: what was spent before says nothing of that.
    """
    *before, last = _pauses(found)
    return last if last >= max(_LONG_QUIET, 2 * max(before, default=0)) else 0


def _pauses(days: list[Day]) -> list[int]:
    """How many days without a call stand before each day with one, and behind the last."""
    runs = [0]
    for day in days:
        if day.calls:
            runs.append(0)
        else:
            runs[-1] += 1
    return runs


def _stopped(found: list[Day], quiet: int) -> str:
    return (
        f"There have been no calls since {_date(found[-quiet].start_ns)} ({quiet} days), so earlier costs do not"
        " predict the next days. While there are no calls, they cost nothing."
    )


def _points(ahead: Forecast, first_ns: int) -> list[dict[str, Any]]:
    return [{"day": _date(first_ns + nth * DAY_NS), **_point(point)} for nth, point in enumerate(ahead.points)]


def _point(point: Point) -> dict[str, float]:
    return {"usd": point.value, "lower": point.lower, "upper": point.upper}


def _date(day_ns: int) -> str:
    return rfc3339(day_ns)[:10]


def _sentence(found: list[Day], ahead: Forecast | None, days: int, pause: int) -> str:
    if ahead is None:
        told = f"A forecast needs {SMALLEST_HISTORY} full days with prices; there are {len(found)}"
        return f"{told}, since calls began again after {pause} days without any." if pause else f"{told}."
    total = ahead.total
    told = (
        f"The next {days} days will cost about {dollars(total.value)}; with {percent(LEVEL)} confidence"
        f" {dollars(total.lower)} to {dollars(total.upper)}."
    )
    if ahead.coverage is not None:
        told += f" Past intervals of this kind covered {percent(ahead.coverage)} of {ahead.n} days."
    return told
