"""The parts of a message, whichever convention it came in."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

TEXTS = ("text", "input_text", "output_text")
RESULTS = ("tool_call_response", "tool_result", "function_call_output")
"""What a tool answered. Some conventions have it in the user's messages."""
CALLS = ("tool_call", "tool_use", "function_call")
DEFINITIONS = ("gen_ai.tool.definitions", "ai.prompt.tools", "llm.tools", "llm.request.functions")
"""Attributes with the tools that a model was given."""


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
