"""Langfuse's conditions, as far as our own filters answer the same question: those of `filter`, a JSON list of
`{type, column, operator, value, key}`, and single parameters. Anything else is refused."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from assay_server.api.dialects.langfuse.paging import one_of
from assay_server.api.times import nanoseconds
from assay_server.core.errors import InvalidInput
from assay_server.query import read_condition

_MICROSECOND = 1_000  # times are shown to the microsecond
_MOST = 50  # conditions

Narrowed = dict[str, Any]
"""Fields of one of our filters. Those that are tuples hold together."""


@dataclass(slots=True, frozen=True)
class Condition:
    """One of a list, as it was sent."""

    column: str
    operator: str
    value: Any
    key: str | None

    def refusal(self, fix: str) -> InvalidInput:
        said = f"{self.column}{f'.{self.key}' if self.key else ''} {self.operator} {json.dumps(self.value)}"
        return InvalidInput(f"'{said[:120]}' cannot be asked for here.", field="filter", value=said[:80], fix=fix)


Reader = Callable[[Condition], Narrowed]
Table = Mapping[tuple[str, str], Reader]
"""By column, without regard to case and underscores, and operator."""


def read_filter(told: str | None, table: Table) -> Narrowed:
    """What all conditions of `filter` say together. Raises InvalidInput naming the one that cannot be answered."""
    narrowed: Narrowed = {}
    for condition in _conditions(told):
        reader = table.get((_plain(condition.column), condition.operator))
        if reader is None:
            columns = ", ".join(sorted({column for column, _ in table}))
            raise condition.refusal(f"leave it out; columns here are {columns}, most of them with '='")
        narrowed = _joined(narrowed, reader(condition), condition)
    return narrowed


def _conditions(told: str | None) -> list[Condition]:
    if told is None:
        return []
    try:
        given = json.loads(told)
    except (ValueError, RecursionError) as error:
        raise _no_filter(told) from error
    if not isinstance(given, list) or len(given) > _MOST:
        raise _no_filter(told)
    return [_condition(one, told) for one in given]


def _condition(given: Any, told: str) -> Condition:
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in ("column", "operator")):
        raise _no_filter(told)
    key = given.get("key")
    return Condition(given["column"], given["operator"], given.get("value"), None if key is None else str(key))


def _no_filter(told: str) -> InvalidInput:
    return InvalidInput(
        f"'filter' is a list of at most {_MOST} conditions in JSON.",
        field="filter",
        value=told[:80],
        fix='write [{"type": "string", "column": "name", "operator": "=", "value": "…"}]',
    )


def _plain(column: str) -> str:
    return column.replace("_", "").replace(" ", "").lower()


def _joined(one: Narrowed, other: Narrowed, condition: Condition) -> Narrowed:
    """Both hold: the narrower of two bounds; two values of a field are never one."""
    both = dict(one)
    for name, value in other.items():
        if name not in both or both[name] == value:
            both[name] = value
        elif isinstance(value, tuple):
            both[name] = (*both[name], *value)
        elif name.startswith(("min_", "since_")):
            both[name] = max(both[name], value)
        elif name.startswith(("max_", "until_")):
            both[name] = min(both[name], value)
        else:
            raise condition.refusal("ask for one value of a column")
    return both


def texts(column: str, read: Callable[[str], Narrowed]) -> dict[tuple[str, str], Reader]:
    """Equality, said in either of two ways."""

    def one(condition: Condition) -> Narrowed:
        value = condition.value
        if condition.operator == "any of":
            value = value[0] if isinstance(value, list) and len(value) == 1 else None
        if not isinstance(value, str) or not value:
            raise condition.refusal("give one text")
        return read(value)

    return {(column, "="): one, (column, "any of"): one}


def texts_of(column: str, name: str, told: Callable[[str], str] = str) -> dict[tuple[str, str], Reader]:
    """Equality with one text, or with one of several (a list, which is one value of its field); `told` reads each."""

    def any_of(condition: Condition) -> Narrowed:
        value = condition.value
        if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
            raise condition.refusal("give a list of texts")
        values = [told(one) for one in value]
        return {name: values[0] if len(values) == 1 else values}

    return {**texts(column, lambda value: {name: told(value)}), (column, "any of"): any_of}


def field(name: str) -> Callable[[str], Narrowed]:
    return lambda value: {name: value}


def tags(column: str) -> dict[tuple[str, str], Reader]:
    """All of them; one of several is no question that we have."""

    def read(condition: Condition) -> Narrowed:
        given = condition.value
        if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
            raise condition.refusal("give a list of texts")
        if condition.operator == "any of" and len(given) > 1:
            raise condition.refusal("ask once for each tag")
        return {"tags": tuple(given)}

    return {(column, "all of"): read, (column, "any of"): read}


def times(column: str) -> dict[tuple[str, str], Reader]:
    def bound(name: str, add: int) -> Reader:
        def read(condition: Condition) -> Narrowed:
            found = nanoseconds(str(condition.value), "filter")
            return {name: (found or 0) + add}

        return read

    return {
        (column, ">="): bound("since_ns", 0),
        (column, ">"): bound("since_ns", _MICROSECOND),
        (column, "<"): bound("until_ns", 0),
        (column, "<="): bound("until_ns", _MICROSECOND),
    }


def numbers(column: str, name: str, scale: float = 1.0) -> dict[tuple[str, str], Reader]:
    """Bounds of `min_<name>` and `max_<name>`, which are within."""

    def bound(end: str, beyond: float | None) -> Reader:
        def read(condition: Condition) -> Narrowed:
            value = condition.value
            if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
                raise condition.refusal("give a number")
            found = float(value) * scale
            return {f"{end}_{name}": found if beyond is None else math.nextafter(found, beyond)}

        return read

    return {
        (column, ">="): bound("min", None),
        (column, ">"): bound("min", math.inf),
        (column, "<="): bound("max", None),
        (column, "<"): bound("max", -math.inf),
    }


def metadata(prefix: str) -> dict[tuple[str, str], Reader]:
    """An entry of the metadata, which stands among our attributes below `prefix`."""

    def equal(condition: Condition) -> Narrowed:
        if not condition.key or not isinstance(condition.value, str):
            raise condition.refusal("give a key, and a text as its value")
        return attribute(f"{prefix}.{condition.key}", condition.value, "filter")

    def given(condition: Condition) -> Narrowed:
        if not condition.key:
            raise condition.refusal("give a key")
        return {"attributes": (f"{prefix}.{condition.key}:exists:",)}

    return {("metadata", "="): equal, ("metadata", "is set"): given}


def attribute(key: str, value: str, field: str) -> Narrowed:
    """Raises InvalidInput where our own notation cannot say it."""
    text = f"{key}:eq:{value}"
    read = read_condition(text)
    if (read.key, read.op, read.value) != (key, "eq", value):
        raise InvalidInput(
            "This value cannot be asked for: an operator stands in it.", field=field, value=value[:80], fix="leave it"
        )
    return {"attributes": (text,)}


def environment(value: str) -> Narrowed:
    """Raises InvalidInput for what is none here."""
    return {"environment": known_environment(value)}


def one_environment(told: list[str] | None) -> str | None:
    """Where one is asked for at a time. Raises InvalidInput."""
    value = one_of(told, "environment")
    return None if value is None else known_environment(value)


def known_environment(value: str) -> str:
    """What says none is shown as `default`, as there. Raises InvalidInput for that: it is no value here."""
    if value == "default":
        raise InvalidInput(
            "What says no environment is shown as 'default', and cannot be asked for by it.",
            field="environment",
            value=value,
            fix="leave it out, or give your clients an environment",
        )
    return value


def both(parameters: Narrowed, told: Narrowed) -> Narrowed:
    """Parameters and `filter`, which comes first where both speak of the same."""
    joined = {name: value for name, value in parameters.items() if value is not None}
    for name, value in told.items():
        joined[name] = (*joined.get(name, ()), *value) if isinstance(value, tuple) else value
    return joined
