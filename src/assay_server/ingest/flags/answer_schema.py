"""Which JSON Schema the answer of a model's call was asked to obey, as far as the call itself says so."""

from collections.abc import Mapping
from typing import Any

from assay_server.ingest.normalise.values import parsed

Schema = Mapping[str, Any]

_FORMATS = ("openai.request.response_format", "gen_ai.request.response_format")
_PARAMETERS = ("llm.invocation_parameters", "langfuse.observation.model.parameters")
_FIELD = "response_format"
_ANY_JSON: Schema = {}


def schema_asked(attributes: Mapping[str, Any]) -> Schema | None:
    """The schema of the request's `response_format`, `{}` where any JSON was asked for; None where nothing was.

    A release's schema is in the request that the gateway makes of it. The release's name alone says nothing: other
    calls of the same trace bear it, too.
    """
    for key in _FORMATS:
        if key in attributes:
            return _of_format(attributes[key])
    for key in _PARAMETERS:
        told = attributes.get(key)
        if isinstance(told, str) and _FIELD in told:
            parameters = parsed(told)
            return _of_format(parameters.get(_FIELD)) if isinstance(parameters, dict) else None
    return _ANY_JSON if attributes.get("gen_ai.output.type") == "json" else None


def _of_format(told: Any) -> Schema | None:
    format_ = parsed(told)
    if not isinstance(format_, dict):
        return None
    if format_.get("type") == "json_object":
        return _ANY_JSON
    inner = format_.get("json_schema", format_)
    schema = parsed(inner.get("schema")) if isinstance(inner, dict) else None
    return schema if format_.get("type") == "json_schema" and isinstance(schema, dict) else None
