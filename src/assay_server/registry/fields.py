"""What may stand in a field: names, texts, JSON. Each raises InvalidInput with the field, the value and the fix."""

import re
from typing import Any

from assay_server.core.errors import InvalidInput, TooLarge
from assay_server.core.ids import canonical_json

_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,99}")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes it; PostgreSQL's text cannot hold it
_LARGEST_JSON = 1_000_000
_LONGEST_REASON = 2_000


def check_name(value: str, field: str = "name") -> str:
    if not _NAME.fullmatch(value):
        raise InvalidInput(
            "A name has 1 to 100 of a-z, 0-9, '.', '_', '/', '-', and begins with a letter or digit.",
            field=field,
            value=value,
            fix="write it in lower case, with '-' for spaces",
        )
    return value


def check_reason(value: str) -> str:
    """Whoever reads the history a year later wants to know why. A longer one is cut: it never stops a decision."""
    if not value.strip():
        raise InvalidInput("A reason is missing.", field="reason", value=value, fix="say why, in a few words")
    return str(check_json(value.strip()[:_LONGEST_REASON], "reason"))


def check_text(value: str, field: str, longest: int = 100_000) -> str:
    if len(value) > longest:
        raise TooLarge(f"This text is longer than {longest:,} characters.", field=field, fix="shorten it")
    check_json(value, field)
    return value


def check_json(value: Any, field: str) -> Any:
    """The value, if both databases can keep it: real JSON, Unicode without lone surrogates or NUL, at most 1 MB."""
    fault = json_fault(value)
    if fault is not None:
        raise InvalidInput(f"{field} {fault}.", field=field)
    return value


def json_fault(value: Any) -> str | None:
    """What is wrong with a value as JSON; None if nothing is."""
    try:
        text = canonical_json(value).encode()
    except UnicodeEncodeError:
        return "holds half of a Unicode character"
    except (TypeError, ValueError, RecursionError):
        return "is not JSON (NaN and infinity are no JSON numbers)"
    if _NUL.search(text):
        return "holds a NUL character"
    return f"is larger than {_LARGEST_JSON:,} bytes" if len(text) > _LARGEST_JSON else None


def check_schema(value: Any, field: str = "output_schema") -> Any:
    """A JSON Schema, or None."""
    if value is None:
        return None
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    check_json(value, field)
    try:
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        place = ".".join([field, *(str(part) for part in error.path)])
        raise InvalidInput(f"This is no JSON Schema: {error.message}", field=place) from error
    return value
