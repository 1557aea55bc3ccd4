"""Figures over windows of time: any metric, any filter, any group. What monitors look at.

A call belongs to the window in which it *ended*: that is when it is reported, so long calls are not missing from the
newest window. All else is as on panels: a span has what its trace says of a user and the like where it says nothing
itself, and traffic of evaluation runs is left out unless the filter names a run. Every figure comes with its n;
a window without data has no row, and a figure that cannot be known is None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay_server.core.clock import parse_rfc3339
from assay_server.core.errors import InvalidInput
from assay_server.query.dimensions import GROUPS, LONGEST_NS, GroupedCalls, is_group
from assay_server.query.group_names import group_noted
from assay_server.query.metrics import windows_cut as cut
from assay_server.query.metrics.asked import Asked, Range, knowing, of_failures
from assay_server.query.metrics.judged import judgements
from assay_server.query.metrics.live import has_runs, only_live
from assay_server.query.metrics.measures import MEASURES, METRICS, Metric, aggregate, each, without_value
from assay_server.query.metrics.narrowing import asks_for_runs, check_filter, narrowed, narrowed_calls
from assay_server.query.metrics.source import grouped, has_several, told_by_traces
from assay_server.query.metrics.windows_late import came_late
from assay_server.query.sql import Where, lines
from assay_server.store import Limits, Store

_MOST_GROUPS = "200"
_LARGE = Limits(rows=100_000, seconds=60)


@dataclass(frozen=True, slots=True)
class Window:
    """From `since_ns`, inclusive, to `until_ns`, exclusive."""

    since_ns: int
    until_ns: int

    @classmethod
    def told(cls, since: str, until: str) -> "Window":
        """As findings are stored."""
        return cls(parse_rfc3339(since), parse_rfc3339(until))

    def overlaps(self, other: "Window") -> bool:
        return self.since_ns < other.until_ns and other.since_ns < self.until_ns


@dataclass(frozen=True, slots=True)
class Figure:
    """One group in one window. `n` counts what the value is made of: spans, traces or judgements that succeeded.

    `sd` is the standard deviation of what was averaged; `unknown` counts what had no value (an unknown price, a
    judgement that failed) and is not in the value.
    """

    window: Window
    group: str
    n: int
    value: float | None
    sd: float | None
    unknown: int


class Windows:
    """Reads figures of one project."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def figures(
        self,
        project: str,
        metric: Metric,
        windows: Sequence[Window],
        *,
        narrow: Mapping[str, Sequence[str]] | None = None,
        group_by: str | None = None,
    ) -> list[Figure]:
        """One figure per window and group that has data; the 200 largest groups of all windows together.

        The group is empty without `group_by`, or where the field is unknown. Raises InvalidInput for a metric,
        filter or group nobody knows.
        """
        if not windows:
            return []
        _check(metric, narrow or {}, group_by)
        narrow = narrow or {}
        runs = not asks_for_runs(narrow) and await has_runs(self._store, [project, 0, 1 << 62])
        whole = Range(min(each.since_ns for each in windows), max(each.until_ns for each in windows))
        asked = await knowing(
            self._store,
            Asked(project, whole, [narrow], group_by, runs),
            of_scores=MEASURES[metric.name].family == "scores",
            margin_ns=LONGEST_NS,
        )
        sql, params = _sql(asked, metric, windows)
        rows = await self._store.scan(sql, params, limits=_LARGE)
        return [_figure(row) for row in rows]

    async def came_late(self, project: str, windows: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
        """By (since, until): spans that ended there and were stored later than a moment, of (since, until, moment)."""
        return await came_late(self._store, project, windows)


# Where windows lie apart, a unit is in the last one that began before it, or in none: finding that one is a merge,
# twelve times as fast with 840 windows and a million spans as comparing with each.
_FEW = "ASOF JOIN w ON u.at_ns >= w.since_ns WHERE u.at_ns < w.until_ns"
_MANY = "JOIN w ON u.at_ns >= w.since_ns AND u.at_ns < w.until_ns"


def _sql(asked: Asked, metric: Metric, windows: Sequence[Window]) -> tuple[str, list[Any]]:
    """Units `u(at_ns, g, v0)`, and how they make figures."""
    value = _value(metric)
    if MEASURES[metric.name].family == "scores":
        source, params = judgements(asked, metric)
    elif MEASURES[metric.name].family == "spans" or metric.name == "requests":
        source, params = _spans(asked, metric)
    else:
        source, params = _calls(asked, metric)
    bounds = [(each.since_ns, each.until_ns) for each in windows]
    apart, ends = cut.apart(bounds), [[since for since, _ in bounds], [until for _, until in bounds]]
    if not apart and cut.exact(metric):
        head, figures, ends = (
            [cut.HEAD + ",", cut.PIECES + ","],
            cut.figures(metric, _MOST_GROUPS),
            ends + cut.pieces(bounds),
        )
    else:
        head, figures = [cut.HEAD + ","], _joined(value, _FEW if apart else _MANY)
    rows = "SELECT * FROM f WHERE g IN (SELECT g FROM largest) ORDER BY since_ns, until_ns, g"
    return lines("WITH", *head, source + ",", *figures, rows), [*ends, *params]


def _joined(value: str, how: str) -> list[str]:
    """CTEs from the units `u(at_ns, g, v0)` to `f`, with a row for each window and group that has a unit."""
    largest = "SELECT g FROM f GROUP BY g ORDER BY sum(n) DESC, g LIMIT " + _MOST_GROUPS  # noqa: S608
    f = lines("f AS (SELECT w.since_ns, w.until_ns, g,", value, "FROM u", how, "GROUP BY ALL),")
    return [f, "largest AS (" + largest + ")"]


def _spans(asked: Asked, metric: Metric) -> tuple[str, list[Any]]:
    """Spans by their end; a request is a trace, at its last span's."""
    around = _around(asked)
    ctes, joins, group, params = grouped(asked, around)
    told = told_by_traces(asked, [metric], around)
    where = Where(["s.project = ?", "s.end_ns >= ?", "s.end_ns < ?"], asked.edges())
    narrowed(where, asked.narrow[0], around, of="s.", known=asked.known_few, whole=metric.name == "requests")
    if asked.only_live:
        only_live(where, around, runs=asked.runs, of="s.")
    of_failures(where, asked, "s.")
    rows = lines(
        *("SELECT s.end_ns AS at_ns,", group, "AS g,", told.columns, "FROM spans s", joins, told.joins),
        "WHERE " + str(where),
    )
    if metric.name == "requests":
        units = _of_traces(rows, "1.0", "trace_id", several=has_several(asked))
    else:
        units = lines("SELECT at_ns, g,", each(metric), "AS v0 FROM (", rows, ")")
    return lines(told.ctes + ctes, "u AS (" + units + ")"), [*told.params, *params, *where.params]


def _calls(asked: Asked, metric: Metric) -> tuple[str, list[Any]]:
    """Tokens and costs are counted once a call, and calls say themselves what their traces say."""
    around = _around(asked)
    by = GroupedCalls.by(asked.group_by, around, asked.key_sets)
    where = Where(["c.project = ?", "c.end_ns >= ?", "c.end_ns < ?"], asked.edges())
    whole = MEASURES[metric.name].family == "requests"
    narrowed_calls(where, asked.narrow[0], around, of="c.", known=asked.known, whole=whole)
    if asked.only_live:
        where.add("c.run IS NULL")
    of_failures(where, asked, "c.")
    group = "coalesce(" + by.value + ", '') AS g"
    rows = lines("SELECT c.end_ns AS at_ns,", group + ", c.* FROM counted_calls c", by.joins, "WHERE " + str(where))
    if whole:
        units = _of_traces(rows, each(metric), "trace", several=has_several(asked))
    else:
        units = lines("SELECT at_ns, g,", each(metric), "AS v0 FROM (", rows, ")")
    return lines(by.ctes, "u AS (" + units + ")"), [*by.cte_params, *by.params, *where.params]


def _around(asked: Asked) -> list[Any]:
    """Edges of all that traces of the windows may say."""
    return [asked.project, asked.range.since_ns - LONGEST_NS, asked.range.until_ns]


def _of_traces(rows: str, amount: str, trace: str, *, several: bool) -> str:
    """A unit for each trace, at its last end, of the first group that one of its rows has; or of each group."""
    g = "g" if several else "coalesce(arg_min(nullif(g, ''), start_ns), '') AS g"
    by = trace + ", g" if several else trace
    return lines("SELECT max(at_ns) AS at_ns,", g + ",", amount, "AS v0 FROM (", rows, ") GROUP BY", by)


def _value(metric: Metric) -> str:
    """`n`, `value`, `sd` and `unknown` of the units of one window and group."""
    sd = "NULL" if MEASURES[metric.name].shape == "distinct" else "stddev_samp(v0)"
    return lines(
        "  count(v0) AS n,",
        aggregate(metric, "v0"),
        "AS value,",
        sd,
        "AS sd,",
        without_value(metric, "v0"),
        "AS unknown",
    )


def _check(metric: Metric, narrow: Mapping[str, Sequence[str]], group_by: str | None) -> None:
    if metric.name not in MEASURES:
        raise InvalidInput(field="metric.name", value=metric.name, fix=f"one of {', '.join(METRICS)}")
    for field in narrow:
        check_filter(field)
    if group_by is not None and not is_group(group_by):
        raise InvalidInput("Nothing is grouped by this.", field="group_by", value=group_by, fix=f"{', '.join(GROUPS)}")


def _figure(row: Mapping[str, Any]) -> Figure:
    window = Window(row["since_ns"], row["until_ns"])
    value = None if row["n"] == 0 else row["value"]
    sd = row["sd"] if row["n"] > 1 else None
    return Figure(window, group_noted(row["g"]), row["n"], None if value is None else float(value), sd, row["unknown"])
