"""What a list of traces is narrowed to, as SQL over `traces` with semi-joins into spans and scores."""

import re
from dataclasses import dataclass
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query.attribute_filter import read_condition
from assay_server.query.rollup import counted
from assay_server.query.sql import Where, lines

_OPERATORS = {
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq": "=",
    "ne": "<>",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
    "=": "=",
}

_WORD = re.compile(r'"([^"]+)"|([^\s"]+)')
_ONE_SPAN = ("kind", "name", "model", "provider", "service")
_ANY_SPAN = ("session", "release", "channel", "canary", "arm", "run", "environment")


@dataclass(slots=True, frozen=True)
class TraceFilter:
    """None does not narrow. Times are nanoseconds, `until` is exclusive.

    `kind`, `name`, `model`, `provider`, `service` and `attributes` (texts `key:op:value`) must hold for one and the
    same span; each of the others for any span of the trace. `status=error` finds traces with an error anywhere, `ok`
    and `unset` those without one. The words and "phrases" of `text` stand together in a name, an input or an output,
    without regard to case. `scores` are texts `name:op:value` over the mean of the trace's scores of that name, op
    being lt, le, gt, ge, eq or ne.
    """

    since_ns: int | None = None
    until_ns: int | None = None
    model: str | None = None
    provider: str | None = None
    kind: str | None = None
    name: str | None = None
    status: str | None = None
    user: str | None = None
    session: str | None = None
    release: str | None = None
    channel: str | None = None
    canary: str | None = None
    arm: str | None = None
    run: str | None = None
    environment: str | None = None
    tag: str | None = None
    text: str | None = None
    min_latency_ms: float | None = None
    max_latency_ms: float | None = None
    min_cost: float | None = None
    max_cost: float | None = None
    scores: tuple[str, ...] = ()
    service: str | None = None
    trace_id: str | None = None
    attributes: tuple[str, ...] = ()


def trace_conditions(project: str, narrow: TraceFilter) -> Where:
    """Raises `InvalidInput` for a score condition that cannot be read."""
    where = Where.project(project)
    if narrow.since_ns is not None:
        where.add("start_ns >= ?", narrow.since_ns)
    if narrow.until_ns is not None:
        where.add("start_ns < ?", narrow.until_ns)
    where.equal("trace_id", narrow.trace_id)
    _spans(where, project, {name: getattr(narrow, name) for name in _ONE_SPAN}, narrow.attributes)
    for column in _ANY_SPAN:
        _spans(where, project, {column: getattr(narrow, column)})
    _spans(where, project, {'"user"': narrow.user})
    if narrow.tag is not None:
        _has_span(where, project, "list_contains(tags, ?)", narrow.tag)
    _text(where, project, narrow.text or "")
    _status(where, project, narrow.status)
    _latency(where, project, narrow)
    _cost(where, project, narrow)
    for score in narrow.scores:
        _score(where, project, score)
    return where


def _spans(where: Where, project: str, values: dict[str, Any], attributes: tuple[str, ...] = ()) -> None:
    given = {column: value for column, value in values.items() if value is not None}
    conditions, params = [column + " = ?" for column in given], list(given.values())
    for text in attributes:
        condition, own = read_condition(text).sql()
        conditions.append(condition)
        params += own
    if conditions:
        _has_span(where, project, " AND ".join(conditions), *params)


def _has_span(where: Where, project: str, condition: str, *params: Any, negated: bool = False) -> None:
    test = "trace_id NOT IN" if negated else "trace_id IN"
    where.add(lines(test, "(SELECT trace_id FROM spans WHERE project = ? AND (", condition, "))"), project, *params)


def _text(where: Where, project: str, text: str) -> None:
    """All words and phrases in one of the texts of a span."""
    words = [f"%{_escaped(phrase or word)}%" for phrase, word in _WORD.findall(text) if phrase or word.strip('"')]
    if words:
        holds = [" AND ".join([column + " ILIKE ? ESCAPE '\\'"] * len(words)) for column in ("input", "output", "name")]
        _has_span(where, project, "(" + ") OR (".join(holds) + ")", *words * 3)


def _status(where: Where, project: str, status: str | None) -> None:
    if status is None:
        return
    if status not in {"ok", "error", "unset"}:
        raise InvalidInput("There is no such status.", field="status", value=status, fix="use ok, error or unset")
    _has_span(where, project, "status = 'error'", negated=status != "error")
    if status == "ok":
        _has_span(where, project, "status = 'ok'")
    if status == "unset":
        _has_span(where, project, "status = 'ok'", negated=True)


def _latency(where: Where, project: str, narrow: TraceFilter) -> None:
    low, high = narrow.min_latency_ms, narrow.max_latency_ms
    bounds = [(" >= ?", low), (" <= ?", high)]
    given = [("(max(end_ns) - min(start_ns)) / 1e6" + test, value) for test, value in bounds if value is not None]
    if given:
        having = " AND ".join(test for test, _ in given)
        sql = "trace_id IN (SELECT trace_id FROM spans WHERE project = ? GROUP BY trace_id HAVING"
        where.add(lines(sql, having, ")"), project, *(value for _, value in given))


def _cost(where: Where, project: str, narrow: TraceFilter) -> None:
    bounds = [(" >= ?", narrow.min_cost), (" <= ?", narrow.max_cost)]
    given = [("sum(cost)" + test, value) for test, value in bounds if value is not None]
    if given:
        source = "(SELECT * FROM spans WHERE project = ?)"
        having = " AND ".join(test for test, _ in given)
        sql = lines("trace_id IN (SELECT trace_id FROM (", counted(source), ") GROUP BY trace_id HAVING", having, ")")
        where.add(sql, project, project, project, *(value for _, value in given))


def _score(where: Where, project: str, text: str) -> None:
    name, operator, value = _parse_score(text)
    where.add(
        lines(
            "trace_id IN (SELECT trace_id FROM scores WHERE project = ? AND name = ? AND value IS NOT NULL",
            "GROUP BY trace_id HAVING avg(value)",
            operator,
            "?)",
        ),
        project,
        name,
        value,
    )


def _parse_score(text: str) -> tuple[str, str, float]:
    """The name may hold colons itself."""
    parts = text.rsplit(":", 2)
    try:
        name, operator, value = parts
        return name, _OPERATORS[operator], float(value)
    except (ValueError, KeyError) as error:
        raise InvalidInput(
            "A score condition reads name:op:value.", field="score", value=text, fix="for example user_feedback:lt:0.5"
        ) from error


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
