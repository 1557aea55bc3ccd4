"""A model call as a test: the same messages through the gateway again, and what was answered to compare with."""

import pprint
import re
from collections.abc import Mapping
from typing import Any

from assay_server.query.calls.asked_again import Again, answer_of, asked_again

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

    Raises Refused for a span that is no model call with messages.
    """
    again = asked_again(span)
    parameters = {name: value for name, value in again.body.items() if name not in ("model", "messages")}
    answered, called = answer_of(span["output"])
    name = re.sub(r"\W+", "_", span["name"].lower()).strip("_")[:60] or "call"
    filename = f"test_{name}_{span['span_id'][:8]}.py"
    source = _SOURCE.format(
        about=f"What the span {span['span_id']} of the trace {span['trace_id']} asked, asked again.{_left_out(again)}",
        url=url,
        filename=filename,
        model=_literal(again.body["model"]),
        parameters=_literal(parameters),
        messages=_literal(again.body["messages"]),
        answered=_literal(answered),
        called=_literal(called),
        at_least=0.6,
        name=name,
    )
    return {"filename": filename, "source": source}


def _left_out(again: Again) -> str:
    if not again.left_out:
        return ""
    what = "A picture or file is" if again.left_out == 1 else f"{again.left_out:,} pictures or files are"
    return f"\n\n{what} left out: the span does not hold their content."


def _literal(value: Any) -> str:
    return pprint.pformat(value, width=_WIDTH, sort_dicts=False)
