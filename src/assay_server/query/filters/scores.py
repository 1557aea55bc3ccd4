"""Conditions over a trace's scores of one name, written `name:op:value`."""

import math
import re
from dataclasses import dataclass
from typing import Any

from assay_server.core.errors import InvalidInput

_NUMBERS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=", "ne": "<>"}
_SIGNS = {sign: op for op, sign in _NUMBERS.items()}
_CONDITION = re.compile(rf"(.+?):({'|'.join([*_NUMBERS, *_SIGNS, 'contains', 'exists'])}):(.*)", re.DOTALL)
_LABELS = ("eq", "ne")
_WORDS_OF = "concat_ws(chr(10), label, reason)"


@dataclass(slots=True, frozen=True)
class ScoreCondition:
    """`lt le gt ge eq ne` compare the mean with a number; `eq` and `ne` the label with what is none (`ne`: one score
    has another). `contains` is of a label or a comment, without regard to case; `exists` of any that did not fail.
    """

    name: str
    op: str
    value: str | float

    def sql(self) -> tuple[str, list[Any]]:
        """The traces that meet it, over rows of `scores` of the name that are of a trace; what stands behind AND."""
        if self.op == "exists":
            return "error IS NULL", []
        if self.op == "contains":
            return f"contains(lower({_WORDS_OF}), lower(?))", [self.value]
        if isinstance(self.value, str):
            return f"label {_NUMBERS[self.op]} ?", [self.value]
        return f"value IS NOT NULL GROUP BY trace_id HAVING avg(value) {_NUMBERS[self.op]} ?", [self.value]


def read_score_condition(text: str) -> ScoreCondition:
    """The name may hold colons itself. Raises `InvalidInput`."""
    found = _CONDITION.fullmatch(text)
    if found is not None:
        name, op, value = found[1], _SIGNS.get(found[2], found[2]), found[3]
        if (op == "exists" and not value) or (op == "contains" and value):
            return ScoreCondition(name, op, value)
        number = _number(value)
        if number is not None and op in _NUMBERS:
            return ScoreCondition(name, op, number)
        if op in _LABELS and value:
            return ScoreCondition(name, op, value)
    raise InvalidInput(
        "A score condition reads name:op:value.",
        field="score",
        value=text,
        fix="for example user_feedback:lt:0.5, tone:eq:friendly, comment:contains:slow or comment:exists:",
    )


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None  # NaN is the largest of all to the engine
