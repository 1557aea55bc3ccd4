"""What to write instead, for the faults that pydantic finds: its words say what is wrong, not what is right."""

from typing import Any

_FIXES = {
    "missing": "send this field",
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} at most",
    "less_than": "less than {lt}",
    "too_short": "{min_length} or more of them",
    "too_long": "{max_length} of them at most",
    "string_too_short": "a text of {min_length} characters or more",
    "string_too_long": "a text of {max_length} characters at most",
    "string_unicode": "a text without halves of characters",
    "literal_error": "use {expected}",
    "enum": "use {expected}",
    "finite_number": "a number that is finite",
    "int_from_float": "a whole number",
}
_KINDS = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a JSON object",
    "model": "a JSON object",
    "model_attributes": "a JSON object",
}
"""Of `int_type`, `int_parsing`, `int_parsing_size` and the like."""


def fix_of(fault: dict[str, Any]) -> str | None:
    """None where nothing more can be said than the fault does."""
    kind, told = str(fault["type"]), fault.get("ctx", {})
    if told.get("min_length") == 1:
        return "a text that is not empty" if kind == "string_too_short" else "one of them at least"
    if kind in _FIXES:
        return _FIXES[kind].format_map({name: _shown(value) for name, value in told.items()})
    for ending in ("_type", "_parsing", "_parsing_size"):
        if kind.endswith(ending):
            return _KINDS.get(kind.removesuffix(ending))
    return None


def _shown(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
