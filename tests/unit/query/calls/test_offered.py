"""The tools that a model was offered: their names, descriptions and arguments out of every convention."""

import json
from typing import Any

import pytest

from assay_server.query import offered_tools

SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}}
ITEM = {"name": "search", "description": "Finds trains.", "parameters": SCHEMA}
NAMED = {"name": "search", "description": "Finds trains."}


def a_span(**attributes: Any) -> dict[str, Any]:
    asked = [{"role": "user", "content": "u" * 50}]
    return {"input": asked, "tokens": {"input_total": 300, "output_total": 9}, "attributes": attributes}


@pytest.mark.parametrize(
    "told",
    [
        json.dumps([{"type": "function", "function": ITEM}]),
        [{"type": "function", **ITEM}],
        json.dumps([{**NAMED, "input_schema": SCHEMA}]),
        [json.dumps({**NAMED, "inputSchema": SCHEMA})],
        [{"function_declarations": [ITEM]}],
    ],
    ids=["openai", "opentelemetry", "anthropic", "vercel", "google"],
)
def test_tools_of_every_convention_are_told_alike(told: Any) -> None:
    found = offered_tools(a_span(**{"gen_ai.tool.definitions": told}))
    assert found is not None
    assert found["items"] == [ITEM]


def test_a_tool_of_the_provider_is_called_by_its_type() -> None:
    found = offered_tools(a_span(**{"llm.tools": [{"type": "web_search"}, "odd"]}))
    assert found is not None
    assert [(one["name"], one["parameters"]) for one in found["items"]] == [("web_search", None), ("odd", None)]


def test_their_tokens_are_their_share_of_the_prompt() -> None:
    tools = json.dumps([{"name": "f"}]).ljust(100)
    span = a_span(**{"gen_ai.tool.definitions": tools})
    assert offered_tools(span) == {"tokens": 200, "items": [{"name": "f", "description": None, "parameters": None}]}


@pytest.mark.parametrize("unknown", [{"tokens": None}, {"input": None}])
def test_tokens_that_nobody_counted_or_whose_texts_are_gone_are_unknown(unknown: dict[str, Any]) -> None:
    found = offered_tools(a_span(**{"gen_ai.tool.definitions": '[{"name": "f"}]'}) | unknown)
    assert found is not None
    assert found["tokens"] is None


@pytest.mark.parametrize("told", [None, "", "[]", "no list", {}])
def test_a_call_without_tools_offers_none(told: Any) -> None:
    assert offered_tools(a_span(**{"gen_ai.tool.definitions": told})) is None
