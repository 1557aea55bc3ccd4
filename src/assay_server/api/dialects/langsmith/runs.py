"""LangSmith's runs and feedback in our words. What LangGraph says of its nodes stays in `langsmith.metadata.*`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from assay_server.api.dialects.bodies import beside, moment, named, number, required, text
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.core.clock import SystemClock
from assay_server.core.errors import InvalidInput
from assay_server.core.ids import canonical_json, digest_id, new_id
from assay_server.core.ports import Principal
from assay_server.core.records import Score, ScoreSource
from assay_server.ingest import Part, answered, asked

_ATTRIBUTES = {"run_type": "langsmith.span.kind", "inputs": "input.value", "outputs": "output.value"}
_ELSEWHERE = {"id", "trace_id", "parent_run_id", "name", "start_time", "end_time", "error", "extra", "tags", "events"}
_SESSION = ("session_id", "thread_id", "conversation_id")
_KEPT_AN_HOUR = ("ephemeral_1h_input_tokens", "ephemeral_1hr_input_tokens")
_CACHED_FOR = ("ephemeral_5m_input_tokens", *_KEPT_AN_HOUR)
_SOURCES: dict[str, ScoreSource] = {"model": "judge", "app": "human"}
_OF_FEEDBACK = {
    "id",
    "key",
    "score",
    "comment",
    "run_id",
    "trace_id",
    "created_at",
    "modified_at",
    "session_id",
    "start_time",
}


def runs_named(body: dict[str, Any]) -> list[str]:
    """The runs of whose trace a run, or feedback, is."""
    names = ("run_id",) if "key" in body else ("id", "parent_run_id")
    return [told for name in names if (told := text(body, name))]


def part_of(run: dict[str, Any], traces: Mapping[str, str] = MappingProxyType({})) -> Part:
    """Of a run begun (`post`) or gone on with (`patch`), put together from its parts; `traces` as for `score_of`."""
    told = required(run, "id")
    parent = text(run, "parent_run_id")
    extra = _object(run, "extra")
    attributes: dict[str, Any] = {"langsmith.run.id": told, **_extra(extra), **_usage(run, extra)}
    for key, value in run.items():
        if value is not None and key not in _ELSEWHERE:
            attributes[_ATTRIBUTES.get(key) or f"langsmith.{key}"] = value
    attributes |= _spoken(run)
    if run.get("tags"):
        attributes["langsmith.span.tags"] = run["tags"]
    if run.get("events"):
        attributes["langsmith.events"] = run["events"]
        attributes |= _first_token(run["events"])
    return Part(
        trace_id_of(text(run, "trace_id") or traces.get(told) or traces.get(parent or "") or told),
        span_id_of(told),
        name=text(run, "name"),
        parent_id=span_id_of(parent) if parent else None,
        start_ns=moment(run, "start_time"),
        end_ns=moment(run, "end_time"),
        error=text(run, "error"),
        scope="langsmith",
        attributes=attributes,
    )


def score_of(body: dict[str, Any], caller: Principal, traces: Mapping[str, str] = MappingProxyType({})) -> Score:
    """Feedback of a run, or of its whole trace; `traces` are those of runs whose trace it does not name, by run.

    A `value` that is no number is the label. What else it says, a correction for instance, is in the metadata: a score
    may have neither value nor label.
    """
    key, told = required(body, "key"), body.get("score")
    run = text(body, "run_id")
    trace = text(body, "trace_id") or traces.get(run or "")
    value, label = number(told if told is not None else body.get("value")), None
    if isinstance(body.get("value"), str):
        label = body["value"]
    beside = _said_beside(body, value, label)
    if value is None and label is None and not (text(body, "comment") or beside):
        raise InvalidInput("Feedback needs a score or a value.", field="score", value=str(told)[:80], fix="send one")
    if not (run or trace):
        raise InvalidInput("Feedback must say what it is about.", field="run_id", value=None, fix="send a run_id")
    source = body.get("feedback_source")
    kind = str(source.get("type")) if isinstance(source, dict) else ""
    return Score(
        project=caller.project,
        id=text(body, "id") or new_id("scr"),
        name=key,
        time_ns=moment(body, "created_at") or SystemClock().now_ns(),
        source="end_user" if caller.role == "score" else _SOURCES.get(kind, "code"),
        value=value,
        label=label,
        reason=text(body, "comment"),
        author=caller.actor,
        trace_id=trace_id_of(trace or run or ""),
        span_id=span_id_of(run) if run and trace_id_of(run) != trace_id_of(trace or run) else None,
        metadata=beside,
    )


def changed(score: dict[str, Any], body: dict[str, Any], caller: Principal) -> Score:
    """Feedback that was given as `score`, as `body` has it now: another score, which says which one it is of."""
    known = {"key": score["name"], "trace_id": score["trace_id"], "score": score["value"], "value": score["label"]}
    made = score_of({**known, "comment": score["reason"], **body}, caller)
    said = canonical_json([score["id"], made.value, made.label, made.reason, made.metadata]).encode()
    made.id = digest_id("scr", said)
    made.metadata |= {"changes": score["id"]}
    made.span_id = score["span_id"]
    return made


def _said_beside(body: dict[str, Any], value: float | None, label: str | None) -> dict[str, Any]:
    """What feedback says and no field of a score holds; a `value` only where it is neither of the two."""
    kept = {key: said for key, said in body.items() if key not in _OF_FEEDBACK and said not in (None, {}, [])}
    if kept.get("value") in (value, label):
        kept.pop("value", None)
    source = kept.pop("feedback_source", None)
    if not isinstance(source, dict):
        return kept
    return {**kept, **named("source", beside(source, {"type", "metadata"})), **named("source", source.get("metadata"))}


def _spoken(run: dict[str, Any]) -> dict[str, Any]:
    """Messages of LangChain as a chat; the model that answered comes before the one that was asked for."""
    question, (answer, about) = asked(run.get("inputs")), answered(run.get("outputs"))
    found = {
        "input.value": question,
        "output.value": answer,
        "langsmith.response_metadata": about or None,
        "gen_ai.response.model": text(about, "model_name"),
        "gen_ai.provider.name": text(about, "model_provider"),
    }
    return {key: value for key, value in found.items() if value is not None}


def _extra(extra: dict[str, Any]) -> dict[str, Any]:
    metadata = extra.get("metadata")
    found = {f"langsmith.{key}": value for key, value in extra.items() if key != "metadata" and value is not None}
    found |= named("langsmith.metadata", metadata)
    if isinstance(metadata, dict):
        session = next((text(metadata, key) for key in _SESSION if text(metadata, key)), None)
        params = _object(extra, "invocation_params")
        known = {
            "gen_ai.request.model": text(params, "model") or text(params, "model_name"),
            "gen_ai.tool.definitions": params.get("tools") or None,
            "session.id": session,
            "gen_ai.response.model": text(metadata, "ls_model_name"),
            "gen_ai.provider.name": text(metadata, "ls_provider"),
        }
        found |= {key: value for key, value in known.items() if value is not None}
    return found


def _first_token(events: Any) -> dict[str, Any]:
    """When a stream began to say something: its events have a time for each token."""
    told = events if isinstance(events, list) else []
    times = [event.get("time") for event in told if isinstance(event, dict) and event.get("name") == "new_token"]
    return {"langsmith.first_token_time": times[0]} if times and times[0] else {}


def _usage(run: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Totals, with what was cached or reasoned inside them."""
    told: dict[str, Any] = {}
    for place in (extra.get("metadata"), run.get("outputs")):
        told = _object(place, "usage_metadata") or told
    into, out = _object(told, "input_token_details"), _object(told, "output_token_details")
    counts = {
        "gen_ai.usage.input_tokens": told.get("input_tokens"),
        "gen_ai.usage.output_tokens": told.get("output_tokens"),
        "gen_ai.usage.cache_read.input_tokens": into.get("cache_read"),
        "gen_ai.usage.cache_write.input_tokens": _written(into),
        "assay.cache_write_1h_tokens": next((into[name] for name in _KEPT_AN_HOUR if into.get(name)), None),
        "gen_ai.usage.reasoning.output_tokens": out.get("reasoning"),
        "gen_ai.usage.cost": told.get("total_cost"),
    }
    return {key: value for key, value in counts.items() if value is not None}


def _written(details: dict[str, Any]) -> Any:
    """What went into a cache: as one count, or by how long it is kept there, and then the one is 0 or not there."""
    kept = [details[name] for name in _CACHED_FOR if isinstance(details.get(name), int)]
    return details.get("cache_creation") or (sum(kept) if kept else details.get("cache_creation"))


def _object(place: Any, key: str) -> dict[str, Any]:
    found = place.get(key) if isinstance(place, dict) else None
    return found if isinstance(found, dict) else {}
