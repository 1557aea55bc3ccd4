"""What the mean of a trace's scores of one name must be: `name:op:value`."""

from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query.sql import lines

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


def score_condition(project: str, text: str) -> tuple[Any, ...]:
    """As SQL over `traces`, and its parameters. Raises `InvalidInput`."""
    name, operator, value = _parse(text)
    return (
        lines(
            "trace_id IN (SELECT trace_id FROM scores WHERE project = ? AND name = ? AND value IS NOT NULL",
            "AND trace_id IS NOT NULL",  # one NULL, and nothing is surely not among these
            "GROUP BY trace_id HAVING avg(value)",
            operator,
            "?)",
        ),
        project,
        name,
        value,
    )


def _parse(text: str) -> tuple[str, str, float]:
    """The name may hold colons itself."""
    parts = text.rsplit(":", 2)
    try:
        name, operator, value = parts
        return name, _OPERATORS[operator], float(value)
    except (ValueError, KeyError) as error:
        raise InvalidInput(
            "A score condition reads name:op:value.", field="score", value=text, fix="for example user_feedback:lt:0.5"
        ) from error
