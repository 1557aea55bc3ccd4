"""Spans with text that UTF-8 cannot hold: half an emoji in a name or an error kept a whole batch from being sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, Status

from assay._capture import whole

_LARGEST = 2**63


def mended(span: ReadableSpan) -> ReadableSpan:
    """The span itself, or where it has such text one that can be written."""
    if _can_be_written(span):
        return span
    status = span.status
    return ReadableSpan(
        name=_value(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_attributes(span.attributes),
        events=[Event(_value(event.name), _attributes(event.attributes), event.timestamp) for event in span.events],
        links=[Link(link.context, _attributes(link.attributes)) for link in span.links],
        kind=span.kind,
        status=Status(status.status_code, _value(status.description)),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def size_of(span: ReadableSpan) -> int:
    """About how many characters the span takes."""
    return 500 + sum(len(value) for value in (span.attributes or {}).values() if isinstance(value, str))


def _can_be_written(span: ReadableSpan) -> bool:
    tables = [span.attributes, *(event.attributes for event in span.events), *(link.attributes for link in span.links)]
    return _fits(span.name, span.status.description, *(event.name for event in span.events)) and all(
        _fits(key, value) for table in tables for key, value in (table or {}).items()
    )


def _fits(*values: Any) -> bool:
    return all(
        whole(value) is value
        if isinstance(value, str)
        else _fits(*value)
        if isinstance(value, Sequence) and not isinstance(value, bytes)
        else not (isinstance(value, int) and abs(value) >= _LARGEST)
        for value in values
    )


def _attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {whole(key): _value(value) for key, value in (attributes or {}).items()}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return str(value)[:80]
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_value(each) for each in value]
    return value
