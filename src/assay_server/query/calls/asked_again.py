"""A model call as the chat completion that asks the same again, whichever convention it came in."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assay_server.core.errors import Refused
from assay_server.query.message_parts import (
    CALLS,
    DEFINITIONS,
    RESULTS,
    SCHEMAS,
    TEXTS,
    definitions_in,
    parsed,
    part_text,
    parts_of,
    result_text,
)

_PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_tokens",
    "seed": "seed",
    "stop_sequences": "stop",
    "choice.count": "n",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
_OWN = "openai.request."  # what the gateway keeps under the names of the request itself
_KEPT = ("image_url", "input_audio", "file")  # as the dialect has them
_INNER = ("source", "inline_data", "inlineData", "content")  # Anthropic's, Gemini's, OpenInference's
_THOUGHTS = ("thinking", "redacted_thinking", "reasoning")
_ELSEWHERE = re.compile(r";base64,\(\d+ characters\)|@@@langfuseMedia:|^mlflow-attachment://")
"""Only its size was kept; a file of ours."""
_ROLES = {"model": "assistant", "human": "user", "ai": "assistant"}

Json = dict[str, Any]


@dataclass(slots=True)
class Again:
    """The body of the request, and how many pictures or files are not in it: the span does not hold their content."""

    body: Json
    left_out: int


def asked_again(span: Mapping[str, Any]) -> Again:
    """Raises Refused for a span that is no model call with messages."""
    messages = span["input"]
    if span["kind"] != "llm" or not isinstance(messages, list):
        raise Refused(
            "Only a model call whose messages are stored can be asked again.",
            field="span_id",
            value=span["span_id"],
            fix="choose a span of kind llm",
        )
    told = chat_messages(messages)
    parts = [part for message in messages for part in parts_of(message)]
    left_out = sum(1 for part in parts if _is_media(part) and _media(part) is None)
    return Again({"model": _model(span), "messages": told, **_parameters(span["attributes"])}, left_out)


def chat_messages(messages: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Messages of any convention as a chat completion has them."""
    return [one for message in messages for one in _messages(message)]


def answer_of(output: Any) -> tuple[str, list[str]]:
    """The text of the last message, and the tools it called."""
    if not isinstance(output, list) or not output:
        return (output if isinstance(output, str) else ""), []
    return _text(output[-1]), [call["function"]["name"] for call in _calls(output[-1])]


def _model(span: Mapping[str, Any]) -> str:
    """What the caller asked the gateway for, else the model that answered."""
    asked = span["attributes"].get("assay.model")
    if isinstance(asked, str):
        return asked
    model = span["model"] or "MODEL"
    provider = span["provider"]
    return model if provider is None or model.startswith(f"{provider}/") else f"{provider}/{model}"


def _parameters(attributes: Mapping[str, Any]) -> Json:
    found = {name: attributes.get(f"gen_ai.request.{told}") for told, name in _PARAMETERS.items()}
    found |= {key.removeprefix(_OWN): parsed(value) for key, value in attributes.items() if key.startswith(_OWN)}
    if found.get("max_completion_tokens") is not None:
        del found["max_tokens"]  # the same under another name; a request may have only one
    if attributes.get("gen_ai.output.type") == "json" and "response_format" not in found:
        found["response_format"] = {"type": "json_object"}
    found["stop"] = parsed(found["stop"])
    tools = next((tools for name in DEFINITIONS if (tools := _tools(attributes.get(name)))), None)
    return {name: value for name, value in (found | {"tools": tools}).items() if value is not None}


def _tools(told: Any) -> list[Any] | None:
    """Definitions as the dialect has them; some conventions leave out the function around, or say `input_schema`."""
    tools = definitions_in(told)
    return None if tools is None else [_tool(tool) for tool in tools]


def _tool(tool: Any) -> Any:
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        return tool
    schema = next((tool[name] for name in SCHEMAS if name in tool), None)
    function = {"name": tool["name"], "description": tool.get("description"), "parameters": parsed(schema)}
    return {"type": "function", "function": {name: value for name, value in function.items() if value is not None}}


def _messages(message: Mapping[str, Any]) -> Iterator[Json]:
    """One of ours may be several there: each result of a tool is a message of its own."""
    role = str(message.get("role"))
    results = [part for part in parts_of(message) if part.get("type") in RESULTS]
    for part in results:
        yield {"role": "tool", "content": result_text(part), "tool_call_id": _id(part) or message.get("tool_call_id")}
    content, calls = _content(message), _calls(message)
    if results and not content and not calls:
        return
    whole: Json = {"role": _ROLES.get(role, role), "content": None if calls and not content else content}
    if calls:
        whole["tool_calls"] = calls
    if message.get("tool_call_id") is not None and not results:
        whole["tool_call_id"] = message["tool_call_id"]
    yield whole


def _content(message: Mapping[str, Any]) -> Any:
    """Parts where pictures or sound are among them, else the text."""
    shown = [media for part in parts_of(message) if _is_media(part) and (media := _media(part))]
    if not shown:
        return _text(message)
    parts = (
        {"type": "text", "text": part_text(part)} if part.get("type") in TEXTS else _media(part)
        for part in parts_of(message)
    )
    return [part for part in parts if part is not None]


def _text(message: Mapping[str, Any]) -> str:
    if isinstance(message.get("content"), str):
        return str(message["content"])
    return "\n\n".join(text for part in parts_of(message) if part.get("type") in TEXTS if (text := part_text(part)))


def _is_media(part: Mapping[str, Any]) -> bool:
    return part.get("type") not in (*TEXTS, *CALLS, *RESULTS, *_THOUGHTS, "refusal")


def _media(part: Mapping[str, Any]) -> Json | None:
    """A picture or sound as the dialect has it; None where its content stands elsewhere, or nobody knows what it is."""
    if part.get("type") in _KEPT:
        return None if _ELSEWHERE.search(json.dumps(part)) else dict(part)
    inner = (told for name in _INNER if isinstance(told := part.get(name), dict))
    source: Mapping[str, Any] = next(inner, part)
    address = _first(source, "url", "uri", "image", "data", "content", "image_url")
    kind: Any = _first(source, "mime_type", "media_type", "mediaType", "mimeType")
    if kind is None:
        kind = str(part.get("modality") or part.get("type")).removeprefix("input_")
    if address is None or _ELSEWHERE.search(address):
        return None
    if str(kind).startswith("audio/"):
        return {"type": "input_audio", "input_audio": {"data": address, "format": str(kind).partition("/")[2]}}
    if not str(kind).startswith("image"):
        return None
    is_address = address.startswith(("http://", "https://", "data:"))
    if not is_address and "/" not in str(kind):
        return None
    return {"type": "image_url", "image_url": {"url": address if is_address else f"data:{kind};base64,{address}"}}


def _calls(message: Mapping[str, Any]) -> list[Json]:
    found = [*(message.get("tool_calls") or ())]
    found += [part for part in parts_of(message) if part.get("type") in CALLS]
    return [_call(call, number) for number, call in enumerate(found)]


def _call(call: Mapping[str, Any], number: int) -> Json:
    inner = call["function"] if isinstance(call.get("function"), dict) else call
    arguments: Any = next((inner[name] for name in ("arguments", "input", "args") if inner.get(name) is not None), {})
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": str(inner.get("name", "tool")), "arguments": written}
    return {"id": _id(call) or f"call_{number}", "type": "function", "function": function}


def _id(part: Mapping[str, Any]) -> str | None:
    return _first(part, "tool_call_id", "tool_use_id", "call_id", "id")


def _first(told: Mapping[str, Any], *names: str) -> str | None:
    """The first of the names under which there is a text."""
    return next((text for name in names if isinstance(text := told.get(name), str)), None)
