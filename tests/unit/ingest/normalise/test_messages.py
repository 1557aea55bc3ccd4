"""Messages that are spread over numbered attributes, and what stands among them and is none."""

import json
from typing import Any

import pytest

from assay_server.ingest.normalise.messages import messages_of, tools_of, tree_of, without_tools

CALLED = {"id": "t0", "name": "look_up", "arguments": {"topic": "refunds"}}
CONTENTS = {
    "out.0.message.role": "assistant",
    "out.0.message.contents.0.message_content.type": "text",
    "out.0.message.contents.0.message_content.text": "Let me look.",
    "out.0.message.contents.1.message_content.type": "tool_use",
    "out.0.message.contents.1.tool_call.id": "t0",
    "out.0.message.contents.1.tool_call.function.name": "look_up",
    "out.0.message.contents.1.tool_call.function.arguments": '{"topic": "refunds"}',
}
AS_CALLS = {
    "out.0.message.tool_calls.0.tool_call.id": "t0",
    "out.0.message.tool_calls.0.tool_call.function.name": "look_up",
    "out.0.message.tool_calls.0.tool_call.function.arguments": '{"topic": "refunds"}',
}


def test_a_call_among_the_contents_is_one_call_also_where_it_is_said_twice() -> None:
    """OpenInference's instrumentation of Anthropic says it among the contents, and as a call."""
    said = {"role": "assistant", "parts": [{"type": "text", "content": "Let me look."}], "tool_calls": [CALLED]}
    assert messages_of(tree_of("out", CONTENTS)) == [said]
    assert messages_of(tree_of("out", CONTENTS | AS_CALLS)) == [said]


def test_a_text_that_is_said_as_a_whole_and_in_parts_stands_once() -> None:
    """OpenInference's instrumentation of OpenAI's agents says both."""
    part = "out.0.message.contents.{}.message_content.{}"
    sent = {"out.0.message.role": "assistant", "out.0.message.content": "14 days.", part.format(0, "type"): "text"}
    sent |= {part.format(0, "text"): "14 days.", part.format(1, "type"): "image"}
    sent |= {part.format(1, "image.image.url"): "u", part.format(1, "image.detail"): "low"}
    text, picture = {"type": "text", "content": "14 days."}, {"type": "image", "content": {"detail": "low", "url": "u"}}
    assert messages_of(tree_of("out", sent)) == [{"role": "assistant", "parts": [text, picture]}]
    other = sent | {"out.0.message.content": "In short: 14 days."}
    [kept] = messages_of(tree_of("out", other))
    assert (kept["content"], [one["type"] for one in kept["parts"]]) == ("In short: 14 days.", ["text", "image"])


TOOL = {"type": "function", "function": {"name": "look_up", "description": "A handbook."}}
ANTHROPICS = {"name": "look_up", "input_schema": {"type": "object"}}
ASKED = {"role": "user", "content": "How long?"}


def test_tools_that_were_offered_are_no_messages() -> None:
    told = [ASKED, {"role": "tool", "content": TOOL}, {"role": "tool", "content": ANTHROPICS}]
    messages, tools = without_tools(json.dumps(told))
    assert (json.loads(messages), json.loads(tools or "")) == ([ASKED], [TOOL, ANTHROPICS])


@pytest.mark.parametrize(
    "message",
    [
        {"role": "tool", "content": TOOL, "tool_call_id": "c1"},
        {"role": "tool", "content": {"name": "Ada", "age": 36}},
        {"role": "tool", "content": {"function": {"description": "no name"}}, "name": "look_up"},
        {"role": "tool", "content": "14 days", "name": "look_up"},
        {"role": "user", "content": TOOL, "name": "tool"},
    ],
)
def test_what_a_tool_answered_stays_a_message(message: dict[str, Any]) -> None:
    told = json.dumps([ASKED, message])
    assert without_tools(told) == (told, None)
    assert without_tools('"tool" "name"') == ('"tool" "name"', None)


def test_numbered_tools_are_one_list() -> None:
    sent = {f"llm.tools.{number}.tool.json_schema": json.dumps(TOOL | {"n": number}) for number in (10, 2)}
    sent["llm.tools.3.tool.name"] = "of another shape"
    assert tools_of(tree_of("llm.tools", sent)) == [TOOL | {"n": 2}, TOOL | {"n": 10}]
