"""Conditions over a span's attributes, written `key:op:value`."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.store import words_of_attribute

_NUMBERS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_TEXTS = {"eq": "=", "ne": "<>"}
OPERATORS = (*_TEXTS, *_NUMBERS, "contains", "exists")

_READ = "variant_extract(attributes, ?)::VARCHAR"


@dataclass(slots=True, frozen=True)
class AttributeCondition:
    """`lt le gt ge` compare numbers, the others texts; `contains` without regard to case. What has no such attribute
    meets none of them."""

    key: str
    op: str
    value: str

    def sql(self) -> tuple[str, list[Any]]:
        """Over a row of `spans`."""
        if self.op == "exists":
            return _READ + " IS NOT NULL", [self.key]
        if self.op == "contains":
            return "contains(lower(" + _READ + "), lower(?))", [self.key, self.value]
        if self.op in _NUMBERS:
            number = "TRY_CAST(" + _READ + " AS DOUBLE)"
            no_nan = number + " <= 'inf'::DOUBLE AND "  # NaN, which the engine holds to be the largest of all
            return no_nan + number + " " + _NUMBERS[self.op] + " ?", [self.key, self.key, float(self.value)]
        return _READ + " " + _TEXTS[self.op] + " ?", [self.key, self.value]

    @property
    def words(self) -> str | None:
        """For the text index: what a trace with such a span says; None where it may say anything."""
        return words_of_attribute(self.key, self.value) if self.op == "eq" else None

    def holds(self, attributes: dict[str, Any]) -> bool:
        """The same of a span that is not stored yet."""
        value = attributes.get(self.key)
        if value is None or (isinstance(value, float) and not isfinite(value)):
            return False
        sent = _text(value)
        if self.op == "exists":
            return True
        if self.op == "contains":
            return self.value.lower() in sent.lower()
        if self.op in _TEXTS:
            return (sent == self.value) == (self.op == "eq")
        return _compared(sent, self.op, float(self.value))


def read_condition(text: str) -> AttributeCondition:
    """The key may hold colons itself, the value may not begin with an operator. Raises `InvalidInput`."""
    for op in sorted(OPERATORS, key=len, reverse=True):
        key, found, value = text.partition(f":{op}:")
        if found and key and _fits(op, value):
            return AttributeCondition(key, op, value)
    raise InvalidInput(
        "An attribute condition reads key:op:value.",
        field="attribute",
        value=text,
        fix=f"for example http.route:eq:/chat; op is one of {', '.join(OPERATORS)}; lt, le, gt and ge take a number",
    )


def _fits(op: str, value: str) -> bool:
    if op not in _NUMBERS:
        return op != "exists" or value == ""
    try:
        return float(value) == float(value)
    except ValueError:
        return False


def _compared(sent: str, op: str, bound: float) -> bool:
    """Digits are those of ASCII, as in the store."""
    if not sent.isascii():
        return False
    try:
        value = float(sent)
    except ValueError:
        return False
    return {"lt": value < bound, "le": value <= bound, "gt": value > bound, "ge": value >= bound}[op]


def _text(value: Any) -> str:
    """As the store reads it back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
