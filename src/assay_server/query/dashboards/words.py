"""The words of panels and dashboards: kinds, ranges, fields; and the checks that all fields share."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query.dimensions import BY_SCORE, FIELDS, GROUPS
from assay_server.query.metrics.measures import BUCKETS, MEASURES
from assay_server.query.metrics.narrowing import FILTERS, check_filter, check_values

KINDS = ("line", "bar", "table", "number", "histogram")
RANGES = {"1h": 3600, "6h": 6 * 3600, "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400, "90d": 90 * 86_400}
"""Seconds by name."""

WIDTHS = (3, 4, 6, 8, 12)
REPORTS = ("corrected_rate", "questions", "parameter")
VARIABLES = (*FIELDS, "tag", "status")
"""What a reader narrows a whole dashboard by: fields whose values are listed."""

_MOST_VALUES = 100
_LONGEST_VALUE = 2000


def vocabulary() -> dict[str, Any]:
    """What an editor offers."""
    metrics = [
        {"name": name, "about": one.about, "unit": one.unit, "shape": one.shape, "settings": list(one.settings)}
        for name, one in MEASURES.items()
    ]
    return {
        "metrics": metrics,
        "buckets": list(BUCKETS),
        "filters": list(FILTERS),
        "variables": list(VARIABLES),
        "groups": [*GROUPS, BY_SCORE],
        "kinds": list(KINDS),
        "reports": list(REPORTS),
        "ranges": list(RANGES),
        "widths": list(WIDTHS),
    }


def filter_of(given: Any, at: str) -> dict[str, tuple[str, ...]]:
    """`{"-model": "a", "kind": ["llm"]}` with every value a tuple. Raises InvalidInput."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput("A filter names fields.", field=at, value=given, fix='{"model": "openai/…"}')
    return {str(name): _values(name, values, at) for name, values in given.items()}


def text(given: Mapping[str, Any], name: str, at: str, most: int, default: str | None = None) -> str:
    """A text of 1 to `most` characters; of none where there is a default."""
    value = given.get(name, default)
    if not isinstance(value, str) or len(value) > most or (default is None and not value.strip()):
        raise InvalidInput(field=f"{at}{name}", value=value, fix=f"a text of up to {most} characters")
    return value


def one_of(given: Mapping[str, Any], name: str, at: str, known: Sequence[Any], default: Any = None) -> Any:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, str | int) or value not in known:
        raise InvalidInput(field=f"{at}{name}", value=value, fix=f"one of {', '.join(map(str, known))}")
    return value


def listed(given: Mapping[str, Any], name: str, at: str, least: int, most: int) -> list[Any]:
    value = given.get(name, [] if least == 0 else None)
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise InvalidInput(field=f"{at}{name}", value=value, fix=f"a list of {least} to {most}")
    return value


def refuse_unknown(given: Mapping[str, Any], known: Sequence[str], at: str) -> None:
    for name in given:
        if name not in known:
            raise InvalidInput("There is no such field.", field=f"{at}{name}", fix=", ".join(known))


def _values(name: Any, values: Any, at: str) -> tuple[str, ...]:
    check_filter(name, at)
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, list) or not 1 <= len(values) <= _MOST_VALUES or not all(map(_is_value, values)):
        fix = f"1 to {_MOST_VALUES} texts of 1 to {_LONGEST_VALUE:,} characters"
        raise InvalidInput(
            f"'{name}' takes a text, or a list of up to {_MOST_VALUES}.", field=f"{at}.{name}", value=values, fix=fix
        )
    check_values(name, values, f"{at}.{name}")
    return tuple(values)


def _is_value(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_VALUE
