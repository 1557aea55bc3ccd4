"""An observed model call (`kind="llm"`): its messages as a conversation, its model and tokens where it tells them."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay._capture import as_text
from assay._chat_stream import together

_REQUEST = ("model", "temperature", "top_p", "top_k", "max_tokens", "seed", "frequency_penalty", "presence_penalty")
_TOOLS = "gen_ai.tool.definitions"

Attributes = dict[str, Any]


def asked(arguments: Any) -> tuple[Any, Attributes]:
    """(what went in, what else is known). Where `messages` are among the arguments they are what went in."""
    told = dict(arguments) if isinstance(arguments, Mapping) else {}
    inner = next((name for name, value in told.items() if _are_messages(_of(value, "messages"))), None)
    if inner is not None:  # a request as one dictionary
        told |= told.pop(inner)
    messages = told.pop("messages", None)
    if not _are_messages(messages):
        return arguments, {}
    found = {f"gen_ai.request.{name}": told.pop(name) for name in _REQUEST if _is_plain(told.get(name))}
    if told.get("tools"):
        found[_TOOLS] = as_text(told.pop("tools"))
    rest = {name: value for name, value in told.items() if value is not None}
    return messages, found | ({"assay.arguments": as_text(rest)} if rest else {})


def answered(result: Any) -> tuple[Any, Attributes]:
    """(what came out, what else is known): of an answer of OpenAI's or Anthropic's client, the message is what came."""
    told = together(result) if isinstance(result, list) else result if isinstance(result, Mapping) else _dumped(result)
    usage = _of(told, "usage")
    choices, content = _of(told, "choices"), _of(told, "content")
    if _is_list(choices) and isinstance(_of(choices[0], "message"), Mapping):
        found = {"gen_ai.response.finish_reasons": [str(_of(choice, "finish_reason")) for choice in choices]}
        return [choice["message"] for choice in choices], _about(told) | found | _openai(usage)
    if _is_list(content) and _of(told, "role") == "assistant":
        return [{"role": "assistant", "content": content}], _about(told) | _anthropic(usage)
    return result, {}


def _about(told: Any) -> Attributes:
    known = {"gen_ai.response.model": _of(told, "model"), "gen_ai.response.id": _of(told, "id")}
    return {name: value for name, value in known.items() if isinstance(value, str)}


def _openai(usage: Any) -> Attributes:
    cached = _of(_of(usage, "prompt_tokens_details"), "cached_tokens")
    reasoning = _of(_of(usage, "completion_tokens_details"), "reasoning_tokens")
    return _tokens(_of(usage, "prompt_tokens"), _of(usage, "completion_tokens"), cached, None, reasoning)


def _anthropic(usage: Any) -> Attributes:
    """Here what was cached is not part of the input."""
    read, written = _of(usage, "cache_read_input_tokens"), _of(usage, "cache_creation_input_tokens")
    fresh = _of(usage, "input_tokens")
    whole = fresh + (read or 0) + (written or 0) if isinstance(fresh, int) else None
    return _tokens(whole, _of(usage, "output_tokens"), read, written, None)


def _tokens(whole: Any, output: Any, read: Any, written: Any, reasoning: Any) -> Attributes:
    counts = {
        "gen_ai.usage.input_tokens": whole,
        "gen_ai.usage.output_tokens": output,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_write.input_tokens": written,
        "gen_ai.usage.reasoning.output_tokens": reasoning,
    }
    return {name: count for name, count in counts.items() if isinstance(count, int)}


def _dumped(result: Any) -> Any:
    dump = getattr(result, "model_dump", None)
    has_answer = hasattr(result, "choices") or hasattr(result, "content")
    return dump() if callable(dump) and has_answer and not isinstance(result, type) else None


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) > 0


def _are_messages(value: Any) -> bool:
    return _is_list(value) and all(isinstance(one, Mapping) and isinstance(one.get("role"), str) for one in value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool | int | float)
