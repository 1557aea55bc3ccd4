"""What a panel reads: the rows of its range with their group, and the units that its metrics are made of.

Spans belong to the moment they started, as on the pages of traces and costs; judgements to the moment they were made.
"""

from collections.abc import Sequence
from typing import Any, Literal

from assay_server.query.dimensions import GroupedCalls, dimension, each_tag
from assay_server.query.metrics.asked import Asked, conditions, of_failures
from assay_server.query.metrics.judged import judgements
from assay_server.query.metrics.measures import MEASURES, Metric, each
from assay_server.query.metrics.narrowing import narrowed_calls, of_traces
from assay_server.query.metrics.searched import SEARCH
from assay_server.query.metrics.told import COUNTED, OF_TRACES, Told
from assay_server.query.sql import Where, lines

Source = Literal["spans", "calls", "traces", "call_traces", "scores"]

CALLS = frozenset({"calls", "call_traces"})
"""Sources whose units are made of calls."""

_TRACES = frozenset({"traces", "call_traces"})


def source_of(metric: Metric) -> Source:
    """What its units are made of; metrics of one source can be read together, except scores."""
    family = MEASURES[metric.name].family
    if family == "requests":
        return "traces" if metric.name == "requests" else "call_traces"
    return family


def units(asked: Asked, metrics: Sequence[Metric]) -> tuple[str, list[Any]]:
    """`WITH …` that ends in `u(at_ns, trace, g, v0, v1, …)`: one column of values for each metric.

    All metrics have the same source. `trace` is a hash of its id; `g` is empty without a group, or where the field is
    unknown. Judgements have their `trace_id` and `source` too.
    """
    source = source_of(metrics[0])
    if source == "scores":
        ctes, params = judgements(asked, metrics[0])
        return lines("WITH", ctes), params
    if source == "traces" and _is_of_whole_traces(asked):
        return _whole_traces(asked, metrics)
    whole = source in _TRACES
    rows, params = _calls(asked, whole=whole) if source in CALLS else _spans(asked, metrics, whole=whole)
    columns = ", ".join(f"{_value(metric)} AS v{at}" for at, metric in enumerate(metrics))
    if whole:
        # The traces' own columns hide those of their spans: what is added up is said by the metric.
        g = "g" if has_several(asked) else "coalesce(arg_min(nullif(g, ''), at_ns), '')"
        by = "trace, g" if has_several(asked) else "trace"
        one = lines("SELECT min(at_ns) AS at_ns, trace,", g + " AS g,", columns, "FROM r GROUP BY " + by)
    else:
        one = lines("SELECT at_ns, trace, g,", columns, "FROM r")
    return lines("WITH", rows + ",", "u AS " + ("" if whole else "NOT MATERIALIZED ") + "(" + one + ")"), params


def has_several(asked: Asked) -> bool:
    """Whether what is counted may be in more than one group."""
    return not asked.by_score and dimension(asked.group_by).many


def _is_of_whole_traces(asked: Asked) -> bool:
    """Traces are counted by what they say as a whole: the first of their spans says the same."""
    return asked.words <= {SEARCH} and (asked.group_by is None or dimension(asked.group_by).wide)


def _whole_traces(asked: Asked, metrics: Sequence[Metric]) -> tuple[str, list[Any]]:
    """`u` of requests. The store has traces by themselves: spans are looked at for attributes alone."""
    ctes, group, joins, params = "", "''", "", list[Any]()
    by, traces = dimension(asked.group_by), "trace_sums"
    if by.told is not None:
        traces, params = "trace_said", by.told_params
        group = "coalesce(" + (each_tag("t." + by.told, once=True) if by.many else by.told) + ", '')"
    elif asked.group_by is not None:
        ctes, params = _first(asked, asked.around())
        group, joins = "coalesce(first.own, '')", "LEFT JOIN first ON first.trace = hash(t.trace_id)"
    where = Where(["t.project = ?", "t.start_ns >= ?", "t.start_ns < ?"], asked.edges())
    for narrow in asked.narrow:
        of_traces(where, narrow, asked.around(), of="t.", known=asked.known_few)
    if asked.only_live and asked.runs:
        traces = "trace_said"
        where.add("t.run IS NULL")
    columns = ", ".join(f"1.0 AS v{at}" for at, _ in enumerate(metrics))
    one = lines(
        *("SELECT t.start_ns AS at_ns, hash(t.trace_id) AS trace,", group, "AS g,", columns, "FROM", traces, "t"),
        *(joins, "WHERE", str(where)),
    )
    return lines("WITH", ctes, "u AS (" + one + ")"), [*params, *where.params]


def _value(metric: Metric) -> str:
    return "1.0" if metric.name == "requests" else each(metric)


# Where a filter is of single spans, a trace belongs to the first of those that it keeps, and nobody knows the earlier.
_BEGUN_BEFORE = "(SELECT trace_id FROM trace_sums WHERE project = ? AND start_ns < ? AND last_ns >= ?)"


def _spans(asked: Asked, metrics: Sequence[Metric], *, whole: bool) -> tuple[str, list[Any]]:
    """`r`: the spans of the range. Only columns that somebody asks for are read.

    `whole`: traces are counted, those that began in it, so that each is in one of two ranges that meet, as in their
    list.
    """
    ctes, joins, group, params = grouped(asked, asked.around())
    told = told_by_traces(asked, metrics, asked.around())
    where = conditions(asked, asked.around(), whole=whole)
    if whole and asked.words <= OF_TRACES:
        since_ns = asked.range.since_ns
        where.add("s.trace_id NOT IN " + _BEGUN_BEFORE, asked.project, since_ns, since_ns)
    sql = lines(
        told.ctes + ctes,
        "r AS NOT MATERIALIZED (SELECT s.start_ns AS at_ns,",
        *(group + " AS g, hash(s.trace_id) AS trace,", told.columns, "FROM spans s", joins, told.joins),
        "WHERE s.project = ? AND s.start_ns >= ? AND s.start_ns < ? AND",
        str(where) + ")",
    )
    return sql, [*told.params, *params, *asked.edges(), *where.params]


def told_by_traces(asked: Asked, metrics: Sequence[Metric], around: Sequence[Any]) -> Told:
    """How the spans say whose they are, where people or sessions are counted and only their traces do."""
    names = [COUNTED[metric.name] for metric in metrics if metric.name in COUNTED]
    by_traces = asked.group_by is None or dimension(asked.group_by, asked.key_sets).wide
    return Told() if by_traces and asked.fields <= OF_TRACES else Told.by(names, around)


def grouped(asked: Asked, around: list[Any]) -> tuple[str, str, str, list[Any]]:
    """How spans `s` get their group: (CTEs, joins, value, the parameters of the CTEs and then of the value).

    `around`: the edges of all that their traces may say."""
    by = dimension(asked.group_by, asked.key_sets)
    if not by.wide:
        return "", "", "coalesce(" + by.own + ", '')", by.params
    first = "LEFT JOIN first ON first.trace = hash(s.trace_id)"
    ctes, params = _first(asked, around)
    if by.many:
        return ctes, first, "coalesce(" + each_tag("first.own", once=True) + ", '')", params
    if asked.group_by in asked.few:
        return ctes, "LEFT JOIN said ON said.of_key = s.key " + first, "coalesce(said.own, first.own, '')", params
    return ctes, first, "coalesce(" + by.own + ", first.own, '')", [*params, *by.params]


def _first(asked: Asked, around: list[Any]) -> tuple[str, list[Any]]:
    """CTEs that end in `first`, what the first span of each trace says that says any; where few do, `said` before."""
    by, few = (
        dimension(asked.group_by, asked.key_sets),
        None if asked.group_by is None else asked.few.get(asked.group_by),
    )
    if few is not None:
        return by.said(around, few)
    across, params = by.across(around)
    return "first AS (" + across + "),", params


def _calls(asked: Asked, *, whole: bool) -> tuple[str, list[Any]]:
    """`r`: the calls of the range that count."""
    grouped = GroupedCalls.by(asked.group_by, asked.around(), asked.key_sets)
    where = Where(["c.project = ?", "c.start_ns >= ?", "c.start_ns < ?"], asked.edges())
    for narrow in asked.narrow:
        narrowed_calls(where, narrow, asked.around(), of="c.", known=asked.known, whole=whole)
    if asked.only_live:
        where.add("c.run IS NULL")  # a call says what its trace says
    of_failures(where, asked, "c.")
    sql = lines(
        grouped.ctes + "r AS NOT MATERIALIZED (SELECT c.start_ns AS at_ns, coalesce(",
        grouped.value + ", '') AS g, c.* FROM counted_calls c",
        grouped.joins,
        "WHERE " + str(where) + ")",
    )
    return sql, [*grouped.cte_params, *grouped.params, *where.params]
