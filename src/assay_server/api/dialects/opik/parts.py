"""Opik's traces, spans and feedback in our words. Its trace is the span above its spans."""

from typing import Any

from assay_server.api.dialects.bodies import beside, moment, named, number, required, text
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.core.clock import SystemClock
from assay_server.core.errors import InvalidInput
from assay_server.core.ids import digest_id
from assay_server.core.ports import Principal
from assay_server.core.records import Score, ScoreSource
from assay_server.ingest import STACK_TRACE, Part

_ATTRIBUTES = {
    "input": "input.value",
    "output": "output.value",
    "model": "gen_ai.response.model",
    "provider": "gen_ai.provider.name",
    "tags": "tag.tags",
    "thread_id": "session.id",
    "environment": "deployment.environment.name",
    "type": "openinference.span.kind",
    "total_estimated_cost": "total_estimated_cost",
}
_COUNTS = {
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "original_usage.prompt_tokens_details.cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "original_usage.completion_tokens_details.reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "original_usage.input_tokens_details.cached_tokens": "gen_ai.usage.cache_read.input_tokens",  # OpenAI's responses
    "original_usage.output_tokens_details.reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "original_usage.cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",  # Anthropic
    "original_usage.cache_creation_input_tokens": "gen_ai.usage.cache_write.input_tokens",
    "original_usage.cacheReadInputTokens": "gen_ai.usage.cache_read.input_tokens",  # Bedrock
    "original_usage.cacheWriteInputTokens": "gen_ai.usage.cache_write.input_tokens",
    "original_usage.cached_content_token_count": "gen_ai.usage.cache_read.input_tokens",  # Gemini
    "original_usage.thoughts_token_count": "gen_ai.usage.reasoning.output_tokens",
}
_ELSEWHERE = {"id", "trace_id", "parent_span_id", "name", "start_time", "end_time", "metadata", "usage", "error_info"}
_OF_SCORE = {"id", "thread_id", "name", "value", "category_name", "reason", "source"}
_SOURCES: dict[str, ScoreSource] = {"ui": "human", "online_scoring": "judge"}


def trace_part(body: dict[str, Any]) -> Part:
    told = required(body, "id")
    return Part(trace_id_of(told), span_id_of(f"trace {told}"), root=True, **_common(body))


def span_part(body: dict[str, Any]) -> Part:
    parent = text(body, "parent_span_id")
    return Part(
        trace_id_of(required(body, "trace_id")),
        span_id_of(required(body, "id")),
        parent_id=span_id_of(parent) if parent else None,
        **_common(body),
    )


def score_of(body: dict[str, Any], caller: Principal, *, trace: str | None = None, about: str = "trace") -> Score:
    """Of a trace, of a span (`trace` is the one it belongs to), or of a thread, which is a session.

    The same judgement sent twice has the same id; a value that changed is another judgement.
    """
    told, name = required(body, "thread_id" if about == "thread" else "id"), required(body, "name")
    value = number(body.get("value"))
    if value is None:
        raise InvalidInput("A score needs a number.", field="value", value=str(body.get("value"))[:80], fix="send one")
    identity = f"{told}\x1f{name}\x1f{value}\x1f{body.get('reason')}".encode("utf-8", "replace")
    return Score(
        project=caller.project,
        id=digest_id("scr", identity),
        name=name,
        time_ns=SystemClock().now_ns(),
        source="end_user" if caller.role == "score" else _SOURCES.get(str(body.get("source")), "code"),
        value=value,
        label=text(body, "category_name"),
        reason=text(body, "reason"),
        author=caller.actor,
        trace_id=trace_id_of(told) if about == "trace" else trace,
        span_id=span_id_of(told) if about == "span" else None,
        session=told if about == "thread" else None,
        metadata=beside(body, _OF_SCORE),
    )


def _common(body: dict[str, Any]) -> dict[str, Any]:
    failure = body.get("error_info")
    attributes: dict[str, Any] = {"opik.id": body["id"], **named("opik.metadata", body.get("metadata"))}
    for key, value in body.items():
        if value is not None and key not in _ELSEWHERE:
            attributes[_ATTRIBUTES.get(key) or f"opik.{key}"] = value
    usage = body.get("usage")
    for key, value in usage.items() if isinstance(usage, dict) else ():
        attributes[_COUNTS.get(key) or f"opik.usage.{key}"] = value
    if isinstance(failure, dict):
        attributes |= named("opik.error", failure)
    return {
        "name": text(body, "name"),
        "start_ns": moment(body, "start_time"),
        "end_ns": moment(body, "end_time"),
        "error": _error_of(failure) if isinstance(failure, dict) else None,
        "scope": "opik",
        "told_ns": _told_ns(body),
        "attributes": attributes,
    }


def _error_of(failure: dict[str, Any]) -> str:
    """The message; of what comes from LangChain it stands in front of the stack trace alone."""
    before, _, _ = (text(failure, "traceback") or "").partition(STACK_TRACE)
    return text(failure, "message") or before.strip() or text(failure, "exception_type") or "error"


def _told_ns(body: dict[str, Any]) -> int:
    """An update says no time: it is sent at once, while what was begun before it may still wait in a batch."""
    now_ns = SystemClock().now_ns()
    return min(moment(body, "last_updated_at") or now_ns, now_ns)
