"""Langfuse's traces and observations as parts of spans, told in the attributes its newer clients use over OTLP."""

import json
from typing import Any

from assay_server.api.dialects.bodies import moment_of, named, number
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.dialects.langfuse.shapes import OF_TRACE, PARENT_ID, SPAN_ID, TRACE_ID
from assay_server.core.errors import InvalidInput
from assay_server.ingest import Part

_TRACE = {
    "userId": "user.id",
    "sessionId": "session.id",
    "tags": "langfuse.trace.tags",
    "release": "langfuse.release",
    "version": "langfuse.version",
    "environment": "langfuse.environment",
    "input": "langfuse.observation.input",
    "output": "langfuse.observation.output",
    "public": "langfuse.trace.public",
}
_OBSERVATION = {
    "input": "langfuse.observation.input",
    "output": "langfuse.observation.output",
    "model": "langfuse.observation.model.name",
    "modelParameters": "langfuse.observation.model.parameters",
    "completionStartTime": "langfuse.observation.completion_start_time",
    "level": "langfuse.observation.level",
    "promptName": "langfuse.observation.prompt.name",
    "promptVersion": "langfuse.observation.prompt.version",
    "costDetails": "langfuse.observation.cost_details",
    "version": "langfuse.version",
    "environment": "langfuse.environment",
}
_STRUCTURE = {"id", "traceId", "name", "startTime", "endTime", "timestamp", "parentObservationId", "type"}
_SPOKEN = {"metadata", "usage", "usageDetails", "statusMessage"}
_COSTS = {"input": "inputCost", "output": "outputCost", "total": "totalCost"}
_TOKENS = "TOKENS"
_SCOPE = "langfuse-sdk"


def root_of(body: dict[str, Any], timestamp: Any) -> Part:
    """A trace is the span that stands above its observations; it lasts from the first to the last of them."""
    trace = _id(body, "id")
    return Part(
        trace_id_of(trace),
        root_span_id(trace),
        name=_text(body, "name"),
        start_ns=moment_of(body.get("timestamp") or timestamp, "timestamp"),
        root=True,
        scope=_SCOPE,
        attributes={TRACE_ID: trace, **_attributes(body, _TRACE, "langfuse.trace")},
    )


def part_of(event: str, body: dict[str, Any], timestamp: Any) -> Part:
    """`event`: `span-create`, `generation-update`, `event-create`, `observation-create` …"""
    trace, told = _id(body, "traceId"), _id(body, "id")
    kind = str(body.get("type") or event.partition("-")[0]).lower()
    parent = _text(body, "parentObservationId")
    attributes = _attributes(body, _OBSERVATION, "langfuse.observation")
    attributes |= {SPAN_ID: told, OF_TRACE: trace} | ({PARENT_ID: parent} if parent else {})
    if kind != "observation":
        attributes["langfuse.observation.type"] = kind
    usage = _usage(body)
    if usage:
        attributes["langfuse.observation.usage_details"] = json.dumps(usage)
    attributes |= named("langfuse.observation.usage_details", _no_counts(body.get("usageDetails")))
    attributes |= _older_usage(body)
    status = _text(body, "statusMessage")
    if status:
        attributes["langfuse.observation.status_message"] = status
    created = event.endswith("-create")
    return Part(
        trace_id_of(trace),
        span_id_of(told),
        name=_text(body, "name"),
        parent_id=span_id_of(parent) if parent else None,
        start_ns=moment_of(body.get("startTime") or (timestamp if created else None), "startTime"),
        end_ns=moment_of(body.get("endTime"), "endTime"),
        finished=True if kind == "event" else None,
        error=(status or "error") if body.get("level") == "ERROR" else None,
        scope=_SCOPE,
        attributes=attributes,
    )


def root_span_id(trace: str) -> str:
    return span_id_of(f"trace {trace}")


def _attributes(body: dict[str, Any], names: dict[str, str], prefix: str) -> dict[str, Any]:
    """Known fields by our aliases, unknown ones under their own name."""
    found: dict[str, Any] = {}
    for key, value in body.items():
        if value is None or key in _STRUCTURE or key in _SPOKEN:
            continue
        found[names.get(key) or f"{prefix}.{key}"] = value
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        found |= {f"{prefix}.metadata.{key}": value for key, value in metadata.items()}
    elif metadata is not None:
        found[f"{prefix}.metadata"] = metadata
    return found


def _usage(body: dict[str, Any]) -> dict[str, Any]:
    """Counts of tokens only: the older `usage` also holds a unit, which need not be tokens, and costs."""
    details = body.get("usageDetails")
    told = details if isinstance(details, dict) and details else body.get("usage")
    if not isinstance(told, dict) or (told is not details and _unit(told) != _TOKENS):
        return {}
    return {key: value for key, value in told.items() if isinstance(value, int) and not isinstance(value, bool)}


def _no_counts(details: Any) -> Any:
    """What `usageDetails` says and nobody can add up."""
    if not isinstance(details, dict):
        return details
    return {key: value for key, value in details.items() if isinstance(value, bool) or not isinstance(value, int)}


def _older_usage(body: dict[str, Any]) -> dict[str, Any]:
    """What `usage` alone says: costs, where no others are told, and all of it where it counts something else."""
    told = body.get("usage")
    if not isinstance(told, dict):
        return {}
    found: dict[str, Any] = {} if _unit(told) == _TOKENS else {"langfuse.observation.usage": told}
    costs = {ours: cost for ours, theirs in _COSTS.items() if (cost := number(told.get(theirs))) is not None}
    if costs and not body.get("costDetails"):
        found["langfuse.observation.cost_details"] = costs
    return found


def _unit(usage: dict[str, Any]) -> str:
    return str(usage.get("unit") or _TOKENS).upper()


def _id(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= 500:
        raise InvalidInput(f"'{field}' is missing.", field=field, value=str(value)[:80], fix="send the id as a text")
    return value


def _text(body: dict[str, Any], field: str) -> str | None:
    value = body.get(field)
    return None if value is None else str(value)
