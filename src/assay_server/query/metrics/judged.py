"""Judgements as units: what was said of traces and spans, and the group of what they judge."""

from typing import Any

from assay_server.query.dimensions import all_of, dimension, each_tag
from assay_server.query.metrics.asked import Asked, conditions
from assay_server.query.metrics.live import only_live
from assay_server.query.metrics.measures import Metric, each
from assay_server.query.metrics.narrowing import kept_by, of_traces
from assay_server.query.metrics.searched import SEARCH
from assay_server.query.sql import Where, lines


def _always(asked: Asked) -> list[Any]:
    """Edges: a judgement is made at any time after what it judges."""
    return [asked.project, 0, 1 << 62]


def judgements(asked: Asked, metric: Metric) -> tuple[str, list[Any]]:
    """CTEs that end in `u(at_ns, trace_id, trace, g, source, v0)`: judgements of traces that have a span which the
    filter keeps, and none that it leaves out; where nothing has to hold and without a group those of no trace, too. A
    group is what the judged span says, where it names one that is kept, else the first of these, else the first of the
    trace that says any."""
    judged = _judged(asked, metric)
    columns = "SELECT time_ns AS at_ns, trace_id, span_id, source, name,"
    scores = lines("j AS (" + columns, each(metric), "AS v0 FROM scores WHERE", str(judged) + "),")
    if asked.words <= {SEARCH} and (asked.by_score or asked.group_by is None):
        alone = "SELECT at_ns, coalesce(trace_id, '') AS trace_id, hash(trace_id) AS trace,"
        g = "name" if asked.by_score else "''"
        return lines(scores, "u AS (" + alone, g, "AS g, source, v0 FROM j)"), judged.params
    of_spans, params = _JudgedSpans(asked).ctes()
    return lines(scores, of_spans), [*judged.params, *params]


def _judged(asked: Asked, metric: Metric) -> Where:
    """The judgements themselves, and what is said of whole traces."""
    judged, always = Where.project(asked.project), _always(asked)
    if not asked.by_score:
        judged.add("name = ?", "schema_valid" if metric.name == "schema_violations" else metric.score)
    judged.equal("source", metric.source)
    begun = "(time_ns >= ? OR source = 'human')" if asked.labels_ever else "time_ns >= ?"
    judged.add(begun + " AND time_ns < ?", asked.range.since_ns, asked.range.until_ns)
    for narrow in asked.narrow:
        of_traces(judged, narrow, always, known=asked.known_few)
    if asked.only_live:
        only_live(judged, always, runs=asked.runs)
    return judged


class _JudgedSpans:
    """What the spans of judged traces say of the group."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.by = by = dimension(None if asked.by_score else asked.group_by, asked.key_sets)
        # Also one that the filter leaves may say it; without a filter the first of all is the first of those it keeps.
        self.across = by.wide and bool(asked.words)
        # The judged span itself says it: of a call's model or name its trace may have several.
        self.one = not (by.wide or asked.by_score) and asked.group_by is not None

    def ctes(self) -> tuple[str, list[Any]]:
        """They read `j` and end in `u`."""
        asked = self.asked
        kept = [{word: values for word, values in kept_by(narrow).items() if word != SEARCH} for narrow in asked.narrow]
        where = conditions(asked, _always(asked), narrow=kept)
        theirs = "FROM spans s WHERE s.project = ? AND s.trace_id IN (SELECT trace_id FROM j)"
        first = all_of("s." + self.by.own) if self.by.many else "arg_min(" + self.by.own + ", s.start_ns)"
        spans = ["t AS (SELECT s.trace_id, " + first + " AS own", theirs, "AND", str(where), "GROUP BY s.trace_id),"]
        params = [*self.by.params, asked.project, *where.params]
        joins = "FROM j JOIN t USING (trace_id)"
        if self.across:
            spans += ["said AS (SELECT s.trace_id, " + first + " AS said", theirs, "GROUP BY s.trace_id),"]
            params += [*self.by.params, asked.project]
            joins += " LEFT JOIN said USING (trace_id)"
        if self.one:
            judged = "any_value(" + self.by.own + ") AS judged"
            of_one = "AND s.span_id IN (SELECT span_id FROM j) AND"
            spans += ["one AS (SELECT s.trace_id, s.span_id,", judged, theirs, of_one, str(where)]
            spans += ["GROUP BY s.trace_id, s.span_id),"]
            params += [*self.by.params, asked.project, *where.params]
            joins += " LEFT JOIN one USING (trace_id, span_id)"
        columns = "SELECT at_ns, trace_id, hash(trace_id) AS trace,"
        return lines(*spans, "u AS (" + columns, self._group(), "AS g, source, v0", joins + ")"), params

    def _group(self) -> str:
        if self.asked.by_score:
            return "name"
        if self.by.many:
            return "coalesce(" + each_tag("said" if self.across else "own") + ", '')"
        said = [*(["judged"] if self.one else []), "own", *(["said"] if self.across else []), "''"]
        return "coalesce(" + ", ".join(said) + ")"
