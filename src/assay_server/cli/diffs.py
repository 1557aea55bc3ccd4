"""Differences by word, for the eye: coloured on a terminal, marked `[-gone-]{+new+}` elsewhere."""

import sys
from collections.abc import Iterable
from typing import Any

from assay_server.cli.terminal import answer, colour, coloured, safe


def words(parts: Iterable[dict[str, Any]]) -> str:
    """`[{"op": "equal|insert|delete", "text"}]` as one text."""
    return "".join(_part(str(part["op"]), safe(str(part["text"]))) for part in parts)


def show_prompt(diff: dict[str, Any]) -> None:
    """A prompt's differences, message by message."""
    for message in diff["messages"]:
        answer(colour(f"{message['part']}:", "cyan", sys.stdout))
        answer(words(message["words"]))


def show_release(diff: dict[str, Any]) -> None:
    """A release's differences, part by part."""
    for change in diff["changes"]:
        answer(colour(f"{change['part']}:", "cyan", sys.stdout))
        if change.get("words"):
            answer("  " + words(change["words"]).replace("\n", "\n  "))
        else:
            answer(f"  {_value(change.get('from'), 'delete')} → {_value(change.get('to'), 'insert')}")


def _value(value: Any, op: str) -> str:
    return "–" if value is None else _part(op, safe(str(value)))


def _part(op: str, text: str) -> str:
    if op == "equal":
        return text
    if coloured(sys.stdout):
        return colour(text, "green" if op == "insert" else "red", sys.stdout)
    return f"{{+{text}+}}" if op == "insert" else f"[-{text}-]"
