"""What Langfuse's lists of scores are narrowed by, as our own filter of scores."""

import math
from typing import Any

from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.dialects.langfuse import filters
from assay_server.api.dialects.langfuse.paging import one_of
from assay_server.api.times import nanoseconds
from assay_server.core.errors import InvalidInput
from assay_server.query import ScoreFilter

Asked = list[dict[str, Any]]
"""Fields of our filter, and `trace`, `since` and `until` as they were sent. Tuples hold together."""

_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
_TYPES = ("NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT", "CORRECTION")
_TOGETHER = frozenset({"told", "untold", "without", "values"})
_OTHERS = (("source", "human"), ("source", "judge"))
_SOURCES: dict[str, dict[str, Any]] = {
    "API": {"without": _OTHERS},
    "ANNOTATION": {"source": "human"},
    "EVAL": {"source": "judge"},
}
_TRUTHS = {"true": 1.0, "false": 0.0}


def narrowed(asked: Asked) -> ScoreFilter:
    """Raises InvalidInput for what is no time, and for two values of one field."""
    found: dict[str, Any] = {}
    for one in asked:
        for name, value in one.items():
            if value is None or value == ():
                continue
            if isinstance(value, tuple) and name in _TOGETHER:
                found[name] = (*found.get(name, ()), *value)
            elif found.setdefault(name, value) != value:
                fix = "ask for one of them"
                raise InvalidInput(f"Two values of '{name}' are asked for.", field=name, value=str(value)[:80], fix=fix)
    since, until, trace = (found.pop(name, None) for name in ("since", "until", "trace"))
    return ScoreFilter(
        **found,
        trace_id=trace_id_of(trace) if trace else None,
        since_ns=_time(since),
        until_ns=_time(until),
        answered=True,
    )


def _time(given: tuple[str, str | None] | None) -> int | None:
    return None if given is None else nanoseconds(given[1], given[0])


def refuse(field: str, value: Any, fix: str) -> None:
    if value is not None:
        raise InvalidInput(f"Scores are not asked for by '{field}'.", field=field, value=str(value)[:80], fix=fix)


def several(told: str | None, field: str) -> tuple[str, ...]:
    """A list with commas between its values. Raises InvalidInput for one without any."""
    if told is None:
        return ()
    found = tuple(one.strip() for one in told.split(",") if one.strip())
    if not found:
        raise InvalidInput(f"'{field}' has no value.", field=field, value=told[:80], fix="give one, or leave it out")
    return found


def single(told: str | None, field: str) -> str | None:
    """Of such a list the only one. Raises InvalidInput."""
    return one_of(list(several(told, field)), field)


def of_observations(told: str | None) -> dict[str, Any]:
    return {"span_ids": tuple(span_id_of(one) for one in several(told, "observationId"))}


def of_environment(told: list[str] | None) -> dict[str, Any]:
    """A score has one of its own, which it says rarely."""
    environment = filters.one_environment(told)
    return {"told": (("environment", environment),)} if environment else {}


def of_source(told: str | None) -> dict[str, Any]:
    """Raises InvalidInput for what is none."""
    if told is None:
        return {}
    if told.upper() not in _SOURCES:
        raise InvalidInput(
            "There is no such source.", field="source", value=told[:80], fix=f"use {', '.join(_SOURCES)}"
        )
    return _SOURCES[told.upper()]


def of_value(operator: str | None, value: float | None) -> dict[str, Any]:
    """Raises InvalidInput for one without the other, and for what compares nothing."""
    if operator is None and value is None:
        return {}
    if operator not in _OPERATORS or value is None or not math.isfinite(value):
        raise InvalidInput(
            "'operator' and 'value' belong together.",
            field="operator",
            value=str(operator)[:80],
            fix=f"send a number, and one of {', '.join(_OPERATORS)}",
        )
    return {"values": ((operator, value),)}


def of_data_type(
    told: str | None, value: str | None = None, low: float | None = None, high: float | None = None
) -> dict[str, Any]:
    """`value`, and the bounds of a number, mean something together with it. Raises InvalidInput."""
    kind = None if told is None else told.upper()
    if kind is not None and kind not in _TYPES:
        raise InvalidInput("There is no such type.", field="dataType", value=kind[:80], fix=f"use {', '.join(_TYPES)}")
    found = {} if kind is None else _of_type(kind)
    if value is not None:
        found |= _equal(kind, value)
    bounds = tuple((operator, bound) for operator, bound in ((">=", low), ("<=", high)) if bound is not None)
    return found | _within(kind, bounds)


def _of_type(kind: str) -> dict[str, Any]:
    """As `score_shapes.data_type` tells them apart."""
    said = ("data_type", kind)
    if kind == "NUMERIC":
        return {"judged": "number", "untold": (("data_type", "BOOLEAN"),)}
    if kind == "BOOLEAN":
        return {"judged": "number", "told": (said,)}
    if kind == "CATEGORICAL":
        return {"judged": "label", "untold": (("data_type", "TEXT"), ("data_type", "CORRECTION"))}
    return {"judged": "label", "told": (said,)}


def _equal(kind: str | None, value: str) -> dict[str, Any]:
    if kind == "CATEGORICAL":
        return {"label": value}
    number = _TRUTHS.get(value.lower()) if kind == "BOOLEAN" else _number(value) if kind == "NUMERIC" else None
    if number is None:
        raise InvalidInput(
            "A value is asked for by its type.",
            field="value",
            value=value[:80],
            fix="send one value, and dataType: NUMERIC with a number, BOOLEAN with true or false, or CATEGORICAL",
        )
    return {"values": (("=", number),)}


def _within(kind: str | None, bounds: tuple[tuple[str, float], ...]) -> dict[str, Any]:
    if not bounds:
        return {}
    if kind != "NUMERIC" or not all(math.isfinite(bound) for _, bound in bounds):
        raise InvalidInput(
            "Only numbers have bounds.",
            field="dataType",
            value=str(kind),
            fix="send dataType=NUMERIC with valueMin and valueMax, and numbers that are finite",
        )
    return {"values": bounds}


def _number(value: str) -> float | None:
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _metadata(condition: filters.Condition) -> filters.Narrowed:
    if not condition.key or not isinstance(condition.value, str) or not condition.key.isidentifier():
        raise condition.refusal("give a key of letters, digits and _, and a text as its value")
    return {"told": ((condition.key, condition.value),)}


_COLUMNS: filters.Table = {
    ("metadata", "="): _metadata,
    **filters.texts("name", filters.field("name")),
    **filters.texts("traceid", filters.field("trace")),
    **filters.texts("sessionid", filters.field("session")),
    **filters.texts("observationid", of_observations),
    **filters.texts("source", of_source),
    **filters.texts("datatype", of_data_type),
}


def read_conditions(told: str | None) -> dict[str, Any]:
    """Raises InvalidInput naming the condition that cannot be answered."""
    return filters.read_filter(told, _COLUMNS)
