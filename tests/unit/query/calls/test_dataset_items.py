"""A span as an item of a dataset: a question as its text, a conversation as its messages."""

from typing import Any

import pytest

from assay_server.query import dataset_item

SYSTEM = {"role": "system", "content": "Be kind."}
QUESTION = {"role": "user", "content": "What's the return window?"}
ANSWER = {"role": "assistant", "content": "30 days"}
CALL = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"topic": "returns"}'}}


def item(asked: Any, answered: Any = (ANSWER,), **more: Any) -> dict[str, Any]:
    output = list(answered) if isinstance(answered, tuple) else answered
    return dataset_item({"span_id": "ab", "input": asked, "output": output, "documents": [], **more})


@pytest.mark.parametrize("before", [[], [SYSTEM]])
def test_one_question_is_its_text(before: list[Any]) -> None:
    expected = {"input": "What's the return window?", "expected": "30 days", "source_span": "ab"}
    assert item([*before, QUESTION]) == expected


def test_a_conversation_is_everything_up_to_the_answer() -> None:
    more = {"role": "user", "content": "And for shoes?"}
    assert item([SYSTEM, QUESTION, ANSWER, more])["input"] == {"messages": [SYSTEM, QUESTION, ANSWER, more]}


def test_a_conversation_with_tools_is_as_a_chat_completion_has_it() -> None:
    parts = [{"type": "tool_call", "id": "c1", "name": "look_up", "arguments": {"topic": "returns"}}]
    result = [{"type": "tool_call_response", "id": "c1", "response": "30 days"}]
    told = item([QUESTION, {"role": "assistant", "parts": parts}, {"role": "tool", "parts": result}])
    assert told["input"]["messages"] == [
        QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "30 days", "tool_call_id": "c1"},
    ]


def test_calls_of_tools_alone_are_no_expected_answer() -> None:
    assert item([QUESTION], ({"role": "assistant", "content": None, "tool_calls": [CALL]},))["expected"] is None


def test_what_no_dataset_could_hold_is_text() -> None:
    documents = [{"content": None}, {"content": "a page"}]
    odd = item([SYSTEM], None, documents=documents)
    assert odd == {
        "input": '[{"role": "system", "content": "Be kind."}]',
        "expected": None,
        "contexts": ["a page"],
        "source_span": "ab",
    }
    assert item([1, 2], {"kroner": 249}) == {"input": "[1, 2]", "expected": {"kroner": 249}, "source_span": "ab"}
