"""LangChain's messages, as it serialises them, in the words every chat uses."""

from typing import Any

from assay_server.ingest.normalise.values import parsed, text_of

_ROLES = {
    "human": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "tool",
}
_SHORT = {"user": "user", "human": "user", "assistant": "assistant", "ai": "assistant", "system": "system"}
_KEPT = ("name", "tool_call_id")

Message = dict[str, Any]


def asked(inputs: Any) -> list[Message] | None:
    """The conversation that went into a model or a graph; None where the inputs are none."""
    told = inputs.get("messages") if isinstance(inputs, dict) else None
    if isinstance(told, list) and len(told) == 1 and isinstance(told[0], list) and not _is_pair(told[0]):
        told = told[0]  # a batch of one
    return _all(told)


def answered(outputs: Any) -> tuple[list[Message] | None, dict[str, Any]]:
    """(what a model said, what its provider told of that); None where the outputs are no message of a model."""
    generations = outputs.get("generations") if isinstance(outputs, dict) else None
    try:
        message = generations[0][0]["message"]  # type: ignore[index]  # of any shape: see below
    except (IndexError, KeyError, TypeError):
        return None, {}
    about = _fields(message).get("response_metadata")
    return _all([message]), about if isinstance(about, dict) else {}


def in_chat(text: str) -> str | None:
    """What a chain, an agent or a tool was told or said, where that is messages and nothing else: as a chat; of a tool,
    what it answered. None where it is anything else."""
    if not any(sign in text for sign in _SIGNS):  # nearly all: nothing is parsed for them
        return None
    told, wrapped = _unwrapped(parsed(text))
    found = _all(told["messages"] if isinstance(told, dict) and told.keys() == {"messages"} else told)
    if found is None and _is_alone(told) and (message := _message(told)):
        return text_of(message["content"] if message["role"] == "tool" else [message])
    return text_of(found) or (text_of(told) if wrapped else None)


_SIGNS = ('"messages"', '"additional_kwargs"', '"lc"', '"inputs"', '"outputs"')
_WRAPPED = {"input_str", "inputs", "output", "outputs", "tags", "metadata", "kwargs"}


def _unwrapped(told: Any) -> tuple[Any, bool]:
    """Traceloop's instrumentation tells the arguments of LangChain's callbacks along with it."""
    if isinstance(told, dict) and "kwargs" in told and told.keys() <= _WRAPPED:
        for name in ("inputs", "outputs", "output"):
            if told.get(name) is not None:
                return told[name], True
    if isinstance(told, dict) and told.keys() == {"output"} and _is_alone(told["output"]):
        return told["output"], True  # what LangSmith makes of a value that is no object
    return told, False


def _is_alone(told: Any) -> bool:
    """A message of LangChain's that stands alone says so: any object may have a type and a content."""
    return isinstance(told, dict) and ("lc" in told or "additional_kwargs" in _fields(told))


def _all(told: Any) -> list[Message] | None:
    """All or none: half a conversation would mislead."""
    if not isinstance(told, list) or not told:
        return None
    found = [_message(one) for one in told]
    return None if None in found else [one for one in found if one is not None]


def _is_pair(told: Any) -> bool:
    """`("user", "How long?")`: how people write a message."""
    if not isinstance(told, list) or len(told) != 2 or not all(isinstance(one, str) for one in told):
        return False
    return told[0] in _SHORT


def _message(told: Any) -> Message | None:
    if _is_pair(told):
        return {"role": _SHORT[told[0]], "content": told[1]}
    fields = _fields(told)
    role = _ROLES.get(str(fields.get("type")))
    if role is None or "content" not in fields:
        return None
    message: Message = {"role": role, "content": fields["content"]}
    message |= {name: fields[name] for name in _KEPT if fields.get(name)}
    calls = fields.get("tool_calls")
    if isinstance(calls, list) and calls:
        message["tool_calls"] = [
            {"id": call.get("id"), "name": call.get("name"), "arguments": call.get("args")}
            for call in calls
            if isinstance(call, dict)
        ]
    return message


def _fields(told: Any) -> dict[str, Any]:
    """A message says its fields itself, as the arguments of its class (`lc`), or as its `data` (`messages_to_dict`)."""
    if not isinstance(told, dict):
        return {}
    inside = told.get("kwargs") if told.get("lc") else told
    if "content" not in told and isinstance(told.get("data"), dict):
        inside = {"type": told.get("type"), **told["data"]}
    return inside if isinstance(inside, dict) else {}
