"""Messages inside what clients tell whole: a request to a model, or its API's answer."""

import json
from typing import Any

import pytest

from assay_server.query.calls.dataset_items import dataset_item
from assay_server.query.message_parts import messages_in
from assay_server.query.shapes import body_json, question_of

ANSWER = {"role": "assistant", "content": "14 days"}
ASKED = {"role": "user", "content": "How long?"}
CALL = {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": "{}"}
THOUGHT = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
SPOKEN = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "14 days"}]}


@pytest.mark.parametrize(
    ("told", "messages"),
    [
        ({"messages": [ANSWER], "model": "m"}, [ANSWER]),
        ({"id": "1", "object": "chat.completion", "choices": [{"index": 0, "message": ANSWER}]}, [ANSWER]),
        ({"role": "assistant", "content": "14 days", "refusal": None}, [{**ANSWER, "refusal": None}]),
        (
            {"object": "response", "output": [THOUGHT, CALL, SPOKEN]},
            [
                {"role": "assistant", "content": [{**THOUGHT, "text": "Hm."}]},
                {"role": "assistant", "content": [CALL]},
                SPOKEN,
            ],
        ),
        ({"output": [SPOKEN], "reasoning": None}, [SPOKEN]),
        (
            {"model": "m", "instructions": "Be kind.", "input": [ASKED, CALL]},
            [{"role": "system", "content": "Be kind."}, ASKED, {"role": "assistant", "content": [CALL]}],
        ),
        ({"input": [{"type": "shoe", "size": 7}]}, None),
        ({"output": [1, 2]}, None),
        ([ANSWER], [ANSWER]),
        ({"choices": ["red", "blue"]}, None),  # a question's, not a model's
        ({"choices": [{"text": "14 days"}]}, None),
        ({"role": "manager", "content": "of a form"}, None),
        ({"role": "user"}, None),
        ([], None),
    ],
)
def test_messages_are_found_where_a_client_tells_them_whole(told: Any, messages: Any) -> None:
    assert messages_in(told) == messages


def test_an_item_of_a_call_told_whole_expects_its_text() -> None:
    completion = json.dumps({"choices": [{"message": ANSWER}], "usage": {"total_tokens": 3}})
    asked = [{"role": "user", "content": "How long?"}]
    span = {"input": asked, "output": body_json(completion), "documents": [], "span_id": "ab"}
    assert dataset_item(span)["expected"] == "14 days"


@pytest.mark.parametrize("odd", [["user"], {"a": 1}, None, 5, True])
def test_a_role_that_is_no_text_asks_nothing_and_hides_no_question(odd: object) -> None:
    """One such message in a week made the panel of the most common questions an error 500."""
    said = json.dumps([{"role": odd, "content": "x"}, {"role": "user", "content": "Is it free?"}])
    assert question_of(said) == "Is it free?"
    assert question_of(json.dumps([{"role": odd, "content": "x"}, {"role": "assistant", "content": "y"}])) is None
