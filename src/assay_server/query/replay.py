"""A model call as a test: the same messages through the gateway again, and what was answered to compare with."""

import json
import pprint
import re
from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.core.errors import Refused

_PARAMETERS = ("temperature", "top_p", "max_tokens", "seed", "frequency_penalty", "presence_penalty")
_TOOLS = "gen_ai.tool.definitions"
_PARTS = ("text", "image_url", "input_audio", "file")
_CUT = re.compile(r";base64,\(\d+ characters\)")
_WIDTH = 110

_SOURCE = '''"""{about}

Run it with: ASSAY_URL={url} ASSAY_API_KEY=sk_… pytest {filename}
"""

from difflib import SequenceMatcher

import assay

MODEL = {model}
PARAMETERS = {parameters}
MESSAGES = {messages}
ANSWERED = {answered}
CALLED = {called}
AT_LEAST = {at_least}  # how alike the new answer has to be, 0 to 1


def test_{name}() -> None:
    with assay.Client() as client:
        answer = client.chat.complete(MODEL, MESSAGES, **PARAMETERS)["choices"][0]["message"]
    called = [call["function"]["name"] for call in answer.get("tool_calls") or []]
    assert called == CALLED
    if ANSWERED:
        said = answer.get("content") or ""
        assert SequenceMatcher(None, ANSWERED, said).ratio() >= AT_LEAST, said
'''


def replay_test(span: Mapping[str, Any], url: str) -> dict[str, str]:
    """`{"filename", "source"}` of a pytest file, for span JSON; `url` is this server's own address.

    Raises Refused for a span that is no model call with messages, or whose messages were let go or cut.
    """
    messages = span["input"]
    if span["kind"] != "llm" or not isinstance(messages, list):
        raise Refused(
            "Only a model call whose messages are stored can be asked again.",
            field="span_id",
            value=span["span_id"],
            fix="choose a span of kind llm",
        )
    answered, called = _answer(span["output"])
    name = re.sub(r"\W+", "_", span["name"].lower()).strip("_")[:60] or "call"
    filename = f"test_{name}_{span['span_id'][:8]}.py"
    source = _SOURCE.format(
        about=f"What the span {span['span_id']} of the trace {span['trace_id']} asked, asked again.",
        url=url,
        filename=filename,
        model=_literal(_model(span)),
        parameters=_literal(_parameters(span["attributes"])),
        messages=_literal([_openai(message) for message in messages]),
        answered=_literal(answered),
        called=_literal(called),
        at_least=0.6,
        name=name,
    )
    return {"filename": filename, "source": source}


def _model(span: Mapping[str, Any]) -> str:
    """What the caller asked the gateway for, else the model that answered."""
    asked = span["attributes"].get("assay.model")
    if isinstance(asked, str):
        return asked
    model = span["model"] or "MODEL"
    provider = span["provider"]
    return model if provider is None or model.startswith(f"{provider}/") else f"{provider}/{model}"


def _parameters(attributes: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: attributes.get(f"gen_ai.request.{name}") for name in _PARAMETERS}
    return {name: value for name, value in found.items() if value is not None} | _tools(attributes.get(_TOOLS))


def _tools(told: Any) -> dict[str, Any]:
    """Definitions as the caller gave them; the gateway keeps them as JSON text."""
    try:
        tools = json.loads(told) if isinstance(told, str) else told
    except ValueError:
        return {}
    return {"tools": tools} if isinstance(tools, list) and tools else {}


def _openai(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message in the shape of a chat completion, whichever convention it came in."""
    whole: dict[str, Any] = {"role": message["role"], "content": _content(message)}
    calls = _calls(message)
    if calls:
        whole["tool_calls"] = calls
    answers = message.get("tool_call_id") or next(
        (part.get("id") for part in _parts(message) if part.get("type") == "tool_call_response"), None
    )
    if answers is not None:
        whole["tool_call_id"] = answers
    return whole


def _content(message: Mapping[str, Any]) -> Any:
    """Parts where pictures or sound are among them, else the text; without files of which only the size was kept."""
    parts = [part for part in _parts(message) if part.get("type") in _PARTS and not _CUT.search(json.dumps(part))]
    return parts if any(part["type"] != "text" for part in parts) else _text(message)


def _answer(output: Any) -> tuple[str, list[str]]:
    """The text of the last message, and the tools it called."""
    if not isinstance(output, list) or not output:
        return (output if isinstance(output, str) else ""), []
    return _text(output[-1]), [call["function"]["name"] for call in _calls(output[-1])]


def _parts(message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    parts = message.get("parts") or message.get("content")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _text(message: Mapping[str, Any]) -> str:
    if isinstance(message.get("content"), str):
        return str(message["content"])
    told = (
        part.get("text") or part.get("content") or part.get("response")
        for part in _parts(message)
        if part.get("type") in ("text", "input_text", "output_text", "tool_call_response", "tool_result")
    )
    return "\n\n".join(part if isinstance(part, str) else json.dumps(part) for part in told if part)


def _calls(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [*(message.get("tool_calls") or ())]
    found += [part for part in _parts(message) if part.get("type") in ("tool_call", "tool_use")]
    return [_tool_call(call, number) for number, call in enumerate(found)]


def _tool_call(call: Mapping[str, Any], number: int) -> dict[str, Any]:
    inner = call.get("function") if isinstance(call.get("function"), dict) else call
    arguments = (inner or {}).get("arguments", (inner or {}).get("input"))
    written = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
    function = {"name": str((inner or {}).get("name", "tool")), "arguments": written}
    return {"id": str(call.get("id") or f"call_{number}"), "type": "function", "function": function}


def _literal(value: Any) -> str:
    return pprint.pformat(value, width=_WIDTH, sort_dicts=False)
