"""LangChain's messages, in the words every chat uses."""

import json
from typing import Any

import pytest

from assay_server.ingest.normalise.langchain import asked, in_chat

HUMAN = {"content": "How long?", "type": "human", "additional_kwargs": {}}
ASKED = {"role": "user", "content": "How long?"}


@pytest.mark.parametrize(
    ("told", "messages"),
    [
        ([["user", "How long?"]], [ASKED]),
        ([["system", "Be kind."], ["human", "How long?"]], [{"role": "system", "content": "Be kind."}, ASKED]),
        ([[HUMAN]], [ASKED]),
        ([HUMAN, ["ai", "14 days"]], [ASKED, {"role": "assistant", "content": "14 days"}]),
        ([["north", "south"]], None),
        ([[["user"], "How long?"]], None),
        ([["user", {"text": "How long?"}]], None),
    ],
)
def test_messages_are_known_as_objects_and_as_people_write_them(told: Any, messages: Any) -> None:
    assert asked({"messages": told}) == messages


LOADABLE = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "HumanMessage"]}
CALL = {"name": "look_up", "args": {"topic": "refunds"}, "id": "call_1", "type": "tool_call"}
CALLED = {"id": "call_1", "name": "look_up", "arguments": {"topic": "refunds"}}
TOOL = {"content": "14 days", "type": "tool", "additional_kwargs": {}, "tool_call_id": "call_1"}


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"messages": [["user", "How long?"]]}, [ASKED]),
        ({"messages": [HUMAN]}, [ASKED]),
        ([HUMAN], [ASKED]),
        ({"messages": [{**LOADABLE, "kwargs": {"content": "How long?", "type": "human"}}]}, [ASKED]),
        ({"messages": [{"type": "human", "data": {"content": "How long?", "additional_kwargs": {}}}]}, [ASKED]),
        (
            {"type": "ai", "content": "", "additional_kwargs": {}, "tool_calls": [CALL]},
            [{"role": "assistant", "content": "", "tool_calls": [CALLED]}],
        ),
        ({"inputs": {"messages": [HUMAN]}, "tags": [], "metadata": {}, "kwargs": {"name": "agent"}}, [ASKED]),
        ({"outputs": {"messages": [HUMAN]}, "kwargs": {}}, [ASKED]),
    ],
)
def test_what_a_chain_was_told_is_a_chat(told: Any, shown: Any) -> None:
    assert json.loads(in_chat(json.dumps(told)) or "null") == shown


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (TOOL, "14 days"),
        ({"output": TOOL}, "14 days"),
        ({"output": {"lc": 1, "kwargs": TOOL}, "kwargs": {"name": "look_up"}}, "14 days"),
        ({"outputs": "tools", "kwargs": {}}, "tools"),
        ({"input_str": "{'topic': 'refunds'}", "inputs": {"topic": "refunds"}, "kwargs": {}}, '{"topic":"refunds"}'),
    ],
)
def test_what_a_tool_answered_is_that_alone(told: Any, shown: str) -> None:
    assert in_chat(json.dumps(told)) == shown


@pytest.mark.parametrize(
    "told",
    [
        {"messages": [HUMAN], "documents": ["14 days"]},
        {"messages": [HUMAN, {"text": "14 days"}]},
        {"messages": [{"role": "user", "content": "How long?"}]},
        {"messages": "How long?"},
        {"type": "tool", "content": "no message of LangChain's"},
        {"inputs": [1], "kwargs": {}, "question": "How long?"},
        {"output": {"days": 14}},
        {"messages": []},
    ],
)
def test_what_is_more_than_messages_stays_as_it_was(told: Any) -> None:
    assert in_chat(json.dumps(told)) is None
    assert in_chat('{"messages": [cut') is None
