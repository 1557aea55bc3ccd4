"""Prompt templates: `{field}` is a variable, a doubled brace is a brace, and that is all there is.

No attributes, indexes, conversions or format specs: a template is data that many people edit, and nothing in it
may reach into the program (which `str.format` would allow). Filled-in values are never read as templates again.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from assay_server.core.errors import InvalidInput, TooLarge

ROLES = ("system", "user", "assistant", "developer")

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST = 200_000
_MOST_MESSAGES = 100
_PARTS = ("system", "user", "messages")


def parts_of(template: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Its messages in the order they are sent: (part such as `system` or `messages.0`, role, text).

    Raises InvalidInput for anything but `{"system"?, "user"?, "messages"?: [{"role", "content"}]}`.
    """
    unknown = sorted(set(template) - set(_PARTS))
    if unknown:
        raise InvalidInput(
            "A template has 'system', 'user' and 'messages' only.", field=f"template.{unknown[0]}", fix="leave it out"
        )
    parts = [*_named(template, "system"), *_listed(template.get("messages")), *_named(template, "user")]
    if not parts:
        raise InvalidInput("A template needs a message.", field="template", fix="give 'system', 'user' or 'messages'")
    if sum(len(text) for _, _, text in parts) > _LONGEST:
        raise TooLarge(f"A template has at most {_LONGEST:,} characters.", field="template")
    return parts


def variables_of(template: Mapping[str, Any]) -> list[str]:
    """The names it asks for, in the order they first appear. Raises InvalidInput for a brace out of place."""
    names = [name for part, _, text in parts_of(template) for _, name in _pieces(text, part) if name is not None]
    return list(dict.fromkeys(names))


def render(template: Mapping[str, Any], variables: Mapping[str, str]) -> list[dict[str, str]]:
    """The messages with every variable filled in: `[{"role", "content"}]`.

    Raises InvalidInput naming the variables that are missing, or that the template does not have.
    """
    pieces = [(role, list(_pieces(text, part))) for part, role, text in parts_of(template)]
    wanted = {name for _, found in pieces for _, name in found if name is not None}
    _refuse_missing(wanted, variables)
    _refuse_unused(wanted, variables)
    return [
        {"role": role, "content": "".join(text if name is None else str(variables[name]) for text, name in found)}
        for role, found in pieces
    ]


def _named(template: Mapping[str, Any], role: str) -> list[tuple[str, str, str]]:
    text = template.get(role)
    if text is None:
        return []
    if not isinstance(text, str):
        raise InvalidInput("A message is text.", field=f"template.{role}", value=text)
    return [(role, role, text)]


def _listed(messages: Any) -> list[tuple[str, str, str]]:
    if messages is None:
        return []
    if not isinstance(messages, list) or len(messages) > _MOST_MESSAGES:
        raise InvalidInput(f"'messages' is a list of at most {_MOST_MESSAGES}.", field="template.messages")
    return [_message(index, message) for index, message in enumerate(messages)]


def _message(index: int, message: Any) -> tuple[str, str, str]:
    field = f"template.messages.{index}"
    if not isinstance(message, Mapping) or set(message) != {"role", "content"}:
        raise InvalidInput("A message has a 'role' and a 'content'.", field=field, value=message)
    if message["role"] not in ROLES:
        raise InvalidInput("Nobody has that role.", field=f"{field}.role", fix=f"use one of {', '.join(ROLES)}")
    if not isinstance(message["content"], str):
        raise InvalidInput("A message is text.", field=f"{field}.content", value=message["content"])
    return f"messages.{index}", str(message["role"]), message["content"]


def _pieces(text: str, part: str) -> Iterator[tuple[str, str | None]]:
    """Literal text as (text, None), a variable as ("", name)."""
    done = 0
    for match in _PIECE.finditer(text):
        yield text[done : match.start()], None
        done = match.end()
        token, name = match[0], match[1]
        if token in ("{{", "}}"):
            yield token[0], None
        elif name is not None and _FIELD.fullmatch(name):
            yield "", name
        else:
            raise _out_of_place(text, part, match.start(), token)
    yield text[done:], None


def _out_of_place(text: str, part: str, at: int, token: str) -> InvalidInput:
    line = text.count("\n", 0, at) + 1
    return InvalidInput(
        f"Line {line} of {part}: '{token[:60]}' is no variable.",
        field=f"template.{part}",
        value=text[max(0, at - 20) : at + 40],
        fix="write {name} with letters, digits and _, and double a brace that is meant as one: {{ }}",
    )


def _refuse_missing(wanted: set[str], variables: Mapping[str, str]) -> None:
    missing = sorted(wanted - set(variables))
    if missing:
        raise InvalidInput(
            f"The prompt's variables {', '.join(missing)} have no value.",
            field=f"variables.{missing[0]}",
            fix=f"give {'it' if len(missing) == 1 else 'them'} in 'variables'",
        )


def _refuse_unused(wanted: set[str], variables: Mapping[str, str]) -> None:
    unused = sorted(set(variables) - wanted)
    if unused:
        raise InvalidInput(
            f"The prompt has no variables {', '.join(unused)}.",
            field=f"variables.{unused[0]}",
            fix=f"it has {', '.join(sorted(wanted)) or 'none'}",
        )
