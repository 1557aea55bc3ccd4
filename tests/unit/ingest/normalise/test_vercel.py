"""Messages of the Vercel AI SDK, in the words every chat uses."""

import json
from typing import Any

import pytest

from assay_server.ingest.normalise.vercel import answered_in_chat, asked_in_chat, prompt_in_chat


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (
            {"type": "tool-call", "toolCallId": "c", "toolName": "f", "args": {"a": 1}},
            {"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}},
        ),
        (
            {"type": "tool-result", "toolCallId": "c", "toolName": "f", "result": [1]},
            {"type": "tool_call_response", "id": "c", "name": "f", "response": [1]},
        ),
        (
            {"type": "tool-result", "toolCallId": "c", "toolName": "f", "output": {"type": "json", "value": {"a": 1}}},
            {"type": "tool_call_response", "id": "c", "name": "f", "response": {"a": 1}},
        ),
        ({"type": "text", "text": "a tool-call"}, {"type": "text", "text": "a tool-call"}),
        ("tool-call", "tool-call"),
    ],
)
def test_parts_are_named_as_everywhere(part: Any, shown: Any) -> None:
    beside = {"type": "tool-result", "toolCallId": "d", "toolName": "g", "output": "x"}
    told = [{"role": "user", "content": "Hi"}, {"role": "tool", "content": [part, beside]}]
    [first, second] = json.loads(asked_in_chat(json.dumps(told)) or "")
    assert first == told[0]
    assert second["content"][0] == shown
    assert second["content"][1]["response"] == "x"


@pytest.mark.parametrize("told", ['[{"role": "user", "content": "Hi"}]', '"tool-', '{"type": "tool-call"}'])
def test_what_says_nothing_of_tools_stays_as_it_was(told: str) -> None:
    assert asked_in_chat(told) is None


def test_an_answer_that_is_a_text_alone_stays_one() -> None:
    assert answered_in_chat({"ai.response.text": "14 days"}) is None
    assert answered_in_chat({"ai.response.text": "14 days", "ai.response.toolCalls": "[]"}) is None
    assert answered_in_chat({"ai.response.toolCalls": "cut off {"}) is None
    thought = answered_in_chat({"ai.response.text": "14 days", "ai.response.reasoning": "Hm."})
    assert json.loads(thought or "") == [{"role": "assistant", "content": "14 days", "reasoning": "Hm."}]


USER, SYSTEM = {"role": "user", "content": "Hi"}, {"role": "system", "content": "Be kind."}


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"prompt": "Hi"}, [USER]),
        ({"system": "Be kind.", "prompt": "Hi"}, [SYSTEM, USER]),
        ({"system": "Be kind.", "messages": [USER]}, [SYSTEM, USER]),
        ({"prompt": [USER]}, [USER]),
    ],
)
def test_what_was_asked_first_is_a_chat(told: Any, shown: Any) -> None:
    assert json.loads(prompt_in_chat(json.dumps(told)) or "") == shown


@pytest.mark.parametrize(
    "told", ["Hi", {}, [], {"prompt": 1}, {"messages": ["Hi"]}, {"prompt": "Hi", "schema": {}}, {"system": "s"}]
)
def test_a_prompt_that_is_more_than_messages_stays_as_it_was(told: Any) -> None:
    assert prompt_in_chat(json.dumps(told)) is None
