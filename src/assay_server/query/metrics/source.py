"""What a panel reads: the rows of its range with their group, and the units that its metrics are made of.

Spans belong to the moment they started, as on the pages of traces and costs; judgements to the moment they were made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from assay_server.query.dimensions import BY_SCORE, MARGIN_NS, GroupedCalls, all_of, dimension, each_tag
from assay_server.query.key_sets import KeySets, few_of, sets_of
from assay_server.query.metrics.live import of_no_run, only_live
from assay_server.query.metrics.measures import MEASURES, Metric, each
from assay_server.query.metrics.narrowing import (
    Knowing,
    asks_for_runs,
    field_of,
    kept_by,
    narrowed,
    narrowed_calls,
    of_traces,
    searches_of,
)
from assay_server.query.metrics.searched import SEARCH, Searched, Searches
from assay_server.query.metrics.told import COUNTED, OF_TRACES, Told
from assay_server.query.sql import Where, lines
from assay_server.store import Store

Source = Literal["spans", "calls", "traces", "call_traces", "scores"]

CALLS = frozenset({"calls", "call_traces"})
"""Sources whose units are made of calls."""

_TRACES = frozenset({"traces", "call_traces"})


@dataclass(frozen=True, slots=True)
class Range:
    """From `since_ns`, inclusive, to `until_ns`, exclusive."""

    since_ns: int
    until_ns: int

    @property
    def width_ns(self) -> int:
        return self.until_ns - self.since_ns

    def before(self) -> "Range":
        """The same length of time before it."""
        return Range(self.since_ns - self.width_ns, self.since_ns)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose spans, when, which (`narrowing`), and by what they are grouped. Each filter word may be said twice: both
    hold.

    `runs`: are there spans of evaluation runs (`live.has_runs`)? Where nobody knows, it is taken that there are.
    `labels_ever`: what people said counts whenever they said it, until the range's end.
    `key_sets`, `few` and `searched`: what `knowing` adds of the attributes and the searches in these.
    """

    project: str
    range: Range
    narrow: Sequence[Mapping[str, Sequence[str]]] = ()
    group_by: str | None = None
    runs: bool = True
    labels_ever: bool = False
    key_sets: KeySets = field(default_factory=dict)
    few: KeySets = field(default_factory=dict)
    searched: Searched = field(default_factory=dict)

    @property
    def known(self) -> Knowing:
        return Knowing(self.key_sets, self.searched)

    @property
    def known_few(self) -> Knowing:
        return Knowing(self.few, self.searched)

    def edges(self, margin_ns: int = 0) -> list[Any]:
        return [self.project, self.range.since_ns - margin_ns, self.range.until_ns + margin_ns]

    def around(self) -> list[Any]:
        """Edges of all that traces of the range may say: one that goes over an edge says some of it outside."""
        return self.edges(MARGIN_NS)

    @property
    def only_live(self) -> bool:
        return not any(map(asks_for_runs, self.narrow))

    @property
    def words(self) -> set[str]:
        """The fields of which something has to hold."""
        return {name for narrow in self.narrow for name in kept_by(narrow)}

    @property
    def fields(self) -> set[str]:
        """These, and those of what is left out."""
        return {field_of(word) for narrow in self.narrow for word in narrow}


async def knowing(store: Store, asked: Asked, *, of_scores: bool = False, margin_ns: int = MARGIN_NS) -> Asked:
    """With what the store knows of the attributes that it is grouped and narrowed by: they need not be looked for in
    spans that cannot have them; and with what is searched for.

    `margin_ns`: so long before the range a trace may begin that says something of what is in it; of scores any may.
    A trace stands where its first commit began, which may be behind the range when its root came later.
    """
    key_sets = await sets_of(store, asked.project, [asked.group_by, *asked.fields])
    texts = [text for narrow in asked.narrow for text in searches_of(narrow)]
    since_ns = None if of_scores else asked.range.since_ns - margin_ns
    until_ns = None if of_scores else asked.range.until_ns + MARGIN_NS
    searched = await Searches(store).found(asked.project, texts, since_ns, until_ns)
    few = await few_of(store, key_sets, asked.edges())
    return replace(asked, key_sets=key_sets, few=few, searched=searched)


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
    return asked.group_by not in {None, BY_SCORE} and dimension(asked.group_by).many


def _is_of_whole_traces(asked: Asked) -> bool:
    """Traces are counted by what they say as a whole: the first of their spans says the same."""
    return asked.words <= {SEARCH} and (asked.group_by is None or dimension(asked.group_by).wide)


def _whole_traces(asked: Asked, metrics: Sequence[Metric]) -> tuple[str, list[Any]]:
    """`u` of requests. The store has traces by themselves: spans are looked at for what these are grouped by alone."""
    ctes, group, joins, params = "", "''", "", list[Any]()
    if asked.group_by is not None:
        ctes, params = _first(asked, asked.around())
        own = each_tag("first.own") if has_several(asked) else "first.own"
        group, joins = "coalesce(" + own + ", '')", "LEFT JOIN first ON first.trace = hash(t.trace_id)"
    where = Where(["t.project = ?", "t.start_ns >= ?", "t.start_ns < ?"], asked.edges())
    for narrow in asked.narrow:
        of_traces(where, narrow, asked.around(), of="t.", known=asked.known_few)
    if asked.only_live and asked.runs:
        of_no_run(where, asked.around(), of="t.")
    columns = ", ".join(f"1.0 AS v{at}" for at, _ in enumerate(metrics))
    one = lines(
        *("SELECT t.start_ns AS at_ns, hash(t.trace_id) AS trace,", group, "AS g,", columns, "FROM trace_sums t"),
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
    where = _conditions(asked, asked.around(), whole=whole)
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
        return ctes, first, "coalesce(" + each_tag("first.own") + ", '')", params
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
    return "first AS (" + by.across() + "),", [*by.params, *around]


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


def judgements(asked: Asked, metric: Metric) -> tuple[str, list[Any]]:
    """CTEs that end in `u(at_ns, trace_id, trace, g, source, v0)`: judgements of traces that have a span which the
    filter keeps, and none that it leaves out; where nothing has to hold and without a group those of no trace, too. A
    group is what the judged span says, where it names one that is kept, else the first of these, else the first of the
    trace that says any."""
    judged, always = Where.project(asked.project), [asked.project, 0, 1 << 62]
    by_score = asked.group_by == BY_SCORE
    if not by_score:
        judged.add("name = ?", "schema_valid" if metric.name == "schema_violations" else metric.score)
    judged.equal("source", metric.source)
    begun = "(time_ns >= ? OR source = 'human')" if asked.labels_ever else "time_ns >= ?"
    judged.add(begun + " AND time_ns < ?", asked.range.since_ns, asked.range.until_ns)
    for narrow in asked.narrow:
        of_traces(judged, narrow, always, known=asked.known_few)
    if asked.only_live:
        only_live(judged, always, runs=asked.runs)
    scores = lines(
        "j AS (SELECT time_ns AS at_ns, trace_id, span_id, source, name,",
        each(metric),
        "AS v0 FROM scores WHERE",
        str(judged),
        ")",
    )
    if asked.words <= {SEARCH} and (by_score or asked.group_by is None):
        g = "name" if by_score else "''"
        alone = "SELECT at_ns, coalesce(trace_id, '') AS trace_id, hash(trace_id) AS trace," + g
        return lines(scores + ",", "u AS (" + alone, "AS g, source, v0 FROM j)"), judged.params
    by = dimension(None if by_score else asked.group_by, asked.key_sets)
    of_spans = [{word: kept for word, kept in kept_by(narrow).items() if word != SEARCH} for narrow in asked.narrow]
    where = _conditions(asked, always, narrow=of_spans)
    theirs = "FROM spans s WHERE s.project = ? AND s.trace_id IN (SELECT trace_id FROM j)"
    across = by.wide and bool(asked.words)  # without a filter the first of all spans is the first of those it keeps
    first = all_of("s." + by.own) if by.many else "arg_min(" + by.own + ", s.start_ns)"
    traces = lines(
        "t AS (SELECT s.trace_id, " + first + " AS own",
        *(theirs, "AND", str(where), "GROUP BY s.trace_id),"),
        "said AS (SELECT s.trace_id, " + first + " AS said" if across else "",
        *((theirs, "GROUP BY s.trace_id),") if across else ()),
    )
    one = (
        not (by.wide or by_score) and asked.group_by is not None
    )  # of a call's model or name its trace may have several
    judged_spans = lines(
        "one AS (SELECT s.trace_id, s.span_id, any_value(" + by.own + ") AS judged",
        *(theirs, "AND s.span_id IN (SELECT span_id FROM j) AND", str(where), "GROUP BY s.trace_id, s.span_id),"),
    )
    group = "name" if by_score else f"coalesce({'judged, ' if one else ''}own, {'said, ' if across else ''}'')"
    if by.many:
        group = "coalesce(" + each_tag("said" if across else "own") + ", '')"
    joined = lines(
        judged_spans if one else "",
        "u AS (SELECT at_ns, trace_id, hash(trace_id) AS trace,",
        group + " AS g, source, v0 FROM j JOIN t USING (trace_id)",
        "LEFT JOIN said USING (trace_id)" if across else "",
        "LEFT JOIN one USING (trace_id, span_id))" if one else ")",
    )
    params = [
        *judged.params,
        *by.params,
        asked.project,
        *where.params,
        *([*by.params, asked.project] if across else []),
        *([*by.params, asked.project, *where.params] if one else []),
    ]
    return lines(scores + ",", traces, joined), params


def _conditions(
    asked: Asked,
    edges: Sequence[Any],
    *,
    whole: bool = False,
    narrow: Sequence[Mapping[str, Sequence[str]]] | None = None,
) -> Where:
    """`narrow`: what is left to say of spans, where a part was said of traces; whether runs count all of it tells."""
    where = Where()
    for each_narrow in asked.narrow if narrow is None else narrow:
        narrowed(where, each_narrow, edges, of="s.", known=asked.known_few, whole=whole)
    if asked.only_live:
        only_live(where, edges, runs=asked.runs, of="s.")
    of_failures(where, asked, "s.")
    if not where.conditions:
        where.add("true")
    return where


def of_failures(where: Where, asked: Asked, of: str) -> None:
    if asked.group_by == "error_type":
        where.add(of + "status = 'error'")
