"""Parts of OTLP messages that spans and log records have in common."""

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, EntityRef

from assay_server.core.otlp_names import ENTITY_REFS, OF_RESOURCE, OF_SCOPE, SCHEMA_URL

FORWARDED_BY = "assay.forwarded_by"
"""A resource attribute: the servers that sent a span on. None sends on what it sent before."""


class Scopes:
    """The scopes of one request, each made when the first span or record of it comes. `add` makes an empty resource and
    scope in the request."""

    def __init__(self, server: str, add: Callable[[], tuple[Any, Any]]) -> None:
        self._server = server
        self._add = add
        self._made: dict[tuple[str, str | None], Any] = {}

    def of(self, sent: Mapping[str, Any]) -> Any | None:
        """None for what the server has sent on before."""
        past = forwarded_by(sent)
        if self._server in past:
            return None
        key = (repr(sent["resource"]), sent["scope"])
        if key not in self._made:
            of_resource, self._made[key] = self._add()
            tell_origin(of_resource, self._made[key], sent, [*past, self._server])
        return self._made[key]


def forwarded_by(sent: Mapping[str, Any]) -> list[Any]:
    """The servers that have sent a span or record on."""
    past = sent["resource"].get(FORWARDED_BY, [])
    return past if isinstance(past, list) else [past]


def tell_origin(of_resource: Any, of_scope: Any, sent: Mapping[str, Any], servers: list[Any]) -> None:
    """What a span or record says of its resource and scope; `servers` have sent it on."""
    for key, value in {**sent["resource"], FORWARDED_BY: servers}.items():
        if key == OF_RESOURCE + SCHEMA_URL:
            of_resource.schema_url = str(value)
        elif key == OF_RESOURCE + ENTITY_REFS and (refs := _entities(value)) is not None:
            of_resource.resource.entity_refs.extend(refs)
        elif key == OF_SCOPE + SCHEMA_URL:
            of_scope.schema_url = str(value)
        elif key.startswith(OF_SCOPE):
            put(of_scope.scope.attributes, key.removeprefix(OF_SCOPE), value)
        else:
            put(of_resource.resource.attributes, key, value)
    name, _, version = (sent["scope"] or "").partition("@")
    of_scope.scope.name, of_scope.scope.version = name, version


def _entities(value: Any) -> list[EntityRef] | None:
    """None where it is not what ingest keeps: an attribute of that name may hold anything."""
    try:
        return [EntityRef(**ref) for ref in value]
    except (TypeError, ValueError):
        return None


def id_of(text: Any, size: int) -> bytes | None:
    try:
        found = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        return None
    return found if len(found) == size else None


def put(attributes: Any, key: str, value: Any) -> None:
    fill(attributes.add(key=key).value, value)


def fill(out: AnyValue, value: Any) -> None:
    match value:
        case bool():
            out.bool_value = value
        case int() if -(2**63) <= value < 2**63:
            out.int_value = value
        case int() | float():
            out.double_value = float(value)
        case str():
            out.string_value = value
        case list():
            out.array_value.SetInParent()
            for part in value:
                fill(out.array_value.values.add(), part)
        case dict():
            out.kvlist_value.SetInParent()
            for key, part in value.items():
                fill(out.kvlist_value.values.add(key=key).value, part)
        case _:
            return  # null: an empty value
