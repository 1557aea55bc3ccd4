"""A span as an item of a dataset: what was asked, and what was answered, which a person may correct."""

import json
from collections.abc import Mapping
from typing import Any

from assay_server.query.calls.asked_again import answer_of, chat_messages

_INSTRUCTIONS = ("system", "developer")


def dataset_item(span: Mapping[str, Any]) -> dict[str, Any]:
    """`{"input", "expected", "contexts"?, "source_span"}` of span JSON, as `POST /datasets/{name}/items` takes it.

    One question is its text: the release that is tested has instructions of its own. A conversation of several turns is
    `{"messages": […]}`, everything up to the answer.
    """
    item = {"input": _asked(span["input"]), "expected": _answered(span["output"]), "source_span": span["span_id"]}
    contexts = [text for document in span["documents"] or () if (text := document.get("content"))]
    return {**item, "contexts": contexts} if contexts else item


def _asked(value: Any) -> Any:
    if not _is_conversation(value):
        return _plain(value)
    messages = chat_messages(value)
    turns = [message for message in messages if message["role"] not in _INSTRUCTIONS]
    if len(turns) > 1:
        return {"messages": messages}
    question = answer_of([one for one in value if one["role"] == "user"])[0]
    return question or _plain(value)


def _answered(value: Any) -> Any:
    """Nothing where the answer was calls of tools alone."""
    return (answer_of(value)[0] or None) if _is_conversation(value) else _plain(value)


def _is_conversation(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) and "role" in one for one in value)


def _plain(value: Any) -> Any:
    """An item holds texts and objects."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
