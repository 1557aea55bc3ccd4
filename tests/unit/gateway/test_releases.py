"""Calls by release and by channel: what is prescribed, what the caller brings, who gets which arm."""

import json
from typing import Any

import pytest

from tests.fakes.gateway import PLAIN_PROMPT, PROMPT, World, release
from tests.fakes.provider import DATED

HELLO = [{"role": "user", "content": "Hello"}]
FILLED = {"variables": {"tone": "kind", "question": "why?"}}
RENDERED = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Question: why?"}]


def sent(world: World) -> dict[str, Any]:
    return world.provider.requests[-1].body


async def test_a_filled_prompt_is_rendered_whole(world: World) -> None:
    model = world.registry.add_release(release())
    answer = await world.post({"model": model, "assay": FILLED, "messages": []})
    assert answer.status_code == 200
    assert sent(world)["messages"] == RENDERED
    assert sent(world)["model"] == DATED
    assert "assay" not in sent(world)
    span = await world.span()
    assert (span.release, span.prompt, span.prompt_version) == ("rel_a", "support/answer", "3")
    assert json.loads(span.input or "") == RENDERED
    assert answer.headers["x-assay-release"] == "rel_a"
    assert "x-assay-arm" not in answer.headers


async def test_the_callers_messages_follow_the_filled_prompt(world: World) -> None:
    model = world.registry.add_release(release())
    await world.post({"model": model, "assay": FILLED, "messages": HELLO})
    assert sent(world)["messages"] == RENDERED + HELLO


async def test_without_variables_the_system_message_comes_first(world: World) -> None:
    model = world.registry.add_release(release(prompts={"answer": PLAIN_PROMPT}))
    await world.post({"model": model, "messages": HELLO})
    assert sent(world)["messages"] == [{"role": "system", "content": "Answer {briefly}."}, *HELLO]


async def test_numbers_fill_variables_as_json_writes_them(world: World) -> None:
    model = world.registry.add_release(release())
    await world.post({"model": model, "assay": {"variables": {"tone": 1.5, "question": True}}})
    assert sent(world)["messages"][0]["content"] == "Be 1.5."
    assert sent(world)["messages"][1]["content"] == "Question: true"


async def test_a_missing_variable_is_named(world: World) -> None:
    model = world.registry.add_release(release())
    answer = await world.post({"model": model, "messages": HELLO})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "variables.tone")
    answer = await world.post({"model": model, "assay": {"variables": {"tone": "kind"}}})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "variables.question")
    assert world.provider.requests == []
    assert [span.status for span in await world.spans()] == ["error", "error"]


async def test_what_an_item_knows_beyond_the_prompt_is_left_out(world: World) -> None:
    model = world.registry.add_release(release())
    assay = {"variables": {**FILLED["variables"], "expected": "because"}}
    assert (await world.post({"model": model, "assay": assay})).status_code == 200


async def test_of_several_prompts_one_is_named(world: World) -> None:
    model = world.registry.add_release(release(prompts={"rewrite": PLAIN_PROMPT, "judge": PROMPT}))
    answer = await world.post({"model": model, "messages": HELLO})
    assert answer.status_code == 400
    assert "judge, rewrite" in answer.json()["error"]["message"]
    await world.post({"model": model, "messages": HELLO, "assay": {"prompt": "rewrite"}})
    assert sent(world)["messages"][0]["role"] == "system"
    wrong = await world.post({"model": model, "messages": HELLO, "assay": {"prompt": "summary"}})
    assert wrong.json()["error"]["param"] == "assay.prompt"


async def test_the_releases_parameters_win(world: World) -> None:
    model = world.registry.add_release(release(parameters={"temperature": 0.2, "max_tokens": 50}))
    body = {"model": model, "assay": FILLED, "temperature": 2, "max_completion_tokens": 9999, "seed": 4}
    await world.post(body)
    assert sent(world)["temperature"] == 0.2
    assert sent(world)["max_tokens"] == 50
    assert "max_completion_tokens" not in sent(world)
    assert sent(world)["seed"] == 4
    attributes = (await world.span()).attributes
    assert attributes["assay.replaced_parameters"] == ["max_completion_tokens", "temperature"]
    assert attributes["gen_ai.request.temperature"] == 0.2


@pytest.mark.parametrize(("closed", "strict"), [({"additionalProperties": False}, True), ({}, False)])
async def test_the_output_schema_becomes_a_response_format(world: World, closed: Any, strict: bool) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], **closed}
    model = world.registry.add_release(release(name="support/v", output_schema=schema))
    await world.post({"model": model, "assay": FILLED, "response_format": {"type": "text"}})
    told = {"name": "support_v", "schema": schema, "strict": strict}
    assert sent(world)["response_format"] == {"type": "json_schema", "json_schema": told}


async def test_a_channel_answers_with_what_is_live(world: World) -> None:
    world.registry.channels.rows["production"] = {"release": release(), "arm": "candidate", "canary": "can_1"}
    answer = await world.post({"model": "channel:production", "assay": FILLED}, x_assay_arm="baseline")
    assert (answer.headers["x-assay-release"], answer.headers["x-assay-arm"]) == ("rel_a", "candidate")
    span = await world.span()
    assert (span.channel, span.canary, span.arm, span.release) == ("production", "can_1", "candidate", "rel_a")
    assert span.attributes["assay.model"] == "channel:production"


async def test_the_next_call_gets_what_is_live_then(world: World) -> None:
    world.registry.channels.rows["production"] = {"release": release("a")}
    await world.post({"model": "channel:production", "assay": FILLED})
    world.registry.channels.rows["production"] = {"release": release("b", parameters={"temperature": 0.9})}
    await world.post({"model": "channel:production", "assay": FILLED})
    assert [span.release for span in await world.spans()] == ["rel_a", "rel_b"]
    assert sent(world)["temperature"] == 0.9


async def test_the_unit_is_the_user_else_the_session_else_the_trace(world: World) -> None:
    world.registry.channels.rows["production"] = {"release": release()}
    body = {"model": "channel:production", "assay": FILLED}
    await world.post(body | {"user": "body"}, x_assay_user="header", x_assay_session="session")
    await world.post(body, x_assay_user="header", x_assay_session="session")
    await world.post(body, x_assay_session="session")
    await world.post(body)
    trace_id = (await world.spans())[-1].trace_id
    assert world.registry.channels.units == ["body", "header", "session", trace_id]


async def test_an_application_that_resolved_once_says_so_in_headers(world: World) -> None:
    model = world.registry.add_release(release())
    answer = await world.post(
        {"model": model, "assay": FILLED}, x_assay_channel="production", x_assay_canary="can_1", x_assay_arm="baseline"
    )
    span = await world.span()
    assert (span.channel, span.canary, span.arm) == ("production", "can_1", "baseline")
    assert answer.headers["x-assay-arm"] == "baseline"


async def test_a_release_is_looked_up_once(world: World) -> None:
    model = world.registry.add_release(release())
    for _ in range(3):
        await world.post({"model": model, "assay": FILLED})
    assert world.registry.releases.looked_up == 1


@pytest.mark.parametrize("model", ["channel:staging", "release:rel_none", "nobody/m"])
async def test_what_is_not_there_is_404_and_has_a_span(world: World, model: str) -> None:
    answer = await world.post({"model": model, "messages": HELLO})
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert (await world.span()).status == "error"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b'{"model": "fake/m", "messages": [', "body"),
        ({"messages": HELLO}, "model"),
        ({"model": 3, "messages": HELLO}, "model"),
        ({"model": "gpt", "messages": HELLO}, "model"),
        ({"model": "fake/", "messages": HELLO}, "model"),
        ({"model": "fake/m"}, "messages"),
        ({"model": "fake/m", "messages": HELLO, "stream": "yes"}, "stream"),
        ({"model": "fake/m", "messages": HELLO, "stream_options": 3}, "stream_options"),
        ({"model": "fake/m", "messages": HELLO, "user": 3}, "user"),
        ({"model": "fake/m", "messages": HELLO, "assay": {"variables": {}}}, "assay"),
        ({"model": "fake/m", "messages": HELLO, "assay": {"variable": {}}}, "assay"),
        ({"model": "fake/m", "messages": HELLO, "assay": {"variables": {"a": []}}}, "assay"),
    ],
)
async def test_a_wrong_request_names_the_field(world: World, body: Any, field: str) -> None:
    answer = await world.post(body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field
    assert world.provider.requests == []


async def test_a_release_with_messages_of_the_wrong_shape(world: World) -> None:
    model = world.registry.add_release(release(prompts={"answer": PLAIN_PROMPT}))
    answer = await world.post({"model": model, "messages": "hello"})
    assert answer.json()["error"]["param"] == "messages"
    answer = await world.post({"model": model})
    assert answer.json()["error"]["param"] == "messages"


async def test_a_release_without_prompts_passes_the_callers_messages(world: World) -> None:
    model = world.registry.add_release(release(prompts={}))
    await world.post({"model": model, "messages": HELLO})
    assert sent(world)["messages"] == HELLO
    assert (await world.span()).prompt is None
