"""Spans and traces of ours as Langfuse's clients read them: observations, and traces that are none.

Whatever the models of its clients demand is there. What was sent by them is told as it was sent, spans of others in
Langfuse's words.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.core.clock import parse_rfc3339, rfc3339
from assay_server.ingest import ROOT_NAME
from assay_server.query import Head

ABOUT_TRACE = "langfuse.trace."
"""What version 3 says of a trace stands on the span that was current then."""
TRACE_ID = "langfuse.trace.id"
"""Only what version 2 tells of a trace as a whole has it, which is a span here and no observation there."""
SPAN_ID = "langfuse.observation.id"
OF_TRACE, PARENT_ID = "langfuse.observation.trace_id", "langfuse.observation.parent_id"
TYPE, LEVEL, VERSION = "langfuse.observation.type", "langfuse.observation.level", "langfuse.version"

IS_APP_ROOT = "langfuse.internal.is_app_root"
"""The first span of an application below a span of something else, as version 5 and JavaScript's 5 mark it."""
_LEVELS = frozenset({"DEBUG", "WARNING"})
_METADATA = {"trace": "langfuse.trace.metadata", "observation": "langfuse.observation.metadata"}
_OWN = ("langfuse.", "user.id", "session.id", "assay.")
_REQUEST = "gen_ai.request."
_BUCKETS = {
    "input": "fresh_input",
    "input_cached_tokens": "cache_read",
    "input_cache_creation": "cache_write",
    "output": "output",
    "output_reasoning_tokens": "reasoning",
}
NO_ENVIRONMENT = "default"


def trace_json(head: Head, project: str, shown: frozenset[str]) -> dict[str, Any]:
    """A trace as lists show it; `shown` are groups of its fields. Excluded ones are as there: empty, and -1."""
    row, root = head.row, head.root
    said = {**head.said, **root["attributes"]}
    has_io, has_metrics = "io" in shown, "metrics" in shown
    hidden = root["span_id"] if is_trace(root) else None
    spans = [known_as(head.sent_as.get(span), span, span_id_of) for span in head.spans if span != hidden]
    return {
        "id": trace_id_told(root),
        "timestamp": row["start"],
        "name": row["name"],
        "input": _body(said, "trace", root, "input") if has_io else None,
        "output": _body(said, "trace", root, "output") if has_io else None,
        "sessionId": row["session"],
        "release": row["release"],
        "version": said.get(VERSION),
        "userId": row["user"],
        "metadata": _metadata(said, "trace") if has_io else None,
        "tags": row["tags"],
        "public": plain(said.get("langfuse.trace.public")) is True,
        "environment": row["environment"] or NO_ENVIRONMENT,
        "bookmarked": False,
        "externalId": None,
        "projectId": project,
        "createdAt": row["start"],
        "updatedAt": root["end"],
        "htmlPath": f"/traces/{row['trace_id']}",
        "latency": row["latency_ms"] / 1000 if has_metrics else -1,
        "totalCost": (row["cost"]["usd"] or 0) if has_metrics else -1,
        "observations": spans if "observations" in shown else [],
        "scores": head.scores if "scores" in shown else [],
    }


def observation_json(span: Mapping[str, Any], project: str, sent_as: Mapping[str, str] | None = None) -> dict[str, Any]:
    """`sent_as`: the ids of other spans of the trace at the client; without it only what the span itself says."""
    said, cost, tokens = span["attributes"], span["cost"], span["tokens"] or {}
    usage, costs = usage_details(span), cost_details(span)
    ttft_ms = span["ttft_ms"]
    read, written = tokens.get("input_total") or 0, tokens.get("output_total") or 0
    total = usage.get("total", 0)
    return {
        "id": sent_id(span),
        "traceId": known_as(said.get(OF_TRACE), span["trace_id"], trace_id_of),
        "projectId": project,
        "type": type_of(span),
        "name": said.get(ROOT_NAME) or span["name"],
        "startTime": span["start"],
        "endTime": span["end"],
        "completionStartTime": None if ttft_ms is None else _later(span["start"], ttft_ms),
        "parentObservationId": parent_of(span, sent_as or {}),
        "level": level_of(span),
        "statusMessage": span["status_message"],
        "version": said.get(VERSION),
        "environment": span["environment"] or NO_ENVIRONMENT,
        "input": _body(said, "observation", span, "input"),
        "output": _body(said, "observation", span, "output"),
        "metadata": _metadata(said, "observation") | _rest(span),
        "model": span["model"],
        "modelId": None,
        "modelParameters": parameters_of(span),
        "usageDetails": usage,
        "costDetails": costs,
        "usage": {
            "input": read,
            "output": written,
            "total": total,
            "unit": "TOKENS",
            "inputCost": costs.get("input"),
            "outputCost": costs.get("output"),
            "totalCost": cost,
        },
        "promptTokens": read,
        "completionTokens": written,
        "totalTokens": total,
        "promptId": None,
        "promptName": span["prompt"],
        "promptVersion": _number_of(span["prompt_version"]),
        "inputPrice": None,
        "outputPrice": None,
        "totalPrice": None,
        "calculatedInputCost": costs.get("input"),
        "calculatedOutputCost": costs.get("output"),
        "calculatedTotalCost": cost,
        "latency": span["latency_ms"] / 1000,
        "timeToFirstToken": None if ttft_ms is None else ttft_ms / 1000,
        "createdAt": span["start"],
        "updatedAt": span["end"],
    }


def is_trace(span: Mapping[str, Any]) -> bool:
    return TRACE_ID in span["attributes"]


def trace_id_told(root: Mapping[str, Any]) -> str:
    """As its client calls it."""
    told = root["attributes"].get(TRACE_ID) or root["attributes"].get(OF_TRACE)
    return known_as(told, root["trace_id"], trace_id_of)


def sent_id(span: Mapping[str, Any]) -> str:
    return known_as(span["attributes"].get(SPAN_ID), span["span_id"], span_id_of)


def known_as(told: Any, ours: str, read: Callable[[str], str]) -> str:
    """A client's own id where it leads back to what is meant; one in which something was scrubbed does not."""
    return told if isinstance(told, str) and read(told) == ours else ours


def parent_of(span: Mapping[str, Any], sent_as: Mapping[str, str]) -> str | None:
    """What is right below what stands for the trace has no parent there."""
    said, parent = span["attributes"], span["parent_id"]
    if parent is None or parent in sent_as:
        told = sent_as.get(parent or "")
        return None if told == TRACE_ID else told
    if OF_TRACE in said and PARENT_ID not in said:
        return None
    return known_as(said.get(PARENT_ID), parent, span_id_of)


def sent_ids(spans: list[dict[str, Any]]) -> dict[str, str]:
    """Of all spans of a trace, for `parent_of`."""
    return {span["span_id"]: TRACE_ID if is_trace(span) else sent_id(span) for span in spans}


def type_of(span: Mapping[str, Any]) -> str:
    """Langfuse's word for our kind; an event is none here."""
    kind = str(span["kind"])
    if kind == "span" and span["attributes"].get(TYPE) == "event":
        return "EVENT"
    return "GENERATION" if kind == "llm" else kind.upper()


def level_of(span: Mapping[str, Any]) -> str:
    if span["status"] == "error":
        return "ERROR"
    told = str(span["attributes"].get(LEVEL))
    return told if told in _LEVELS else "DEFAULT"


def raw_of(span: Mapping[str, Any], side: str) -> str | None:
    """The text of a body, as the second form of observations has it."""
    found = span["attributes"].get(f"langfuse.observation.{side}")
    found = span[side] if found is None else found
    return found if found is None or isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _body(said: Mapping[str, Any], of: str, span: Mapping[str, Any], side: str) -> Any:
    """As the client sent it: JSON is no text. What is not said of the trace is that of its root."""
    names = [f"langfuse.{place}.{side}" for place in (("trace", "observation") if of == "trace" else (of,))]
    return plain(next((said[name] for name in names if said.get(name) is not None), span[side]))


def _metadata(said: Mapping[str, Any], of: str) -> dict[str, Any]:
    """What the client gave as such."""
    prefix = _METADATA[of]
    found = {key[len(prefix) + 1 :]: plain(value) for key, value in said.items() if key.startswith(f"{prefix}.")}
    whole = plain(said.get(prefix))
    if isinstance(whole, dict):
        return {**whole, **found}
    return found if whole is None else {**found, "metadata": whole}


def _rest(span: Mapping[str, Any]) -> dict[str, Any]:
    """What else an observation said, as there in its metadata below two names."""
    rest = {key: value for key, value in span["attributes"].items() if not key.startswith(_OWN)}
    found = {"attributes": rest} if rest else {}
    return {**found, "resourceAttributes": span["resource"]} if span["resource"] else found


def parameters_of(span: Mapping[str, Any]) -> dict[str, Any]:
    """Version 2 knows no objects in them."""
    told = plain(span["attributes"].get("langfuse.observation.model.parameters"))
    if not isinstance(told, dict):
        told = {
            key.removeprefix(_REQUEST): value
            for key, value in span["attributes"].items()
            if key.startswith(_REQUEST) and key != f"{_REQUEST}model"
        }
    return {key: json.dumps(value) if isinstance(value, dict) else value for key, value in told.items()}


def usage_details(span: Mapping[str, Any]) -> dict[str, int]:
    """Disjoint counts and their total: those that the client sent where it did so in Langfuse's words, else ours."""
    told = _counts(plain(span["attributes"].get("langfuse.observation.usage_details")), int)
    tokens = span["tokens"]
    if tokens is not None and not told.keys() & {"input", "output"}:
        told = {name: tokens[ours] for name, ours in _BUCKETS.items() if tokens[ours] is not None}
    return _with_total(told)


def cost_details(span: Mapping[str, Any]) -> dict[str, float]:
    """The parts of a cost are known where the client told them. What nobody could price says nothing."""
    if span["cost_source"] == "client":
        told = _counts(plain(span["attributes"].get("langfuse.observation.cost_details")), (int, float))
        if told:
            return _with_total(told)
    return {} if span["cost"] is None else {"total": span["cost"]}


def _counts(value: Any, kinds: Any) -> dict[str, Any]:
    given = value.items() if isinstance(value, dict) else ()
    return {name: count for name, count in given if isinstance(count, kinds) and not isinstance(count, bool)}


def _with_total(told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "total": sum(told.values())} if told and "total" not in told else told


def plain(value: Any) -> Any:
    """The value of a JSON text; anything else as it is. Of digits only those that are a number's own: an id of twenty
    stays what it was."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return value
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return value if is_number and (str(found) != value or abs(found) > _EXACT) else found


_EXACT = 2**53
"""JavaScript's numbers are exact so far."""


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _number_of(version: str | None) -> int | None:
    return int(version) if version is not None and version.isascii() and version.isdigit() else None


def _later(start: str, ms: float) -> str:
    return rfc3339(parse_rfc3339(start) + round(ms * 1e6))
