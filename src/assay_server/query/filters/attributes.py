"""Conditions over a span's attributes, written `key:op:value`."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from assay_server.core.errors import InvalidInput
from assay_server.query.filters.stored_text import (
    as_stored,
    json_text,
    other_texts,
    plain_text,
    small_letters,
    texts_within,
)
from assay_server.query.group_names import beginning_noted
from assay_server.store import encode, words_of_attribute

_NUMBERS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ALIKE = ("eq", "ne")
OPERATORS = (*_ALIKE, *_NUMBERS, "contains", "exists")

_OPENING = ("[", "{")
_READ = "variant_extract(attributes, ?)::VARCHAR"
_JSON = "variant_extract(attributes, ?)::JSON::VARCHAR"
_IS_TEXT = "variant_typeof(variant_extract(attributes, ?)) = 'VARCHAR'"
_OPENS = f"({_READ} >= '[' AND {_READ} < '\\' OR {_READ} >= '{{' AND {_READ} < '|')"
"""As the text of a list or an object begins, and other texts may. Bounds, because the engine compares those with its
statistics and dictionaries, which it does not do for a first letter."""
_TEXT_WITHIN = (  # names are followed by a colon
    rf"""len(list_filter(regexp_extract_all({_JSON}, '"(?:[^"\\]|\\.)*":?'), lambda part: ends_with(part, '"')"""
    " AND contains(lower(json_extract_string(rtrim(part, ':'), '$')), lower(?)))) > 0"
)


@dataclass(slots=True, frozen=True)
class AttributeCondition:
    """`lt le gt ge` compare numbers, the others texts; `contains` without regard to case. What has no such attribute
    meets none of them. A number equals itself however it is written (`1` and `1.0`), a text only its own letters.

    A list or an object equals the JSON of the same values, however that is spaced and its names are ordered; it
    contains what one of the texts in it contains (its values at any depth, not its names); it is never a number. What
    equals the name that a monitor has of a long value begins like it.
    """

    key: str
    op: str
    value: str

    def sql(self) -> tuple[str, list[Any]]:
        """Over a row of `spans`. What `_READ` makes of a list or an object is the engine's own affair."""
        key, value = self.key, self.value
        if self.op == "exists":
            return "(" + _READ + " IS NOT NULL OR contains(moved, ?))", [key, f"{encode(key)}:"]
        if self.op == "contains":
            return self._contains()
        if self.op in _NUMBERS:
            number = "TRY_CAST(" + _READ + " AS DOUBLE)"
            no_nan = number + " <= 'inf'::DOUBLE AND "  # NaN, which the engine holds to be the largest of all
            return no_nan + number + " " + _NUMBERS[self.op] + " ?", [key, key, float(value)]
        if self._beginning is not None:
            return "starts_with(" + _READ + ", ?)", [key, self._beginning]
        same, params = self._same()
        return (same, params) if self.op == "eq" else (f"NOT ({same})", params)

    def _same(self) -> tuple[str, list[Any]]:
        key, value = self.key, self.value
        if value.startswith(_OPENING):
            exact = f"CASE WHEN {_IS_TEXT} THEN {_READ} = ? ELSE {_JSON} = ? END"
            return exact, [key, key, value, key, _same_json(value)]
        others = other_texts(value)
        if not others:
            return f"{_READ} = ?", [key, value]
        number = f"{_READ} IN ({', '.join('?' * len(others))}) AND NOT {_IS_TEXT}"
        return f"({_READ} = ? OR {number})", [key, value, key, *others, key]

    def _contains(self) -> tuple[str, list[Any]]:
        """Only rows that may meet it are read as JSON: but for quotes and backslashes, which are escaped where the
        engine has spread a list over columns, every text within stands in `_READ` as it is."""
        key, value = self.key, self.value
        sure = max(re.split(r"['\\]", value), key=len)
        said, params = f"contains(lower({_READ}), lower(?))", [key, sure]
        plain, of_plain = f"(NOT {_OPENS} OR {_IS_TEXT})", [key] * 5
        if sure != value:
            plain, of_plain = f"{plain} AND {said}", [*of_plain, key, value]
        return f"({said} AND ({plain} OR {_TEXT_WITHIN}))", [*params, *of_plain, key, value]

    @property
    def words(self) -> str | None:
        """For the text index: what a trace with such a span says; None where it may say anything."""
        return words_of_attribute(self.key, self.value) if self.op == "eq" and self._beginning is None else None

    @property
    def _beginning(self) -> str | None:
        return beginning_noted(self.value) if self.op == "eq" else None

    def holds(self, attributes: dict[str, Any]) -> bool:
        """The same of a span that is not stored yet."""
        value = as_stored(attributes.get(self.key))
        if value is None:
            return False
        if self.op == "exists":
            return True
        nested = isinstance(value, list | dict)
        if self.op == "contains":
            texts = texts_within(value) if nested else [plain_text(value)]
            return any(small_letters(self.value) in small_letters(text) for text in texts)
        if self._beginning is not None:
            return not nested and plain_text(value).startswith(self._beginning)
        if self.op in _ALIKE:
            return self._is_same(value) == (self.op == "eq")
        return not nested and _compared(plain_text(value), self.op, float(self.value))

    def _is_same(self, value: Any) -> bool:
        if isinstance(value, list | dict):
            return json_text(value) == _same_json(self.value)
        text = plain_text(value)
        return text == self.value or (not isinstance(value, str) and text in other_texts(self.value))


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


def _same_json(value: str) -> str:
    """As the store would write that list or object; what is none stays as it is, and equals none."""
    if not value.startswith(_OPENING):
        return value
    try:
        return json_text(as_stored(msgspec.json.decode(value)))
    except (msgspec.DecodeError, RecursionError):
        return value
