"""Figures over windows of time: any metric, any filter, any group. What monitors look at.

A call belongs to the window in which it *ended*: that is when it is reported, so long calls are not missing from the
newest window. Traffic of evaluation runs is left out unless the filter names a run. Every figure comes with its n;
a window without data has no row, and a figure that cannot be known is None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query import windows_cut as cut
from assay_server.query.measures import FIELDS, FILTERS, MEASURES, METRICS, Metric, aggregate, each, without_value
from assay_server.query.sql import Where, lines
from assay_server.store import Limits, Store

_MOST_GROUPS = "200"
_LARGE = Limits(rows=100_000, seconds=60)


@dataclass(frozen=True, slots=True)
class Window:
    """From `since_ns`, inclusive, to `until_ns`, exclusive."""

    since_ns: int
    until_ns: int


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
        where = _conditions(project, narrow or {})
        sql, params = _sql(project, metric, where, group_by, windows)
        rows = await self._store.scan(sql, params, limits=_LARGE)
        return [_figure(row) for row in rows]


# Where windows lie apart, a unit is in the last one that began before it, or in none: finding that one is a merge,
# twelve times as fast with 840 windows and a million spans as comparing with each.
_FEW = "ASOF JOIN w ON u.at_ns >= w.since_ns WHERE u.at_ns < w.until_ns"
_MANY = "JOIN w ON u.at_ns >= w.since_ns AND u.at_ns < w.until_ns"


def _sql(
    project: str, metric: Metric, where: Where, group_by: str | None, windows: Sequence[Window]
) -> tuple[str, list[Any]]:
    group = "''" if group_by is None else "coalesce(" + _column(group_by) + ", '')"
    if MEASURES[metric.name].family == "scores":
        source, params, value = _scores(project, metric, where, group, windows)
    else:
        source, params, value = _spans(metric, where, group, windows)
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
    """CTEs from the units `u(at_ns, g, v)` to `f`, with a row for each window and group that has a unit."""
    largest = "SELECT g FROM f GROUP BY g ORDER BY sum(n) DESC, g LIMIT " + _MOST_GROUPS  # noqa: S608
    f = lines("f AS (SELECT w.since_ns, w.until_ns, g,", value, "FROM u", how, "GROUP BY ALL),")
    return [f, "largest AS (" + largest + ")"]


def _spans(metric: Metric, where: Where, group: str, windows: Sequence[Window]) -> tuple[str, list[Any], str]:
    """Units `u(at_ns, g, v)` of the spans, and how they make a figure."""
    where.add("end_ns >= ? AND end_ns < ?", min(w.since_ns for w in windows), max(w.until_ns for w in windows))
    family = MEASURES[metric.name].family
    # Tokens and costs are counted once a call; a request is a trace, at its last call's end.
    calls = family != "spans" and metric.name != "requests"
    of, trace = ("counted_calls", "trace") if calls else ("spans", "trace_id")
    if family == "requests":
        amount = "1.0" if metric.name == "requests" else each(metric)
        units = lines("SELECT max(end_ns) AS at_ns, min(", group, ") AS g,", amount, "AS v FROM", of)
        grouped = "GROUP BY " + trace
    else:
        units, grouped = lines("SELECT end_ns AS at_ns,", group, "AS g,", each(metric), "AS v FROM", of), ""
    return lines("u AS (", units, "WHERE", str(where), grouped, ")"), where.params, _value(metric)


def _scores(
    project: str, metric: Metric, where: Where, group: str, windows: Sequence[Window]
) -> tuple[str, list[Any], str]:
    """Judgements of the traces that have a span which the filter keeps; its group is the trace's."""
    judged = Where.project(project)
    judged.add("name = ?", "schema_valid" if metric.name == "schema_violations" else metric.score)
    judged.equal("source", metric.source)
    judged.add("time_ns >= ? AND time_ns < ?", min(w.since_ns for w in windows), max(w.until_ns for w in windows))
    source = lines(
        "j AS (SELECT time_ns AS at_ns, trace_id,",
        each(metric),
        "AS v FROM scores WHERE",
        str(judged),
        "),",
        "t AS (SELECT trace_id, min(",
        group,
        ") AS g FROM spans WHERE",
        str(where),
        "AND trace_id IN (SELECT trace_id FROM j) GROUP BY trace_id),",
        "u AS (SELECT at_ns, g, v FROM j JOIN t USING (trace_id))",
    )
    return source, [*judged.params, *where.params], _value(metric)


def _value(metric: Metric) -> str:
    """`n`, `value`, `sd` and `unknown` of the units of one window and group."""
    sd = "NULL" if MEASURES[metric.name].shape == "distinct" else "stddev_samp(v)"
    return lines("  count(v) AS n,", aggregate(metric), "AS value,", sd, "AS sd,", without_value(metric), "AS unknown")


def _conditions(project: str, narrow: Mapping[str, Sequence[str]]) -> Where:
    where = Where.project(project)
    for field, values in narrow.items():
        if field == "tag":
            where.add("list_has_any(tags, ?::VARCHAR[])", list(values))
        else:
            where.add(_column(field) + " IN (SELECT unnest(?::VARCHAR[]))", list(values))
    if "run" not in narrow:
        where.add("run IS NULL")
    return where


def _column(field: str) -> str:
    return '"' + field + '"'


def _check(metric: Metric, narrow: Mapping[str, Sequence[str]], group_by: str | None) -> None:
    if metric.name not in MEASURES:
        raise InvalidInput(field="metric.name", value=metric.name, fix=f"one of {', '.join(METRICS)}")
    for field in narrow:
        if field not in FILTERS:
            raise InvalidInput("There is no such filter.", field="filter", value=field, fix=f"{', '.join(FILTERS)}")
    if group_by is not None and group_by not in FIELDS:
        raise InvalidInput("Nothing is grouped by this.", field="group_by", value=group_by, fix=f"{', '.join(FIELDS)}")


def _figure(row: Mapping[str, Any]) -> Figure:
    window = Window(row["since_ns"], row["until_ns"])
    value = None if row["n"] == 0 else row["value"]
    sd = row["sd"] if row["n"] > 1 else None
    return Figure(window, row["g"], row["n"], None if value is None else float(value), sd, row["unknown"])
