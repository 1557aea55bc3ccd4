"""Assessments: feedback is a score; an expectation is what should have been, a label without a number."""

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import beside, json_body, moment, named, number, required, text
from assay_server.api.dialects.ids import span_id_of
from assay_server.api.dialects.mlflow.errors import MlflowRoute
from assay_server.api.dialects.mlflow.ids import trace_id_of
from assay_server.api.services import services
from assay_server.core.clock import SystemClock
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ids import new_id
from assay_server.core.ports import Principal
from assay_server.core.records import Facts, Score, ScoreSource
from assay_server.query import score_json

router = APIRouter(prefix="/api/3.0/mlflow/traces", route_class=MlflowRoute)

Scorer = Annotated[Principal, Depends(principal("score"))]
Author = Annotated[Principal, Depends(principal("ingest"))]
Reader = Annotated[Principal, Depends(principal("read"))]

_SOURCES: dict[str, ScoreSource] = {"HUMAN": "human", "LLM_JUDGE": "judge", "AI_JUDGE": "judge"}
_SOURCE_TYPES = {"human": "HUMAN", "end_user": "HUMAN", "judge": "LLM_JUDGE", "code": "CODE"}
_EXPECTATION = "expectation"
_TOLD = {"assessment_id", "assessment_name", "trace_id", "span_id", "create_time", "last_update_time", "rationale"}
_SPOKEN = {*_TOLD, "source", "feedback", "expectation", "metadata", "overrides", "valid"}
_INSIDE = {
    "source": {"source_type", "source_id"},
    "feedback": {"value", "error"},
    "expectation": {"value", "serialized_value"},
}
_REMEMBERED = {"value", "kind", "source_id", "overrides", "error_code", "stack_trace", "value_beside_error", "valid"}


@router.post("/{trace_id}/assessments", summary="MLflow: feedback on a trace, or what was expected of it")
async def create(request: Request, caller: Scorer, trace_id: str) -> dict[str, Any]:
    given = (await json_body(request)).get("assessment")
    if not isinstance(given, dict):
        raise InvalidInput("There is no assessment in the body.", field="assessment", fix="send an object")
    score = score_of(given, trace_id, caller)
    await services(request).ingest.write(Facts(scores=[score]))
    return {"assessment": assessment_json(score_json(score))}


@router.get("/{trace_id}/assessments/{assessment_id}", summary="MLflow: one assessment")
async def get(request: Request, caller: Reader, trace_id: str, assessment_id: str) -> dict[str, Any]:
    await services(request).partial_spans.flush(caller.project, trace_id_of(trace_id))
    found = await services(request).traces.get(caller.project, trace_id_of(trace_id), outline=True)
    score = next((score for score in found["scores"] if score["id"] == assessment_id), None)
    if score is None:
        raise NotFound(
            f"There is no assessment '{assessment_id}' on that trace.", field="assessment_id", value=assessment_id
        )
    return {"assessment": assessment_json(score)}


@router.delete("/{trace_id}/assessments/{assessment_id}", summary="MLflow: take an assessment back")
async def delete(request: Request, caller: Author, trace_id: str, assessment_id: str) -> dict[str, Any]:
    await services(request).keeping.scores.take_back(caller, assessment_id, trace_id=trace_id_of(trace_id))
    return {}


def score_of(body: dict[str, Any], trace_id: str, caller: Principal) -> Score:
    """Raises InvalidInput where it says neither a value nor an error."""
    source = body.get("source")
    kind, person = (source.get("source_type"), source.get("source_id")) if isinstance(source, dict) else (None, None)
    value, label, error, metadata = _judgement(body)
    given = body.get("metadata")
    span = text(body, "span_id")
    known = {"source_id": person, "overrides": body.get("overrides")}
    return Score(
        project=caller.project,
        id=text(body, "assessment_id") or new_id("scr"),
        name=required(body, "assessment_name"),
        time_ns=moment(body, "create_time") or SystemClock().now_ns(),
        source="end_user" if caller.role == "score" else _SOURCES.get(str(kind), "code"),
        value=value,
        label=label,
        error=error,
        reason=text(body, "rationale"),
        author=caller.actor,
        trace_id=trace_id_of(trace_id),
        span_id=span_id_of(span) if span else None,
        metadata=_unspoken(body)
        | (given if isinstance(given, dict) else {})
        | metadata
        | {name: told for name, told in known.items() if told},
    )


def _unspoken(body: dict[str, Any]) -> dict[str, Any]:
    """What it says that no field of a score stands for; `valid` where it is not, as nothing else is expected."""
    found = beside(body, _SPOKEN) | ({"valid": False} if body.get("valid") is False else {})
    for part, known in _INSIDE.items():
        told = body.get(part)
        if isinstance(told, dict):
            found |= named(part, beside(told, known))
    return found


def assessment_json(score: dict[str, Any]) -> dict[str, Any]:
    """A score of ours as MLflow's clients read it."""
    metadata = score["metadata"]
    value = score["label"] if score["value"] is None else score["value"]
    if metadata.get("value") in _READ_BACK:
        value = _READ_BACK[metadata["value"]](value)
    told: dict[str, Any] = {
        "assessment_id": score["id"],
        "assessment_name": score["name"],
        "trace_id": f"tr-{score['trace_id']}",
        "source": {
            "source_type": _SOURCE_TYPES[score["source"]],
            "source_id": metadata.get("source_id") or score["author"] or "default",
        },
        "create_time": score["time"],
        "last_update_time": score["time"],
        "metadata": {name: str(said) for name, said in metadata.items() if name not in _REMEMBERED},
        "valid": metadata.get("valid") is not False,
    }
    if score["span_id"]:
        told["span_id"] = score["span_id"]
    if metadata.get("kind") == _EXPECTATION:
        serialized = {"serialization_format": "JSON_FORMAT", "value": score["label"] or "null"}
        return {**told, "expectation": {"serialized_value": serialized}}
    if metadata.get("overrides"):
        told["overrides"] = metadata["overrides"]
    failure = {"error": _failure_json(score["error"], metadata)} if score["error"] else {}
    return {**told, "rationale": score["reason"] or "", "feedback": {"value": value, **failure}}


def _failure_json(error: str, metadata: dict[str, Any]) -> dict[str, Any]:
    code = metadata.get("error_code")
    if code is None:
        return {"error_code": error}
    told = {"error_message": error.removeprefix(f"{code}: "), "stack_trace": metadata.get("stack_trace")}
    return {"error_code": code, **{key: said for key, said in told.items() if said}}


def _judgement(body: dict[str, Any]) -> tuple[float | None, str | None, str | None, dict[str, Any]]:
    """(value, label, error, what to remember of them)."""
    expected, feedback = body.get("expectation"), body.get("feedback")
    if isinstance(expected, dict):
        serialized = expected.get("serialized_value")
        told = serialized.get("value") if isinstance(serialized, dict) else json.dumps(expected.get("value"))
        return None, str(told), None, {"kind": _EXPECTATION}
    if not isinstance(feedback, dict):
        raise InvalidInput(
            "An assessment is feedback or an expectation.", field="feedback", value=str(feedback)[:80], fix="send one"
        )
    failure = feedback.get("error")
    if isinstance(failure, dict):
        return None, None, *_failed(failure, feedback.get("value"))
    said = feedback.get("value")
    value = number(said)
    if value is not None:
        return value, None, None, {"value": "bool"} if isinstance(said, bool) else {}
    if said is None:
        raise InvalidInput(
            "Feedback needs a value.", field="feedback.value", value=None, fix="send a value or an error"
        )
    return (None, said, None, {}) if isinstance(said, str) else (None, json.dumps(said), None, {"value": "json"})


def _failed(failure: dict[str, Any], beside: Any) -> tuple[str, dict[str, Any]]:
    """(error, what to remember of it): the code and what it says; a value beside an error is no judgement."""
    code, message = text(failure, "error_code"), text(failure, "error_message")
    told = {"error_code": code if message else None, "stack_trace": text(failure, "stack_trace")}
    remembered = {**told, "value_beside_error": beside}
    error = f"{code}: {message}" if code and message else code or message or "error"
    return error, {key: said for key, said in remembered.items() if said is not None}


def _read(label: Any) -> Any:
    """What JSON holds, but for what a scrubber made of it."""
    try:
        return json.loads(str(label))
    except ValueError:
        return label


_READ_BACK: dict[str, Callable[[Any], Any]] = {"bool": bool, "json": _read}
"""What a value was, where a score's number or label does not say it."""
