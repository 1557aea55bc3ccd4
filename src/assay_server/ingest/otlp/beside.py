"""What OTLP says beside attributes, kept under OpenTelemetry's names for formats that have no place for it either.

Of a span it stands among its attributes, of a resource and a scope in the resource; what was sent as an attribute of
such a name stays.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from assay_server.core.otlp_names import (
    DROPPED,
    DROPPED_ATTRIBUTES,
    ENTITY_REFS,
    FLAGS,
    OF_RESOURCE,
    OF_SCOPE,
    REMOTE_KINDS,
    SCHEMA_URL,
    SPAN_KIND,
    TRACE_STATE,
)

_SPAN_KINDS: dict[Any, str] = REMOTE_KINDS | {f"SPAN_KIND_{name.upper()}": name for name in REMOTE_KINDS.values()}

_SAID_BY_ALL = 0x103  # sampled, random trace id, whether the parent is remote is known: nearly every SDK, every span
_FLAGS = range(2**32)


def news(flags: int) -> int:
    """What `flags` say beyond what nearly every span says; 0 where that is nothing."""
    return flags & ~_SAID_BY_ALL


def of_span(attributes: dict[str, Any], kind: Any, trace_state: Any, dropped: tuple[Any, Any, Any], flags: Any) -> None:
    """`dropped`: attributes, events and links that the client let go."""
    said = {SPAN_KIND: _SPAN_KINDS.get(kind) if isinstance(kind, int | str) else None}
    said[TRACE_STATE] = trace_state if isinstance(trace_state, str) else None
    counts = {f"otel.{name}": _count(count) for name, count in zip(DROPPED, dropped, strict=True)}
    _add(attributes, {**said, **counts, FLAGS: _flags(flags)})


def of_part(attributes: dict[str, Any], dropped: Any, trace_state: Any = None, flags: Any = 0) -> dict[str, Any]:
    """Of an event or a link, in its own attributes."""
    state = trace_state if isinstance(trace_state, str) else None
    said = {f"otel.{DROPPED_ATTRIBUTES}": _count(dropped), TRACE_STATE: state, FLAGS: _flags(flags)}
    return _add(attributes, said)


def of_resource(
    attributes: dict[str, Any], schema_url: Any, dropped: Any, entities: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """`entities`: what the resource says it describes, each as `entity` gives it."""
    told = [*_told(schema_url, dropped), (ENTITY_REFS, [one for one in entities if one])]
    return _add(attributes, {OF_RESOURCE + name: value for name, value in told})


def entity(schema_url: Any, type_: Any, id_keys: Any, description_keys: Any) -> dict[str, Any]:
    """A reference to an entity, without what it leaves open."""
    texts = {SCHEMA_URL: schema_url, "type": type_}
    keys = {"id_keys": id_keys, "description_keys": description_keys}
    said = {name: text for name, text in texts.items() if isinstance(text, str) and text}
    return said | {name: found for name, value in keys.items() if (found := _texts(value))}


def with_scope(resource: dict[str, Any], said: dict[str, Any], schema_url: Any, dropped: Any) -> dict[str, Any]:
    """The resource with what a scope says, in its attributes (`said`) and beside; itself where that is nothing."""
    said = _add(said, dict(_told(schema_url, dropped)))
    return _add(dict(resource), {OF_SCOPE + name: value for name, value in said.items()}) if said else resource


def _told(schema_url: Any, dropped: Any) -> list[tuple[str, Any]]:
    return [(SCHEMA_URL, schema_url if isinstance(schema_url, str) else None), (DROPPED_ATTRIBUTES, _count(dropped))]


def _count(sent: Any) -> int | None:
    return sent if isinstance(sent, int) else None


def _texts(sent: Any) -> list[str]:
    return [text for text in sent if isinstance(text, str)] if isinstance(sent, list) else []


def _flags(sent: Any) -> int | None:
    return sent if isinstance(sent, int) and sent in _FLAGS and news(sent) else None


def _add(attributes: dict[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in said.items():
        if value:
            attributes.setdefault(key, value)
    return attributes
