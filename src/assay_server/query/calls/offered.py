"""The tools that a model was offered in a call, whichever convention they came in."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from assay_server.query.agents.prompt_parts import TOOL_DEFINITIONS, parts_of
from assay_server.query.message_parts import DEFINITIONS, SCHEMAS, definitions_in

_UNCOUNTED = dict.fromkeys(("cache_read", "cache_write", "output_tokens", "reasoning"))

Json = dict[str, Any]


def offered_tools(span: Mapping[str, Any]) -> Json | None:
    """`{"tokens", "items"}` of span JSON; None where no tool is told. `tokens`: their share of the call's input."""
    attributes = span["attributes"]
    told = next((told for name in DEFINITIONS if (told := attributes.get(name)) and definitions_in(told)), None)
    if told is None:
        return None
    items = [_item(tool) for definition in definitions_in(told) or () for tool in _each(definition)]
    return {"tokens": _tokens(span, told), "items": items}


def _each(definition: Any) -> Iterator[Any]:
    """Google's dialect has several functions in one tool."""
    several = definition.get("function_declarations") if isinstance(definition, dict) else None
    yield from several if isinstance(several, list) else [definition]


def _item(tool: Any) -> Json:
    if not isinstance(tool, dict):
        return {"name": str(tool), "description": None, "parameters": None}
    inner = tool["function"] if isinstance(tool.get("function"), dict) else tool
    name = inner.get("name") or tool.get("type") or "tool"
    parameters = next((inner[name] for name in SCHEMAS if inner.get(name) is not None), None)
    return {"name": str(name), "description": inner.get("description"), "parameters": parameters}


def _tokens(span: Mapping[str, Any], told: Any) -> int | None:
    """As the tokens of a trace divide a call's input: by length. Without its other texts nobody knows."""
    if span["input"] is None:
        return None
    whole = (span["tokens"] or {}).get("input_total")
    call = {"input": _written(span["input"]), "tools": _written(told), **_UNCOUNTED, "fresh_input": whole}
    return next((round(part.tokens) for part in parts_of(call) if part.role == TOOL_DEFINITIONS and part.tokens), None)


def _written(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
