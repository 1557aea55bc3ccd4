"""What a model call's input is made of: its messages and tool definitions, and which part of the prompt each is.

A provider counts a call's input as one number. Here it is divided among the parts by their length, which is right for
the whole and near for each.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from assay_server.core.records import Tokens
from assay_server.query.message_parts import CALLS, RESULTS, result_text
from assay_server.query.message_parts import parts_of as parts_of_message
from assay_server.query.shapes import body_json, decoded_json

TOOL_DEFINITIONS = "tool definitions"
_MOST_MESSAGES = 10_000
_SHORTEST = 20  # characters of a document that is looked for in a prompt: less may stand there by chance
_MEDIA = ("image", "audio", "video", "file", "blob", "document", "media")
_SECTIONS = {"system": "system", "developer": "system", "tool": "tool results", TOOL_DEFINITIONS: TOOL_DEFINITIONS}


@dataclass(slots=True)
class Part:
    """A message, or the tool definitions. `past`: of a turn answered before; `documents`: their share of the text."""

    role: str
    text: str
    tokens: float | None = None
    past: bool = False
    documents: float = 0.0

    @property
    def key(self) -> str:
        return hashlib.blake2b(f"{self.role}\x1f{self.text}".encode("utf-8", "replace"), digest_size=8).hexdigest()

    def sections(self, *, known: bool) -> dict[str, float]:
        """Its tokens by section of the prompt; `known`: an earlier call of the trace sent it already."""
        whole = self.tokens or 0.0
        fixed = _SECTIONS.get(self.role)
        if fixed in ("system", TOOL_DEFINITIONS):
            return {fixed: whole}
        if known or self.past:
            return {"history": whole}
        found = whole * self.documents
        rest = {fixed or self.role: whole - found}
        return {"documents": found, **rest} if found else rest


def parts_of(span: Mapping[str, Any]) -> list[Part]:
    """The parts of a call's input with their tokens."""
    parts = _messages(span["input"])
    if span["tools"]:
        parts.insert(0, Part(TOOL_DEFINITIONS, span["tools"]))
    whole, length = tokens_of(span).input_total, sum(len(part.text) for part in parts)
    for part in parts:
        if whole is not None and length:
            part.tokens = whole * len(part.text) / length
    return parts


def find_documents(part: Part, documents: Collection[str]) -> None:
    """Which share of a part are texts that were retrieved before the call."""
    if part.role not in _SECTIONS:
        part.documents = _share(part.text, documents)


def documents_of(span: Mapping[str, Any]) -> list[str]:
    """The texts that a retriever or reranker found."""
    found = decoded_json(span["documents"], [])
    texts = [one.get("content") for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [text.strip() for text in texts if isinstance(text, str) and len(text.strip()) >= _SHORTEST]


def tokens_of(row: Mapping[str, Any]) -> Tokens:
    return Tokens(row["fresh_input"], row["cache_read"], row["cache_write"], row["output_tokens"], row["reasoning"])


def text_of(message: Mapping[str, Any]) -> str:
    """What a message says, tool calls as their JSON."""
    content = message.get("content") if message.get("content") is not None else message.get("parts")
    calls = message.get("tool_calls")
    texts = [content if isinstance(content, str) else "" if content is None else _json(content)]
    texts += [_json(calls)] if calls else []
    return "\n".join(text for text in texts if text)


def _messages(text: str | None) -> list[Part]:
    """In their order; those up to the last plain answer are of turns before this one."""
    if not text:
        return []
    body = body_json(text)
    if not isinstance(body, list):
        return [Part("user", str(body))]
    body = body[:_MOST_MESSAGES]
    answered = max((at for at, message in enumerate(body) if _is_answer(message)), default=-1)
    return [part for at, message in enumerate(body) for part in _parts(message, at <= answered)]


def _parts(message: Mapping[str, Any], past: bool) -> Iterator[Part]:
    """What tools answered apart from what else the message says: to some providers it is the user who tells it."""
    parts = parts_of_message(message)
    results = [part for part in parts if part.get("type") in RESULTS]
    if not results:
        yield Part(str(message.get("role")), text_of(message), past=past)
        return
    for part in results:
        inside = part.get("content")  # pictures there are told by their kind
        yield Part("tool", _json(inside) if isinstance(inside, list) else result_text(part), past=past)
    rest = {**message, "parts": None, "content": [part for part in parts if part.get("type") not in RESULTS]}
    if rest["content"] or rest.get("tool_calls"):
        yield Part(str(message.get("role")), text_of(rest), past=past)


def _is_answer(message: Mapping[str, Any]) -> bool:
    """What an assistant said without calling a tool ended a turn."""
    called = message.get("tool_calls") or any(part.get("type") in CALLS for part in parts_of_message(message))
    return message.get("role") in ("assistant", "model") and not called


def _share(text: str, documents: Collection[str]) -> float:
    """How much of a text are documents that were found: each stretch counts once."""
    stretches = sorted((at, at + len(one)) for one in documents if (at := text.find(one)) >= 0)
    covered, reached = 0, 0
    for begin, end in stretches:
        covered += max(0, end - max(begin, reached))
        reached = max(reached, end)
    return covered / len(text) if text else 0.0


def _json(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, dict) for part in value):
        return "\n".join(_part_text(part) for part in value)
    return msgspec.json.encode(value).decode()


def _part_text(part: Mapping[str, Any]) -> str:
    """The words of a part; a picture or a file is not counted by its letters, so its kind stands for it."""
    text = part.get("text") or part.get("content")
    if isinstance(text, str):
        return text
    kind = str(part.get("type"))
    return f"[{kind}]" if any(word in kind for word in _MEDIA) else msgspec.json.encode(part).decode()
