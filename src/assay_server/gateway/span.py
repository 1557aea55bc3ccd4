"""A finished call as a span. Runs behind the answer, in the writer."""

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from assay_server.core.ids import new_id
from assay_server.core.records import Score, Span
from assay_server.gateway.call import Call

SERVICE = "assay-gateway"
CONFIDENCE = "confidence"
"""The score of a call whose answer says how likely its tokens were."""

_PARAMETERS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "stop": "gen_ai.request.stop_sequences",
    "n": "gen_ai.request.choice.count",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "tools": "gen_ai.tool.definitions",
}
"""Names of OpenTelemetry's GenAI conventions; other fields are kept as `openai.request.<field>`."""

_NOT_PARAMETERS = frozenset({"model", "messages", "stream", "stream_options", "user"})

_INLINE_DATA = re.compile(rb"(data:[\w.+-]+/[\w.+-]+;base64,)([A-Za-z0-9+/=_-]{256,})")


def span_of(call: Call) -> Span:
    """One `llm` span. Texts are scrubbed and the cost is priced behind the door it is handed to."""
    caller, transcript = call.caller, call.transcript
    target = call.target
    took_ns = round((call.took_s or 0.0) * 1e9)
    return Span(
        project=call.project,
        trace_id=call.trace.trace_id,
        span_id=call.trace.span_id,
        parent_id=call.trace.parent_id,
        name=f"chat {target.model if target else call.asked}",
        kind="llm",
        start_ns=call.start_ns,
        end_ns=call.start_ns + took_ns,
        status="ok" if call.failure is None else "error",
        status_message=None if call.failure is None else call.failure.message,
        service=SERVICE,
        session=caller.session,
        user=caller.user,
        tags=caller.tags,
        input=_input(call),
        output=_output(call),
        model=transcript.model or (target.model if target else None),
        provider=target.provider if target else None,
        tokens=transcript.tokens,
        ttft_ms=None if call.first_s is None else call.first_s * 1000,
        prompt=call.prompt[0] if call.prompt else None,
        prompt_version=call.prompt[1] if call.prompt else None,
        release=call.plan.release if call.plan else None,
        channel=caller.channel,
        canary=caller.canary,
        arm=caller.arm,
        run=caller.run,
        item=caller.item,
        attributes=_attributes(call),
    )


def confidence_of(call: Call) -> Score | None:
    """How sure the model was: exp of the mean logprob of its tokens, 0 to 1. None where none came along."""
    mean = call.transcript.mean_logprob
    if mean is None:
        return None
    return Score(
        project=call.project,
        id=new_id("scr"),
        name=CONFIDENCE,
        time_ns=call.start_ns + round((call.took_s or 0.0) * 1e9),
        source="code",
        value=math.exp(mean),
        reason=f"mean logprob {mean:.4f} of {call.transcript.logprob_tokens} tokens",
        author=SERVICE,
        version="1",
        trace_id=call.trace.trace_id,
        span_id=call.trace.span_id,
        session=call.caller.session,
        run=call.caller.run,
        item=call.caller.item,
    )


def _input(call: Call) -> str | None:
    """The messages as they were sent; files inside them by kind and size."""
    raw = call.fields.get("messages")
    return None if raw is None else _without_files(bytes(raw)).decode(errors="replace")


def _without_files(raw: bytes) -> bytes:
    if b";base64," not in raw:
        return raw
    return _INLINE_DATA.sub(lambda found: b"%b(%d characters)" % (found[1], len(found[2])), raw)


def _output(call: Call) -> str | None:
    messages = call.transcript.messages()
    return msgspec.json.encode(messages).decode() if messages else None


def _attributes(call: Call) -> dict[str, Any]:
    """What else is known, under OpenTelemetry's names where it has one."""
    told: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "assay.actor": call.principal.actor,
        "assay.model": call.asked,
        "assay.stream": call.stream,
    }
    if call.target is not None:
        told["gen_ai.provider.name"] = call.target.provider
        told["gen_ai.request.model"] = call.target.model
    if call.transcript.id is not None:
        told["gen_ai.response.id"] = call.transcript.id
    if call.transcript.finish_reasons:
        told["gen_ai.response.finish_reasons"] = call.transcript.finish_reasons
    if call.transcript.mean_logprob is not None:
        told["assay.logprob.mean"] = call.transcript.mean_logprob
        told["assay.logprob.tokens"] = call.transcript.logprob_tokens
    if call.failure is not None:
        told["error.type"] = call.failure.code
        if call.failure.status is not None:
            told["http.response.status_code"] = call.failure.status
    return told | _parameters(call.fields) | call.attributes


def _parameters(fields: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    """Values as they were sent; lists and objects as JSON text."""
    told = {}
    for name, raw in fields.items():
        if name == "max_completion_tokens":  # models that know this name refuse the other
            told[f"openai.request.{name}"] = _value(bytes(raw))
        if name not in _NOT_PARAMETERS:
            told[_PARAMETERS.get(name, f"openai.request.{name}")] = _value(bytes(raw))
    return told


def _value(raw: bytes) -> Any:
    if raw[:1] in (b"{", b"["):
        return _without_files(raw).decode(errors="replace")
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw.decode(errors="replace")
