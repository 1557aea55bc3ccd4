"""The parts of a message, whichever convention it came in."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

TEXTS = ("text", "input_text", "output_text")
RESULTS = ("tool_call_response", "tool_result", "function_call_output")
"""What a tool answered. Some conventions have it in the user's messages."""
CALLS = ("tool_call", "tool_use", "function_call")
_OF_RESPONSES = ("reasoning", "function_call", "function_call_output")
_ROLES = ("assistant", "user", "system", "developer", "tool", "model", "human", "ai")
DEFINITIONS = ("gen_ai.tool.definitions", "ai.prompt.tools", "llm.tools", "llm.request.functions", "mlflow.chat.tools")
"""Attributes with the tools that a model was given."""
SCHEMAS = ("parameters", "input_schema", "inputSchema")
"""What conventions call the schema of a tool's arguments."""


def parts_of(message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    parts = message.get("parts") or message.get("content")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def part_text(part: Mapping[str, Any]) -> str:
    text = part.get("text") or part.get("content")
    return text if isinstance(text, str) else "" if text is None else json.dumps(text)


def result_text(part: Mapping[str, Any]) -> str:
    """What a tool answered; texts in a list are the text."""
    told = next((part[name] for name in ("response", "result", "output", "content") if part.get(name) is not None), "")
    if isinstance(told, list) and told and all(isinstance(one, dict) and one.get("type") in TEXTS for one in told):
        return "\n\n".join(part_text(one) for one in told)
    return told if isinstance(told, str) else json.dumps(told)


def messages_in(value: Any) -> list[dict[str, Any]] | None:
    """The messages that a value holds: a list of them, one alone, a request to a model, or what its API answered (chat
    completions, Responses, Anthropic's messages), which some clients tell whole. None where it holds none."""
    if isinstance(value, dict):
        value = _told_whole(value)
    holds = isinstance(value, list) and value and all(isinstance(one, dict) and "role" in one for one in value)
    return value if holds else None


def _told_whole(body: dict[str, Any]) -> Any:
    if isinstance(body.get("messages"), list):
        return body["messages"]
    if isinstance(body.get("choices"), list):
        return [choice.get("message") if isinstance(choice, dict) else None for choice in body["choices"]]
    if body.get("object") == "response" and isinstance(body.get("output"), list):
        return [_item(item) for item in body["output"]]
    for name in ("input", "output"):  # of Responses, by clients that pick these out
        if (items := _items(body.get(name))) is not None:
            return [*_instructions(body), *items]
    speaks = body.get("role") in _ROLES and any(name in body for name in ("content", "parts", "tool_calls"))
    return [body] if speaks else None


def _items(told: Any) -> list[Any] | None:
    """None where these are others' items, not those of Responses."""
    if not isinstance(told, list) or not told:
        return None
    known = all(isinstance(item, dict) and ("role" in item or item.get("type") in _OF_RESPONSES) for item in told)
    return [_item(item) for item in told] if known else None


def _instructions(body: dict[str, Any]) -> list[dict[str, Any]]:
    told = body.get("instructions")
    return [{"role": "system", "content": told}] if isinstance(told, str) and told else []


def _item(item: Any) -> Any:
    """Of Responses: a message, or what a message of other dialects has among its parts."""
    if not isinstance(item, dict) or "role" in item:
        return item
    if isinstance(item.get("summary"), list):
        item = {**item, "text": "\n\n".join(part_text(part) for part in item["summary"] if isinstance(part, dict))}
    return {"role": "assistant", "content": [item]}


def parsed(value: Any) -> Any:
    """What a client or the gateway keeps as JSON text."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def definitions_in(told: Any) -> list[Any] | None:
    """The tools of one of `DEFINITIONS`; None where it holds none."""
    tools = parsed(told)
    return [parsed(tool) for tool in tools] if isinstance(tools, list) and tools else None
