"""Messages of the Vercel AI SDK, versions 4 to 6, in the words every chat uses: it names calls and results its own way,
and tells what a model said in one attribute and which tools it called in another."""

from collections.abc import Mapping
from typing import Any

from assay_server.ingest.normalise.values import parsed, text_of

ANSWERS = "ai.response."
"""How the sources of outputs begin."""

_TEXT, _CALLS, _REASONING = "ai.response.text", "ai.response.toolCalls", "ai.response.reasoning"

Part = dict[str, Any]


def asked_in_chat(messages: str) -> str | None:
    """None where nothing of it is said in words of its own."""
    told = parsed(messages) if '"tool-' in messages else None
    if not isinstance(told, list):
        return None
    return text_of([_message(one) for one in told])


def prompt_in_chat(prompt: str) -> str | None:
    """What the outermost span was asked, its system prompt first. None where that is anything else."""
    told = parsed(prompt)
    if not isinstance(told, dict) or not told or told.keys() - {"system", "prompt", "messages"}:
        return None
    asked = told.get("prompt") or told.get("messages")
    asked = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    if not isinstance(asked, list) or not all(isinstance(one, dict) and "role" in one for one in asked):
        return None
    system = [{"role": "system", "content": told["system"]}] if isinstance(told.get("system"), str) else []
    return text_of([_message(one) for one in [*system, *asked]])


def answered_in_chat(attributes: Mapping[str, Any]) -> str | None:
    """What a model said where it did more than say a text: it called tools, or told what it thought."""
    calls = parsed(attributes.get(_CALLS))
    tool_calls = [_call(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    reasoning = text_of(attributes.get(_REASONING))
    if not tool_calls and reasoning is None:
        return None
    found = {"content": text_of(attributes.get(_TEXT)), "reasoning": reasoning, "tool_calls": tool_calls}
    return text_of([{"role": "assistant", **{name: value for name, value in found.items() if value}}])


READERS = {"ai.prompt.messages": asked_in_chat, "ai.prompt": prompt_in_chat}
"""By the source of an input."""


def _message(told: Any) -> Any:
    if not isinstance(told, dict) or not isinstance(told.get("content"), list):
        return told
    return {**told, "content": [_part(part) for part in told["content"]]}


def _part(part: Any) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "tool-call":
        return {"type": "tool_call", **_call(part)}
    return {"type": "tool_call_response", **_result(part)} if kind == "tool-result" else part


def _call(call: Part) -> Part:
    arguments = parsed(next((call[name] for name in ("input", "args") if name in call), None))
    return {"id": call.get("toolCallId"), "name": call.get("toolName"), "arguments": arguments}


def _result(part: Part) -> Part:
    told = part.get("output", part.get("result"))
    if isinstance(told, dict) and told.keys() == {"type", "value"}:
        told = told["value"]
    return {"id": part.get("toolCallId"), "name": part.get("toolName"), "response": told}
