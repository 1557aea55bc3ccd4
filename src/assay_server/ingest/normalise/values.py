"""Attribute values as clients really send them: JSON in a text where a list was meant, numbers in texts, and so on."""

import math
from typing import Any

import msgspec


def text_of(value: Any) -> str | None:
    """A text stays itself, anything else becomes JSON; what is empty becomes None."""
    if isinstance(value, str):
        return value or None
    if value is None or value in ([], {}):
        return None
    try:
        return msgspec.json.encode(value).decode("utf-8", "replace")
    except UnicodeEncodeError:
        return msgspec.json.encode(well_formed(value)).decode("utf-8", "replace")


def well_formed(value: Any) -> Any:
    """The same without halves of surrogate pairs: JSON can spell them, and no database holds them."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [well_formed(part) for part in value]
    if isinstance(value, dict):
        return {well_formed(key): well_formed(part) for key, part in value.items()}
    return value


def parsed(value: Any) -> Any:
    """A text that holds JSON as its value; anything else as it is."""
    if not isinstance(value, str) or not value:
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return value


def count_of(value: Any) -> int | None:
    """A token count; None for what is none (negative numbers, texts, truth values, what no model could read)."""
    if isinstance(value, bool):
        return None
    number = value if isinstance(value, int) else number_of(value)
    return int(number) if number is not None and 0 <= number <= _MOST_TOKENS else None


LARGEST = 1e15
"""Of amounts and judgements: what is larger is no fact, and its square, added up, would be beyond all numbers."""

_MOST_TOKENS = 10**12
"""Of one call. Millions of such calls still add up to a whole number that the store can hold."""


def within(number: float) -> bool:
    """Whether it can be added up with others: not NaN, nor infinite, nor beyond `LARGEST`."""
    return abs(number) <= LARGEST


def number_of(value: Any) -> float | None:
    """A finite number that is not negative, also out of a text; otherwise None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if within(number) and number >= 0 else None


SPELLED = ("NaN", "Infinity", "-Infinity")


def spelled(value: float) -> float | str:
    """A number as it can be kept: those that JSON does not know as OTLP's JSON spells them, `NaN` and `-Infinity`."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def texts_of(value: Any) -> list[str]:
    """A list of texts, a JSON list, or texts with commas between them."""
    value = parsed(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list):
        return [text for part in value if (text := text_of(part))]
    return []
