"""What OTLP says beside attributes, kept under OpenTelemetry's names for formats that have no place for it either.

Of a span it stands among its attributes, of a resource and a scope in the resource; what was sent as an attribute of
such a name stays.
"""

from collections.abc import Mapping
from typing import Any

from assay_server.core.otlp_names import (
    DROPPED,
    DROPPED_ATTRIBUTES,
    OF_RESOURCE,
    OF_SCOPE,
    REMOTE_KINDS,
    SCHEMA_URL,
    SPAN_KIND,
    TRACE_STATE,
)

_SPAN_KINDS: dict[Any, str] = REMOTE_KINDS | {f"SPAN_KIND_{name.upper()}": name for name in REMOTE_KINDS.values()}


def of_span(attributes: dict[str, Any], kind: Any, trace_state: Any, dropped: tuple[Any, Any, Any]) -> None:
    """`dropped`: attributes, events and links that the client let go."""
    said = {SPAN_KIND: _SPAN_KINDS.get(kind) if isinstance(kind, int | str) else None}
    said[TRACE_STATE] = trace_state if isinstance(trace_state, str) else None
    counts = {f"otel.{name}": _count(count) for name, count in zip(DROPPED, dropped, strict=True)}
    _add(attributes, {**said, **counts})


def of_part(attributes: dict[str, Any], dropped: Any, trace_state: Any = None) -> dict[str, Any]:
    """Of an event or a link, in its own attributes."""
    state = trace_state if isinstance(trace_state, str) else None
    return _add(attributes, {f"otel.{DROPPED_ATTRIBUTES}": _count(dropped), TRACE_STATE: state})


def of_resource(attributes: dict[str, Any], schema_url: Any, dropped: Any) -> dict[str, Any]:
    return _add(attributes, {OF_RESOURCE + name: value for name, value in _told(schema_url, dropped)})


def with_scope(resource: dict[str, Any], said: dict[str, Any], schema_url: Any, dropped: Any) -> dict[str, Any]:
    """The resource with what a scope says, in its attributes (`said`) and beside; itself where that is nothing."""
    said = _add(said, dict(_told(schema_url, dropped)))
    return _add(dict(resource), {OF_SCOPE + name: value for name, value in said.items()}) if said else resource


def _told(schema_url: Any, dropped: Any) -> list[tuple[str, Any]]:
    return [(SCHEMA_URL, schema_url if isinstance(schema_url, str) else None), (DROPPED_ATTRIBUTES, _count(dropped))]


def _count(sent: Any) -> int | None:
    return sent if isinstance(sent, int) else None


def _add(attributes: dict[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in said.items():
        if value:
            attributes.setdefault(key, value)
    return attributes
