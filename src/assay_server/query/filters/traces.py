"""What a list of traces is narrowed to, as SQL over `traces` with semi-joins into spans and scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.core.known import check_known
from assay_server.query.dimensions import dimension
from assay_server.query.filters.attributes import read_condition
from assay_server.query.filters.line import DIFFERING
from assay_server.query.filters.one_of import OneOf, each_of
from assay_server.query.filters.roots import called
from assay_server.query.filters.scores import read_score_condition
from assay_server.query.group_names import beginning_noted
from assay_server.query.key_sets import NAMES_OF_PROVIDERS, OF_PROVIDERS, ONE_OF_SETS
from assay_server.query.sql import Where, lines

NO_SETS: Mapping[tuple[str, ...], Sequence[int]] = MappingProxyType({})

_ROUTED = ("http.route:exists:",)
_OF_PROVIDERS = tuple(f"{name}:exists:" for name in NAMES_OF_PROVIDERS)
_ONE_SPAN = ("kind", "name", "model", "provider", "service", "error_type")
_PROMPT = ("prompt", "prompt_version")
_ANY_SPAN = (
    *("session", "feature", "tenant", "cost_center", "release", "channel", "canary", "arm", "run", "environment"),
)


@dataclass(slots=True, frozen=True)
class TraceFilter:
    """None does not narrow, of several values (`OneOf`) one must hold. Times are nanoseconds, `until` is exclusive.

    `kind`, `name`, `model`, `provider`, `service`, `error_type`, `attributes` (texts `key:op:value`) and `differs`
    (texts `field:value`: the span says another) must hold for one and the same span, as must a prompt and its version;
    each of the others for any span of the trace.
    `status=error` finds traces with an error anywhere, `ok` and `unset` those without one. The words and "phrases" of
    `text` stand in one text of the trace (`store.Texts`).
    `scores` are texts `name:op:value` over the trace's scores of that name (`ScoreCondition`).
    A trace is `called` what its root is called, and has all of `tags`.
    A trace that one of `exclude` finds is not kept: none of its spans has that model, or its cost is unknown. Times and
    words are not said there.

    `begun_before`: of the traces over an edge of the range (since, until), those that began before it (`trace_find`).
    """

    since_ns: int | None = None
    until_ns: int | None = None
    model: OneOf | None = None
    provider: OneOf | None = None
    kind: OneOf | None = None
    name: OneOf | None = None
    status: OneOf | None = None
    user: OneOf | None = None
    session: OneOf | None = None
    prompt: OneOf | None = None
    prompt_version: OneOf | None = None
    error_type: OneOf | None = None
    feature: OneOf | None = None
    tenant: OneOf | None = None
    cost_center: OneOf | None = None
    release: OneOf | None = None
    channel: OneOf | None = None
    canary: OneOf | None = None
    arm: OneOf | None = None
    run: OneOf | None = None
    environment: OneOf | None = None
    tag: OneOf | None = None
    text: str | None = None
    min_latency_ms: float | None = None
    max_latency_ms: float | None = None
    min_cost: float | None = None
    max_cost: float | None = None
    min_tokens: float | None = None
    max_tokens: float | None = None
    scores: tuple[str, ...] = ()
    service: OneOf | None = None
    trace_id: OneOf | None = None
    attributes: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    endpoint: OneOf | None = None
    called: str | None = None
    tags: tuple[str, ...] = ()
    exclude: tuple["TraceFilter", ...] = ()
    begun_before: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


def filter_of(wanted: Mapping[str, Any], since_ns: int | None = None, until_ns: int | None = None) -> TraceFilter:
    """What the parameters of a list ask for (`search_line.Line.filter`), without times and what may not hold."""
    given = dict(wanted)
    return TraceFilter(
        since_ns=since_ns,
        until_ns=until_ns,
        scores=tuple(given.pop("score", ())),
        attributes=tuple(given.pop("attribute", ())),
        differs=tuple(given.pop("differs", ())),
        **given,
    )


def is_of_trace(narrow: TraceFilter) -> bool:
    """Does the trace's own row say it all, but for the words? Then spans need not be looked at."""
    own = TraceFilter(since_ns=narrow.since_ns, until_ns=narrow.until_ns, trace_id=narrow.trace_id, text=narrow.text)
    return narrow == replace(own, begun_before=narrow.begun_before)


def attributes_of(narrow: TraceFilter) -> set[tuple[str, ...]]:
    """Those that are asked for together, and those of each that is excluded; what an endpoint may be told by."""
    every = (narrow, *narrow.exclude)
    found = {each.attributes for each in every if each.attributes}
    return found | ({_ROUTED, _OF_PROVIDERS} if any(each.endpoint is not None for each in every) else set())


TOKENS_OF_SUMS = "coalesce(input_tokens + output_tokens, input_tokens, output_tokens)"
"""What went in and what came out together, as a row of the list shows both."""


def trace_conditions(
    project: str,
    narrow: TraceFilter,
    stored_ns: int = 0,
    spans: str = "spans",
    key_sets: Mapping[tuple[str, ...], Sequence[int]] = NO_SETS,
) -> Where:
    """Everything but the words. Spans that were stored before `stored_ns` are not looked at, nor any outside of the
    table `spans`; for attributes only those of their `key_sets`, where these are given.

    Raises `InvalidInput` for a condition that cannot be read.
    """
    where = _range(project, narrow)
    _say(where, project, narrow, stored_ns, spans, key_sets)
    for each in narrow.exclude:
        found = Where()
        _say(found, project, each, stored_ns, spans, key_sets)
        if found.conditions:
            where.add("NOT (" + str(found) + ")", *found.params)
    return where


def _say(
    where: Where,
    project: str,
    narrow: TraceFilter,
    stored_ns: int,
    spans: str,
    key_sets: Mapping[tuple[str, ...], Sequence[int]],
) -> None:
    """None of these conditions is ever NULL: so they can be denied."""
    if narrow.trace_id is not None:
        condition, params = _equals("trace_id", narrow.trace_id)
        where.add(condition, *params)
    rows = _Rows(where, project, stored_ns, spans, key_sets.get(narrow.attributes, ()))
    rows.spans({name: getattr(narrow, name) for name in _ONE_SPAN}, narrow.attributes, narrow.differs)
    rows.spans({name: getattr(narrow, name) for name in _PROMPT})
    for column in _ANY_SPAN:
        rows.spans({column: getattr(narrow, column)})
    rows.spans({'"user"': narrow.user})
    rows.one_of(narrow.endpoint, lambda own, value: _endpoint(own, value, spans, key_sets))
    rows.one_of(narrow.tag, _Rows.tagged)
    for tag in narrow.tags:
        rows.tagged(tag)
    if narrow.called is not None:
        rows.called(narrow.called)
    rows.one_of(narrow.status, _Rows.status)
    rows.within("(end_ns - start_ns) / 1e6", narrow.min_latency_ms, narrow.max_latency_ms)
    rows.within("usd", narrow.min_cost, narrow.max_cost)
    rows.within(TOKENS_OF_SUMS, narrow.min_tokens, narrow.max_tokens)
    for score in narrow.scores:
        _score(where, project, score)


def _range(project: str, narrow: TraceFilter) -> Where:
    where, (too_early, early_enough) = Where.project(project), narrow.begun_before
    if narrow.since_ns is not None:
        where.add("start_ns >= ?", narrow.since_ns)
    if narrow.until_ns is not None and early_enough:
        where.add("(start_ns < ? OR trace_id IN (SELECT unnest(?::VARCHAR[])))", narrow.until_ns, list(early_enough))
    elif narrow.until_ns is not None:
        where.add("start_ns < ?", narrow.until_ns)
    if too_early:
        where.add("trace_id NOT IN (SELECT unnest(?::VARCHAR[]))", list(too_early))
    return where


@dataclass(slots=True, frozen=True)
class _Rows:
    """Adds conditions over the rows that tell of a trace, stored since a moment."""

    where: Where
    project: str
    stored_ns: int
    table: str
    key_sets: Sequence[int]

    def spans(self, values: dict[str, Any], attributes: tuple[str, ...] = (), differs: tuple[str, ...] = ()) -> None:
        """One span has all of it."""
        given = [_equals(column, value) for column, value in values.items() if value is not None]
        given += map(_differs, differs)
        conditions, params = [condition for condition, _ in given], [one for _, own in given for one in own]
        if attributes and self.key_sets:
            conditions.append(ONE_OF_SETS)
            params.append(list(self.key_sets))
        for text in attributes:
            condition, own = read_condition(text).sql()
            conditions.append(condition)
            params += own
        if conditions:
            self.some(self.table, " AND ".join(conditions), *params)

    def some(self, table: str, condition: str, *params: Any, negated: bool = False) -> None:
        """By the hashes of ids: of millions that takes half as long as the texts do."""
        test, own = self._traces(table, condition, params)
        self.where.add(("hash(trace_id) NOT IN " if negated else "hash(trace_id) IN ") + test, *own)

    def either(self, table: str, *conditions: tuple[str, list[Any]]) -> None:
        """One of them holds for a row, each read by itself."""
        tests = [self._traces(table, condition, params) for condition, params in conditions]
        either = " OR ".join("hash(trace_id) IN " + test for test, _ in tests)
        self.where.add("(" + either + ")", *(param for _, own in tests for param in own))

    def _traces(self, table: str, condition: str, params: Sequence[Any]) -> tuple[str, list[Any]]:
        source, own = self._source(table)
        return lines("(SELECT hash(trace_id) FROM", source, "AND (", condition, "))"), [*own, *params]

    def one_of(self, values: OneOf | None, say: Callable[["_Rows", str], None]) -> None:
        """What is said of each value, of one of them."""
        each = []
        for value in each_of(values):
            each.append(Where())
            say(replace(self, where=each[-1]), value)
        if each:
            either = " OR ".join("(" + str(one) + ")" for one in each)
            self.where.add("(" + either + ")", *(param for one in each for param in one.params))

    def tagged(self, tag: str) -> None:
        self.some(self.table, "list_contains(tags, ?)", tag)

    def called(self, name: str) -> None:
        source, own = self._source(self.table)
        self.where.add(lines("trace_id IN (", called(source), ")"), *own, *own, name, name)

    def status(self, status: str) -> None:
        check_known("status", status)
        self.some("trace_parts", "errors > 0", negated=status != "error")
        if status != "error":
            self.some("trace_parts", "oks > 0", negated=status == "unset")

    def within(self, sum_of_trace: str, low: float | None, high: float | None) -> None:
        condition, params = _within(sum_of_trace, low, high)
        if condition:
            self.some("trace_sums", condition, *params)

    def _source(self, table: str) -> tuple[str, list[Any]]:
        return table + " WHERE project = ? AND stored_ns >= ?", [self.project, self.stored_ns]


def _equals(column: str, values: OneOf) -> tuple[str, list[Any]]:
    """Also by the name that a monitor has of a long value."""
    conditions, params = [], list[Any]()
    for value in each_of(values):
        beginning = beginning_noted(value)
        conditions.append(column + " = ?" if beginning is None else column + " = ? OR starts_with(" + column + ", ?)")
        params += [value] if beginning is None else [value, beginning]
    return "(" + " OR ".join(conditions) + ")", params


def _differs(text: str) -> tuple[str, list[Any]]:
    field, _, value = text.partition(":")
    if field not in DIFFERING or not value:
        fix = f"write field:value, field being one of {', '.join(DIFFERING)}"
        raise InvalidInput("This does not say which span is meant.", field="differs", value=text, fix=fix)
    return field + " <> ?", [value]


def _endpoint(rows: _Rows, value: str, spans: str, key_sets: Mapping[tuple[str, ...], Sequence[int]]) -> None:
    """Where it is known which spans may have a route these are two questions, since they meet different spans: whose
    name it is, and whose route. In one, all roots had their attributes read.
    """
    routed, of_providers = key_sets.get(_ROUTED), key_sets.get(_OF_PROVIDERS)
    by = dimension("endpoint", {} if of_providers is None else {OF_PROVIDERS: of_providers})
    if not routed:
        rows.some(spans, lines(by.own, "= ?"), *by.params, value)
        return
    rows.either(
        spans,
        (lines(ONE_OF_SETS, "AND", by.own, "= ?"), [list(routed), *by.params, value]),
        (lines("parent_id IS NULL AND name = ? AND", by.own, "= ?"), [value, *by.params, value]),
    )


def _within(value: str, low: float | None, high: float | None) -> tuple[str, list[Any]]:
    """A condition; empty where there is no bound."""
    given = [(value + test, bound) for test, bound in ((" >= ?", low), (" <= ?", high)) if bound is not None]
    return " AND ".join(test for test, _ in given), [bound for _, bound in given]


def _score(where: Where, project: str, text: str) -> None:
    condition = read_score_condition(text)
    test, params = condition.sql()
    known = "project = ? AND name = ? AND trace_id IS NOT NULL"  # one NULL, and nothing is surely not among these
    where.add(
        lines("trace_id IN (SELECT trace_id FROM scores WHERE", known, "AND", test, ")"),
        project,
        condition.name,
        *params,
    )
