"""LangChain's messages, in the words every chat uses."""

from typing import Any

import pytest

from assay_server.ingest.normalise.langchain import asked

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
