"""Prompt templates: `{field}` is filled in, braces are doubled to stand for themselves. No attribute, no index."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from assay._errors import InvalidInput

Message = dict[str, Any]

_TOKEN = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


def messages_of(template: Mapping[str, Any]) -> list[Message]:
    """The messages of a template, in order: system, the given messages, user."""
    messages: list[Message] = []
    if template.get("system"):
        messages.append({"role": "system", "content": template["system"]})
    messages += [dict(message) for message in template.get("messages") or []]
    if template.get("user"):
        messages.append({"role": "user", "content": template["user"]})
    return messages


def fields_of(texts: Iterable[str]) -> set[str]:
    """The names of the fields in some texts."""
    return {match[1] for text in texts for match in _TOKEN.finditer(text) if match[1]}


def render(template: Mapping[str, Any], variables: Mapping[str, Any]) -> list[Message]:
    """The messages with their fields filled in. Raises InvalidInput naming every field that is missing."""
    messages = messages_of(template)
    missing = fields_of(str(message["content"]) for message in messages) - set(variables)
    if missing:
        names = ", ".join(sorted(missing))
        raise InvalidInput(
            f"The prompt wants values that were not given: {names}.", field="variables", value=names, fix="pass them"
        )
    return [message | {"content": _filled(str(message["content"]), variables)} for message in messages]


def _filled(text: str, variables: Mapping[str, Any]) -> str:
    def one(match: re.Match[str]) -> str:
        name = match[1]
        return match[0][0] if name is None else str(variables[name])

    return _TOKEN.sub(one, text)
