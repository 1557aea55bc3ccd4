"""What a model call said in pieces, put together: the chunks of OpenAI's client, the events of Anthropic's."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


def together(pieces: Sequence[Any]) -> Json | None:
    """The answer as it comes when it is not streamed; None where the pieces are none of a model's answer."""
    told = [piece for piece in pieces if isinstance(piece, Mapping)]
    if any(_list(piece, "choices") and "delta" in piece["choices"][0] for piece in told):
        return _of_chunks(told)
    if any(piece.get("type") == "content_block_delta" for piece in told):
        return _of_events(told)
    return None


def _of_chunks(chunks: Sequence[Mapping[str, Any]]) -> Json:
    texts: list[str] = []
    calls: dict[Any, Json] = {}
    finish = None
    for choice in (choice for chunk in chunks for choice in _list(chunk, "choices")):
        delta = _mapping(choice, "delta")
        texts.append(delta.get("content") or "")
        finish = choice.get("finish_reason") or finish
        for call in _list(delta, "tool_calls"):
            whole = calls.setdefault(call.get("index"), {"id": None, "type": "function", "function": {}})
            whole["id"] = call.get("id") or whole["id"]
            for name, text in _mapping(call, "function").items():
                whole["function"][name] = whole["function"].get(name, "") + (text or "")
    message = {"role": "assistant", "content": "".join(texts)} | ({"tool_calls": [*calls.values()]} if calls else {})
    usage = next((chunk["usage"] for chunk in reversed(chunks) if isinstance(chunk.get("usage"), Mapping)), None)
    about = {"id": chunks[0].get("id"), "model": chunks[0].get("model"), "usage": usage}
    return about | {"choices": [{"message": message, "finish_reason": finish}]}


def _of_events(events: Sequence[Mapping[str, Any]]) -> Json:
    texts = [_mapping(event, "delta").get("text") or "" for event in events]
    began: Mapping[str, Any] = next((_mapping(event, "message") for event in events if "message" in event), {})
    counted = [_mapping(event, "usage") for event in events if event.get("type") == "message_delta"]
    usage = dict(_mapping(began, "usage"))
    for more in counted:
        usage |= more
    about = {"id": began.get("id"), "model": began.get("model"), "usage": usage}
    return about | {"role": "assistant", "content": [{"type": "text", "text": "".join(texts)}]}


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _list(value: Any, name: str) -> Sequence[Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, Sequence) else []
