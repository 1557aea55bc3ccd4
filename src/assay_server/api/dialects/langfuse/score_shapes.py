"""Scores of ours as Langfuse's clients read them, in each of the three forms that there are.

A score has a number or a text there. A judgement that failed, and a note, are none: callers leave them out.
"""

from collections.abc import Mapping
from typing import Any

from assay_server.api.dialects.ids import span_id_of
from assay_server.api.dialects.langfuse.shapes import NO_ENVIRONMENT, TRACE_ID, is_trace, known_as, trace_id_told
from assay_server.query import Head

OURS = ("id", "data_type", "environment", "config", "queue")
"""What stands in the metadata of a score and is a field of its own there."""

_SOURCES = {"human": "ANNOTATION", "judge": "EVAL"}
_TEXTS = frozenset({"TEXT", "CORRECTION"})

Score = dict[str, Any]


def is_answered(score: Mapping[str, Any]) -> bool:
    return score["value"] is not None or score["label"] is not None


def data_type(score: Mapping[str, Any]) -> str:
    """What its client said of it, as far as that holds what it says."""
    told = score["metadata"].get("data_type")
    if score["label"] is not None:
        return told if told in _TEXTS else "CATEGORICAL"
    return "BOOLEAN" if told == "BOOLEAN" else "NUMERIC"


def score_v1_json(score: Mapping[str, Any], project: str, trace_id: str, called: Mapping[str, str]) -> Score | None:
    """Of a trace; version 2 knows no texts, only categories. None for what is no score there."""
    if not is_answered(score):
        return None
    kind = data_type(score)
    return _about(score, project, trace_id, called) | _judgement(score, "CATEGORICAL" if kind in _TEXTS else kind)


def score_v2_json(score: Mapping[str, Any], project: str, head: Head | None, *, with_trace: bool) -> Score:
    """Of a trace, a session or a run; `head` is that of its trace, where there is one."""
    trace_id, called = _named(score, head)
    shown = _about(score, project, trace_id, called) | _judgement(score, data_type(score))
    return shown | ({"trace": _trace_of(head)} if with_trace else {})


def score_v3_json(score: Mapping[str, Any], project: str, head: Head | None, shown: frozenset[str]) -> Score:
    """`value` is what it is: a number, a truth or a text. `shown` are groups of fields beside those that always are."""
    trace_id, called = _named(score, head)
    about, kind = _about(score, project, trace_id, called), data_type(score)
    value = score["label"] if score["label"] is not None else score["value"]
    fields = ["id", "projectId", "name", "source", "timestamp", "environment", "createdAt", "updatedAt"]
    if "details" in shown:
        fields += ["comment", "configId", "metadata"]
    if "annotation" in shown:
        fields += ["authorUserId", "queueId"]
    told = {name: about[name] for name in fields} | {
        "dataType": kind,
        "value": bool(value) if kind == "BOOLEAN" else value,
    }
    return told | ({"subject": _subject(about)} if "subject" in shown else {})


def _named(score: Mapping[str, Any], head: Head | None) -> tuple[str | None, Mapping[str, str]]:
    """What the client calls the trace and its spans."""
    if head is None:
        return score["trace_id"], {}
    hidden = {head.root["span_id"]: TRACE_ID} if is_trace(head.root) else {}
    return trace_id_told(head.root), head.sent_as | hidden


def _about(score: Mapping[str, Any], project: str, trace_id: str | None, called: Mapping[str, str]) -> Score:
    told, span = score["metadata"], score["span_id"]
    observation = None if span is None else _observation(span, called)
    return {
        "id": told.get("id") or score["id"],
        "projectId": project,
        "traceId": trace_id,
        "observationId": observation,
        "sessionId": score["session"],
        "datasetRunId": score["run"],
        "name": score["name"],
        "source": _SOURCES.get(score["source"], "API"),
        "comment": score["reason"],
        "metadata": {name: value for name, value in told.items() if name not in OURS},
        "environment": told.get("environment") or NO_ENVIRONMENT,
        "configId": told.get("config"),
        "queueId": told.get("queue"),
        "authorUserId": score["author"] if score["source"] == "human" else None,
        **dict.fromkeys(("timestamp", "createdAt", "updatedAt"), score["time"]),
    }


def _observation(span: str, called: Mapping[str, str]) -> str | None:
    """What stands for the trace is none."""
    told = called.get(span)
    return None if told == TRACE_ID else known_as(told, span, span_id_of)


def _judgement(score: Mapping[str, Any], kind: str) -> Score:
    """A category has a number beside its text there, which is 0 where nobody gave it one."""
    value, label = score["value"], score["label"]
    if kind == "NUMERIC":
        return {"dataType": kind, "value": value}
    if kind == "BOOLEAN":
        return {"dataType": kind, "value": value, "stringValue": str(bool(value))}
    if kind == "TEXT":
        return {"dataType": kind, "stringValue": label}
    return {"dataType": kind, "value": value or 0, "stringValue": label}


def _trace_of(head: Head | None) -> Score | None:
    if head is None:
        return None
    row = head.row
    environment = row["environment"] or NO_ENVIRONMENT
    return {"userId": row["user"], "tags": row["tags"], "environment": environment, "sessionId": row["session"]}


def _subject(about: Mapping[str, Any]) -> Score:
    if about["observationId"]:
        return {"kind": "observation", "id": about["observationId"], "traceId": about["traceId"]}
    kinds = (("trace", "traceId"), ("session", "sessionId"), ("experiment", "datasetRunId"))
    return next(({"kind": kind, "id": about[name]} for kind, name in kinds if about[name]), {})
