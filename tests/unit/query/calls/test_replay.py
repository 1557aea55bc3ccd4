"""A model call as a test file: valid Python with the call's own words, whatever convention they came in."""

import ast
import json
from typing import Any

import pytest

from assay_server.core.errors import Refused
from assay_server.query import asked_again, replay_test

TOOLS = [{"type": "function", "function": {"name": "search", "parameters": {}}}]


def a_span(**more: Any) -> dict[str, Any]:
    return {
        "trace_id": "t1",
        "span_id": "00ff00ff00ff00ff",
        "name": "chat gpt-4o (EU)",
        "kind": "llm",
        "model": "gpt-4o-2024-11-20",
        "provider": "openai",
        "input": [{"role": "system", "content": 'Say "yes" or \'no\'.\n"""'}, {"role": "user", "content": "{braces}?"}],
        "output": [{"role": "assistant", "content": "yes"}],
        "attributes": {"gen_ai.request.temperature": 0.5},
        **more,
    }


def values(span: dict[str, Any]) -> dict[str, Any]:
    """The constants of the file, which has to be Python."""
    tree = ast.parse(replay_test(span, "http://assay.test")["source"])
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    return {node.targets[0].id: ast.literal_eval(node.value) for node in assigned}  # type: ignore[attr-defined]


def test_the_file_holds_what_was_asked_and_answered() -> None:
    found = replay_test(a_span(), "http://assay.test")
    assert found["filename"] == "test_chat_gpt_4o_eu_00ff00ff.py"
    assert "def test_chat_gpt_4o_eu() -> None:" in found["source"]
    assert "ASSAY_URL=http://assay.test" in found["source"]
    told = values(a_span())
    assert (told["MODEL"], told["PARAMETERS"]) == ("openai/gpt-4o-2024-11-20", {"temperature": 0.5})
    assert told["MESSAGES"] == a_span()["input"]
    assert (told["ANSWERED"], told["CALLED"]) == ("yes", [])


def test_a_channel_is_asked_again_rather_than_the_model_behind_it() -> None:
    assert values(a_span(attributes={"assay.model": "channel:production"}))["MODEL"] == "channel:production"


def test_tools_and_their_calls_are_kept_in_the_shape_of_the_gateway() -> None:
    arguments = {"q": "shoes"}
    span = a_span(
        attributes={
            "gen_ai.tool.definitions": '[{"type": "function", "function": {"name": "search", "parameters": {}}}]'
        },
        input=[
            {"role": "user", "parts": [{"type": "text", "content": "find"}]},
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "c1", "name": "search", "arguments": arguments}],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"found": 2}}]},
        ],
        output=[{"role": "assistant", "tool_calls": [{"function": {"name": "search", "arguments": '{"q": 1}'}}]}],
    )
    told = values(span)
    assert told["PARAMETERS"] == {"tools": TOOLS}
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "shoes"}'}}
    assert told["MESSAGES"] == [
        {"role": "user", "content": "find"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": '{"found": 2}', "tool_call_id": "c1"},
    ]
    assert (told["ANSWERED"], told["CALLED"]) == ("", ["search"])


def test_pictures_are_sent_again_where_they_are_kept() -> None:
    def asked(url: str) -> list[dict[str, Any]]:
        picture = {"type": "image_url", "image_url": {"url": url}}
        return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, picture]}]

    kept = asked("https://example.org/a.png")
    assert values(a_span(input=kept))["MESSAGES"] == kept
    cut = asked("data:image/png;base64,(4100 characters)")
    assert values(a_span(input=cut))["MESSAGES"] == [{"role": "user", "content": "What is it?"}]


@pytest.mark.parametrize(
    "more", [{"kind": "tool"}, {"input": "plain text"}, {"input": None}], ids=["tool", "text", "none"]
)
def test_what_cannot_be_asked_again_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        replay_test(a_span(**more), "http://assay.test")
    assert refused.value.fix == "choose a span of kind llm"


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": PNG},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "image": f"data:image/png;base64,{PNG}"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
        {"inline_data": {"mime_type": "image/png", "data": PNG}},
        {"type": "image", "content": {"url": f"data:image/png;base64,{PNG}"}},
    ],
    ids=["openai", "opentelemetry", "anthropic", "vercel", "responses", "gemini", "openinference"],
)
def test_a_picture_of_any_convention_is_asked_about_again(part: dict[str, Any]) -> None:
    asked = [{"role": "user", "content": [part, {"type": "text", "text": "What is it?"}]}]
    told = values(a_span(input=asked))["MESSAGES"]
    assert told == [{"role": "user", "content": [PICTURE, {"type": "text", "text": "What is it?"}]}]


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,(4100 characters)", "@@@langfuseMedia:type=image/png|id=x|source=bytes@@@"]
)
def test_what_is_left_out_is_told(url: str) -> None:
    """Also a file of ours, whose name says nothing to a provider."""
    cut = {"type": "image_url", "image_url": {"url": url}}
    again = asked_again(a_span(input=[{"role": "user", "content": [cut, {"type": "text", "text": "Hm?"}]}]))
    assert (again.left_out, again.body["messages"]) == (1, [{"role": "user", "content": "Hm?"}])


def test_the_results_of_tools_are_messages_of_their_own() -> None:
    said = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "c1", "name": "search", "input": {"q": "shoes"}},
    ]
    found = {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "two"}]}
    again = asked_again(
        a_span(
            input=[
                {"role": "assistant", "content": said},
                {"role": "user", "content": [found, {"type": "text", "text": "And hats?"}]},
                {"role": "model", "parts": [{"type": "text", "content": "None."}]},
            ]
        )
    )
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "shoes"}'}}
    assert again.body["messages"] == [
        {"role": "assistant", "content": "Let me see.", "tool_calls": [call]},
        {"role": "tool", "content": "two", "tool_call_id": "c1"},
        {"role": "user", "content": "And hats?"},
        {"role": "assistant", "content": "None."},
    ]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "search", "parameters": {}}},
        {"type": "function", "name": "search", "parameters": {}},
        {"name": "search", "input_schema": {}},
    ],
    ids=["openai", "opentelemetry", "anthropic"],
)
def test_definitions_of_tools_have_one_shape(tool: dict[str, Any]) -> None:
    assert asked_again(a_span(attributes={"gen_ai.tool.definitions": json.dumps([tool])})).body["tools"] == TOOLS


def test_every_parameter_of_the_request_is_asked_with_again() -> None:
    told = {
        "gen_ai.request.max_tokens": 9,
        "openai.request.max_completion_tokens": 9,
        "openai.request.response_format": '{"type": "json_object"}',
        "openai.request.reasoning_effort": "low",
        "gen_ai.request.stop_sequences": '["END"]',
        "gen_ai.request.choice.count": 1,
    }
    body = asked_again(a_span(attributes=told)).body
    assert {name: body[name] for name in body if name not in ("model", "messages")} == {
        "max_completion_tokens": 9,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "stop": ["END"],
        "n": 1,
    }
