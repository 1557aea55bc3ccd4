"""What is stored of a span beside what was sent, so that questions over many need not read its texts.

Each rule stands twice: here, and in SQL for spans that were stored before there was its column.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from assay_server.core.records import Span
from assay_server.store.seen import md5_number_lower

_REQUEST_PARAMETERS = (
    "gen_ai.request.temperature",
    "gen_ai.request.top_p",
    "gen_ai.request.seed",
    "gen_ai.request.max_tokens",
    "gen_ai.tool.definitions",
    "openai.request.response_format",
    "llm.invocation_parameters",
)
_EMPTY = frozenset({"", "[]", "{}", '""', "null", "none"})
_DIGITS = re.compile("[0-9]+")
_MESSAGE = 80  # characters of a message that stand for its kind

ERROR_TYPE = (
    "CASE WHEN status = 'error' THEN coalesce(variant_extract(attributes, 'error.type')::VARCHAR,"
    """ json_extract_string(events, '$[*].attributes."exception.type"')[-1],"""
    f" regexp_replace(nullif(left(status_message, {_MESSAGE}), ''), '[0-9]+', '#', 'g'), 'no type') END"
)
_EMPTY_TEXTS = ", ".join(f"'{text}'" for text in sorted(_EMPTY))
EMPTY_RESULT = (
    "CASE WHEN kind = 'tool' AND coalesce(content, 'kept') = 'kept' AND let_go_ns IS NULL"
    " AND (input IS NOT NULL OR output IS NOT NULL) THEN"
    f" trim(lower(coalesce(output, ''))) IN ({_EMPTY_TEXTS})"
    " AND NOT (status = 'error' AND output IS NULL) END"
)
_SAID = ", ".join(
    f"chr(31), coalesce(variant_extract(attributes, '{name}')::JSON::VARCHAR, '')" for name in _REQUEST_PARAMETERS
)
REQUEST_KEY = (
    "CASE WHEN kind = 'llm' AND input IS NOT NULL AND output IS NOT NULL THEN"
    f" md5_number_lower(concat(input, {_SAID})) END"
)


def error_types(spans: Sequence[Span]) -> list[str | None]:
    """Of which kind their error is; None of those that did not fail."""
    return [_error_type(span) if span.status == "error" else None for span in spans]


def empty_results(spans: Sequence[Span]) -> list[bool | None]:
    """Of tools: did they find nothing? No output, or an empty list, object, string or null.

    A text that is not kept is unknown, as is that of a call of which nobody recorded anything; an error that left none
    is an error.
    """
    return [_is_empty(span) if span.kind == "tool" and span.thin is None else None for span in spans]


def request_keys(spans: Sequence[Span]) -> list[int | None]:
    """What models were asked and answered: the same for requests that a cache would take for one, but for the model."""
    return [
        _request_key(span.input, span.attributes)
        if span.kind == "llm" and span.input is not None and span.output is not None
        else None
        for span in spans
    ]


def encode(value: Any) -> str:
    """JSON text; numbers that JSON does not know (NaN, infinity) become null."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(value)).decode()


def storable(value: Any) -> Any:
    """Without halves of surrogate pairs, which no database takes."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return [storable(part) for part in value] if isinstance(value, list) else value


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, dict):
        return {storable(key): _without_surrogates(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(part) for part in value]
    return storable(value)


def _error_type(span: Span) -> str:
    said = span.attributes.get("error.type")
    if said is None:
        raised = [each for event in span.events if (each := event["attributes"].get("exception.type")) is not None]
        # A message names ids and amounts; without them it is a kind of error.
        said = raised[-1] if raised else _DIGITS.sub("#", (span.status_message or "")[:_MESSAGE])
    return (said if isinstance(said, str) else encode(said)) or "no type"


def _is_empty(span: Span) -> bool | None:
    if span.input is None and span.output is None:
        return None
    text = (span.output or "").strip(" ").lower()
    return text in _EMPTY and not (span.status == "error" and span.output is None)


def _request_key(text: str, attributes: dict[str, Any]) -> int:
    said = [attributes.get(name) for name in _REQUEST_PARAMETERS]
    return md5_number_lower("\x1f".join((text, *("" if value is None else encode(value) for value in said))))
