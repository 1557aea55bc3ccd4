"""Messages of a chat, however they are spread: over numbered attributes, over events, or in one text."""

import re
from collections.abc import Iterable
from typing import Any

from assay_server.ingest.normalise.values import parsed, text_of

_STEP = re.compile(r"\.")
_DEEPEST = 8

Tree = dict[str, Any]


def tree_of(family: str, attributes: dict[str, Any]) -> list[Tree]:
    """`{family}.0.message.role` … as a list of nested dictionaries, in the order of the numbers."""
    start = len(family) + 1
    items: dict[int, Tree] = {}
    for key, value in attributes.items():
        if not key.startswith(family) or key[start - 1 : start] != ".":
            continue
        number, _, path = key[start:].partition(".")
        if number.isdecimal() and path and len(number) < 10:
            _put(items.setdefault(int(number), {}), _STEP.split(path, _DEEPEST), value)
    return [items[number] for number in sorted(items)]


def numbered(tree: Any) -> list[Tree]:
    """The entries of a tree whose keys are numbers, in order."""
    if not isinstance(tree, dict):
        return []
    return [
        tree[key] for key in sorted((key for key in tree if key.isdecimal()), key=int) if isinstance(tree[key], dict)
    ]


def messages_of(trees: Iterable[Tree]) -> list[dict[str, Any]]:
    """Messages out of what OpenInference (`message.…`) and Traceloop (`role`, `content` …) number."""
    return [message for tree in trees if (message := _message(tree.get("message", tree)))]


def with_system(system: Any, messages: str) -> str:
    """The instructions that were sent apart, as the first message."""
    parts, rest = parsed(system), parsed(messages)
    if not isinstance(rest, list):
        return messages
    if isinstance(parts, str):
        parts = [{"type": "text", "content": parts}]
    return text_of([{"role": "system", "parts": parts}, *rest]) or messages


def without_answer(messages: str, answer: str) -> str:
    """What was asked, of a conversation whose last message is the answer; any other as it is."""
    told = parsed(messages)
    if not isinstance(told, list) or len(told) < 2 or not isinstance(told[-1], dict):
        return messages
    parts = told[-1].get("parts")
    texts = [part.get("content") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    answers = told[-1].get("role") == "assistant" and _joins(texts, answer)
    return (text_of(told[:-1]) or messages) if answers else messages


def without_tools(messages: str) -> tuple[str, str | None]:
    """(the messages, the tools that were offered) of a conversation among whose messages their definitions are, as
    messages of a tool that answer no call: how Langfuse's handler of LangChain tells them."""
    told = parsed(messages) if '"tool"' in messages and '"name"' in messages else None
    if not isinstance(told, list):
        return messages, None
    offered = [message for message in told if _offers(message)]
    if not offered:
        return messages, None
    tools = text_of([message["content"] for message in offered])
    return text_of([message for message in told if not _offers(message)]) or "[]", tools


def tools_of(trees: Iterable[Tree]) -> list[Any]:
    """The tools that a model was offered, out of what OpenInference numbers (`llm.tools.0.tool.json_schema`)."""
    told = [tree.get("tool", tree) for tree in trees]
    return [parsed(tool["json_schema"]) for tool in told if isinstance(tool, dict) and tool.get("json_schema")]


def _offers(message: Any) -> bool:
    if not isinstance(message, dict) or message.get("role") != "tool" or "tool_call_id" in message:
        return False
    content = message.get("content")
    told = content.get("function", content) if isinstance(content, dict) else None
    return isinstance(told, dict) and isinstance(told.get("name"), str) and bool(told.keys() & _DEFINES)


_DEFINES = {"description", "parameters", "input_schema"}


def messages_of_events(events: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(input, output) out of events `gen_ai.user.message`, `gen_ai.choice` and their kin."""
    into, out = [], []
    for event in events:
        name, attributes = event["name"], event["attributes"]
        if name == "gen_ai.choice":
            out.append(_choice(attributes))
        elif name in _EVENT_ROLES:
            into.append(_spoken(attributes, _EVENT_ROLES[name]))
    return into, out


_EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
MESSAGE_EVENTS = frozenset({"gen_ai.choice", *_EVENT_ROLES})
"""Events that each hold one message."""
CONTENT_EVENTS = frozenset(
    {"gen_ai.client.inference.operation.details", "gen_ai.content.prompt", "gen_ai.content.completion"}
)
"""Events whose attributes hold what a span's own attributes would hold."""


def _message(tree: Any) -> dict[str, Any]:
    """One message; keys nobody knows stay with it."""
    if not isinstance(tree, dict):
        return {}
    message = {key: value for key, value in tree.items() if not isinstance(value, dict)}
    contents = numbered(tree.get("contents"))
    if "contents" in tree:
        parts = [_part(part.get("message_content", part)) for part in contents if "tool_call" not in part]
        if _says(message.get("content"), parts):
            del message["content"]
        message["parts"] = parts
    calls = [_call(call.get("tool_call", call)) for call in numbered(tree.get("tool_calls"))]
    among = [_call(part["tool_call"]) for part in contents if isinstance(part.get("tool_call"), dict)]
    if calls or among:
        message["tool_calls"] = [*calls, *(call for call in among if call not in calls)]
    return message


def _says(content: Any, parts: list[dict[str, Any]]) -> bool:
    """Does `content` say just the texts of the parts? Some say a text in both."""
    return _joins([str(part["content"]) for part in parts if part["type"] == "text"], content)


def _joins(texts: list[Any], whole: Any) -> bool:
    """Is `whole` what these texts are together?"""
    if not texts or not all(isinstance(text, str) for text in texts):
        return False
    return whole in ("".join(texts), "\n".join(texts), "\n\n".join(texts))


def _part(part: Any) -> dict[str, Any]:
    if not isinstance(part, dict):
        return {"type": "text", "content": part}
    kind, content = part.get("type", "text"), part.get("text")
    if content is None:
        content = {key: value for key, value in part.items() if key != "type"}
        while isinstance(inner := content.get(kind), dict):  # `image.image.url`: it is named twice on the way to it
            content = {**{key: value for key, value in content.items() if key != kind}, **inner}
    return {"type": kind, "content": content}


def _call(call: Tree) -> dict[str, Any]:
    function = call.get("function")
    told = function if isinstance(function, dict) else call
    found = {"id": call.get("id"), "name": told.get("name"), "arguments": parsed(told.get("arguments"))}
    return {key: value for key, value in found.items() if value is not None}


def _spoken(attributes: dict[str, Any], role: str) -> dict[str, Any]:
    message = {key: value for key, value in attributes.items() if not key.startswith("gen_ai.") and key != "event.name"}
    if "tool_calls" in message:
        message["tool_calls"] = parsed(message["tool_calls"])
    return {"role": role, **message}


def _choice(attributes: dict[str, Any]) -> dict[str, Any]:
    spoken = _spoken(attributes, "assistant")
    inner = parsed(spoken.pop("message", None))
    if isinstance(inner, dict):
        return {**spoken, **inner}
    return {**spoken, "content": inner} if inner is not None else spoken


def _put(tree: Tree, path: list[str], value: Any) -> None:
    for step in path[:-1]:
        below = tree.get(step)
        if not isinstance(below, dict):
            below = tree[step] = {}
        tree = below
    tree[path[-1]] = value
