"""What a list of traces is narrowed to, as SQL over `traces` with semi-joins into spans and scores."""

from dataclasses import dataclass
from typing import Any

from assay_server.core.errors import InvalidInput
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

_ONE_SPAN = ("kind", "name", "model", "provider")
_ANY_SPAN = ("session", "release", "channel", "canary", "arm", "run", "environment")


@dataclass(slots=True, frozen=True)
class TraceFilter:
    """None does not narrow. Times are nanoseconds, `until` is exclusive.

    `kind`, `name`, `model` and `provider` must hold for one and the same span; each of the others for any span of
    the trace. `status=error` finds traces with an error anywhere, `ok` and `unset` those without one. `text` is
    looked for in names, inputs and outputs, without regard to case. `scores` are texts `name:op:value` over the mean
    of the trace's scores of that name, op being lt, le, gt, ge, eq or ne.
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
    scores: tuple[str, ...] = ()


def trace_conditions(project: str, narrow: TraceFilter) -> Where:
    """Raises `InvalidInput` for a score condition that cannot be read."""
    where = Where.project(project)
    if narrow.since_ns is not None:
        where.add("start_ns >= ?", narrow.since_ns)
    if narrow.until_ns is not None:
        where.add("start_ns < ?", narrow.until_ns)
    _spans(where, project, {name: getattr(narrow, name) for name in _ONE_SPAN})
    for column in _ANY_SPAN:
        _spans(where, project, {column: getattr(narrow, column)})
    _spans(where, project, {'"user"': narrow.user})
    if narrow.tag is not None:
        _has_span(where, project, "list_contains(tags, ?)", narrow.tag)
    if narrow.text:
        pattern = "%" + _escaped(narrow.text) + "%"
        condition = "(input ILIKE ? ESCAPE '\\' OR output ILIKE ? ESCAPE '\\' OR name ILIKE ? ESCAPE '\\')"
        _has_span(where, project, condition, pattern, pattern, pattern)
    _status(where, project, narrow.status)
    _latency(where, project, narrow)
    if narrow.min_cost is not None:
        source = "(SELECT * FROM spans WHERE project = ?)"
        where.add(
            lines("trace_id IN (SELECT trace_id FROM (", counted(source), ") GROUP BY trace_id HAVING sum(cost) >= ?)"),
            project, project, project, narrow.min_cost,
        )  # fmt: skip
    for score in narrow.scores:
        _score(where, project, score)
    return where


def _spans(where: Where, project: str, values: dict[str, Any]) -> None:
    given = {column: value for column, value in values.items() if value is not None}
    if given:
        _has_span(where, project, " AND ".join(column + " = ?" for column in given), *given.values())


def _has_span(where: Where, project: str, condition: str, *params: Any, negated: bool = False) -> None:
    test = "trace_id NOT IN" if negated else "trace_id IN"
    where.add(lines(test, "(SELECT trace_id FROM spans WHERE project = ? AND", condition, ")"), project, *params)


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
