"""Any value as bounded text: JSON where there is structure, as it is where it is text already. Never raises."""

import dataclasses
import json
import numbers
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, time
from enum import Enum
from typing import Any
from uuid import UUID

LIMIT = 262_144
"""Characters of text kept of one input or output, all its parts together: a long prompt with its documents."""

_DEPTH = 8
_ITEMS = 200
_ROWS = 2_000  # of a list of mappings: messages, documents
_KEY = 200
_REPR = 300


def as_text(value: Any, limit: int = LIMIT) -> str:
    """`value` as text of about `limit` characters at most; what was left out is marked with `…`."""
    if is_text(value):
        return whole(value if len(value) <= limit else value[:limit] + "…")
    return whole(json.dumps(simple(value, limit), ensure_ascii=False))


def whole(text: str) -> str:
    """`text` as UTF-8 can hold it: halves of a sign that stand side by side are joined, one by itself becomes `�`.

    Half an emoji is what is left where a streamed answer or a JSON escape was cut within it.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def is_text(value: Any) -> bool:
    """Of any object: some run code of their own where one asks what they are."""
    try:
        return isinstance(value, str)
    except Exception:  # noqa: BLE001 - then it is none
        return False


def simple(value: Any, limit: int = LIMIT) -> Any:
    """`value` as what JSON knows: texts, numbers, truth values, None, lists and mappings of these."""
    return _Simplifier(limit).simple(value, 0)


class _Simplifier:
    """Turns values into what JSON knows, within a budget of characters shared by all parts of one value."""

    def __init__(self, budget: int) -> None:
        self._left = budget

    def simple(self, value: Any, depth: int) -> Any:
        if value is None or value is True or value is False:
            return value
        if is_text(value):
            return self._text(value)
        try:
            if type(value) in {int, float}:
                return self._number(value)
            return self._structure(value, depth)
        except Exception as error:  # noqa: BLE001 - an odd object's own code failed: that is worth a note, not a crash
            return f"<{type(value).__name__}: {type(error).__name__}>"

    def _structure(self, value: Any, depth: int) -> Any:
        if depth >= _DEPTH or self._left <= 0:
            return "…"
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, numbers.Real) and not isinstance(value, Enum):  # numpy's are, and subclasses of int
            return self._number(int(value) if isinstance(value, numbers.Integral) else float(value))
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"
        if isinstance(value, Sequence | Set):
            return self._sequence(value, depth)
        return self._object(value, depth)

    def _object(self, value: Any, depth: int) -> Any:
        if isinstance(value, Enum):
            return self.simple(value.value, depth + 1)
        if isinstance(value, datetime | date | time | UUID):
            return self._text(str(value))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            return self._mapping(fields, depth)
        if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):  # an array of one number
            return self.simple(value.item(), depth + 1)
        dump = getattr(value, "model_dump", None)  # pydantic, and the answers of the OpenAI client
        if callable(dump) and not isinstance(value, type):
            return self.simple(dump(), depth + 1)
        return self._text(repr(value), _REPR)

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        simple: dict[str, Any] = {}
        for key, each in value.items():
            if len(simple) >= _ITEMS or self._left <= 0:
                simple["…"] = f"{len(value) - len(simple)} more"
                break
            name = self._text(str(key), _KEY)  # before the value, which may take all that is left
            simple[name] = self.simple(each, depth + 1)
        return simple

    def _sequence(self, value: Sequence[Any] | Set[Any], depth: int) -> list[Any]:
        simple: list[Any] = []
        for each in value:
            if len(simple) >= (_ROWS if isinstance(each, Mapping) else _ITEMS) or self._left <= 0:
                simple.append(f"… {len(value) - len(simple)} more")
                break
            simple.append(self.simple(each, depth + 1))
        return simple

    def _text(self, value: str, limit: int | None = None) -> str:
        allowed = max(0, self._left if limit is None else min(self._left, limit))
        self._left -= min(len(value), allowed)
        return value if len(value) <= allowed else value[:allowed] + "…"

    def _number(self, value: float) -> float | str:
        self._left -= 8
        if isinstance(value, float) and value - value != 0:  # infinite or not a number: JSON has neither
            return repr(value)
        if abs(value) < 2**63:
            return value
        try:
            return self._text(str(value), 80)
        except ValueError:  # Python writes no more than 4,300 digits
            return f"<a number of {int(value).bit_length()} bits>"
