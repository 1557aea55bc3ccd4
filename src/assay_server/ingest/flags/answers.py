"""What a model answered, out of the output of its call."""

import contextlib
import json
from typing import Any

_ROLES = frozenset({"assistant", "model", "ai"})
_SAID = frozenset({"content", "parts", "tool_calls"})


def answer_of(output: str) -> str | None:
    """What a model said in words: the text of its messages without tool calls; None where there is none."""
    return _said(_messages(output))


def text_answered(output: str) -> str | None:
    """The answer as it was given, which may be JSON itself: only a model's message is taken apart. None where it calls
    tools and says nothing."""
    messages = _messages(output)
    return _said(messages) if any(map(_is_message, messages)) else output


def _messages(output: str) -> list[Any]:
    """What may be messages; a text that is no JSON stands for itself."""
    body: Any = output
    if output.lstrip()[:1] in ("[", "{"):
        with contextlib.suppress(ValueError, RecursionError):  # a text may begin so
            body = json.loads(output)
    return body if isinstance(body, list) else [body]


def _said(messages: list[Any]) -> str | None:
    return "\n".join(text for message in messages if (text := _words(message))) or None


def _words(message: Any) -> str:
    if isinstance(message, str):
        return message.strip()
    if not isinstance(message, dict):
        return ""
    content = message.get("content") if message.get("content") is not None else message.get("parts")
    if isinstance(content, str):
        return content.strip()
    parts = content if isinstance(content, list) else [message]
    texts = [
        text
        for part in parts
        if isinstance(part, dict) and part.get("type", "text") in ("text", "output_text")
        for text in (part.get("text") or part.get("content"),)
        if isinstance(text, str)
    ]
    return "\n".join(texts).strip()


def _is_message(part: Any) -> bool:
    return isinstance(part, dict) and part.get("role") in _ROLES and not _SAID.isdisjoint(part)
