"""Templates in two notations: `{name}` with doubled braces is ours, `{{name}}` without any escape is Langfuse's."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.core.errors import InvalidInput, Refused
from assay_server.registry import render

_VARIABLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)  # as its SDKs look for them
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OTHER_PROMPT = "@@@langfusePrompt:"
_MARK = "\0"  # stands in no template


def to_langfuse(template: Mapping[str, Any], variables: Sequence[str]) -> list[dict[str, str]]:
    """The messages as Langfuse writes them: `[{"role", "content"}]`.

    Raises Refused where literal braces would be a variable there: its notation has no way to say otherwise.
    """
    marked = render(template, dict.fromkeys(variables, _MARK))
    messages = render(template, {name: f"{{{{{name}}}}}" for name in variables})
    for ours, theirs in zip(marked, messages, strict=True):
        found = [name.strip() for name in _VARIABLE.findall(theirs["content"])]
        if len(found) != ours["content"].count(_MARK) or not set(found) <= set(variables):
            raise Refused(
                "This prompt has literal braces that Langfuse's SDKs would take for a variable.",
                field="prompt",
                value=theirs["content"][:80],
                fix="put a space between the braces, or read it at /api/v1/prompt-versions/{ref}",
            )
    return messages


def from_langfuse(body: Mapping[str, Any]) -> dict[str, Any]:
    """A template of ours from `type` and `prompt`: a text is what the user says. Raises InvalidInput, Refused."""
    prompt, kind = body.get("prompt"), body.get("type") or "text"
    if kind == "text" and isinstance(prompt, str):
        return {"user": _ours(prompt, "prompt")}
    if kind == "chat" and isinstance(prompt, list):
        return {"messages": [_message(message, f"prompt.{index}") for index, message in enumerate(prompt)]}
    raise InvalidInput(
        "A prompt of type 'text' is a text, one of type 'chat' a list of messages.",
        field="prompt",
        value=str(prompt)[:80],
        fix="set 'type' to what 'prompt' is",
    )


def _message(message: Any, field: str) -> dict[str, Any]:
    if isinstance(message, dict) and message.get("type") == "placeholder":
        raise Refused(
            "A prompt here has no placeholders for messages.",
            field=field,
            value=str(message.get("name"))[:80],
            fix="put the messages in when you call the model",
        )
    if not isinstance(message, dict) or not isinstance(message.get("content"), str):
        raise InvalidInput("A message has a 'role' and a 'content'.", field=field, value=str(message)[:80])
    return {"role": message.get("role"), "content": _ours(message["content"], f"{field}.content")}


def _ours(text: str, field: str) -> str:
    if _OTHER_PROMPT in text:
        raise Refused("A prompt here refers to no other prompt.", field=field, fix="write the other prompt's text out")
    parts, done = [], 0
    for match in _VARIABLE.finditer(text):
        name = match[1].strip()
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"'{name[:60]}' is no name of a variable.",
                field=field,
                value=match[0][:80],
                fix="use letters, digits and _; put a space between braces that are meant as such",
            )
        parts += [_literal(text[done : match.start()]), f"{{{name}}}"]
        done = match.end()
    return "".join([*parts, _literal(text[done:])])


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
