"""The guard policy of a release: what is looked for, what happens to it, and that the span tells."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_server.checks.pii import Scrubber
from assay_server.core.errors import InvalidInput
from assay_server.gateway.masking import HeldText
from assay_server.gateway.policy import Policy, policy_of
from tests.fakes.gateway import World, release
from tests.fakes.provider import Behaviour

MAIL = "ann.lee@example.org"
ASKED = [{"role": "user", "content": f"My address is {MAIL}, what now?"}]


def guarded(world: World, policy: dict[str, Any], **more: Any) -> str:
    return world.registry.add_release(release(prompts={}, model="fake/m", guard_policy=policy, **more))


def decisions(span: Any) -> list[tuple[str, str, list[str]]]:
    return [(told["side"], told["action"], told["found"]) for told in span.attributes["assay.guard"]]


def said(text: str) -> str:
    payloads = [json.loads(block[6:]) for block in text.split("\n\n") if block.startswith("data: {")]
    deltas = [choice["delta"] for payload in payloads for choice in payload.get("choices", [])]
    return "".join(delta.get("content") or "" for delta in deltas)


async def test_observed_input_passes_and_is_told(world: World) -> None:
    model = guarded(world, {"input": {"pii": "observe"}})
    await world.post({"model": model, "messages": ASKED})
    assert world.provider.requests[0].body["messages"] == ASKED
    assert decisions(await world.span()) == [("input", "observe", ["EMAIL_ADDRESS"])]


async def test_masked_input_never_reaches_the_provider(world: World) -> None:
    model = guarded(world, {"input": {"pii": "mask"}})
    parts = [
        {"type": "text", "text": f"I am {MAIL}"},
        {"type": "image_url", "image_url": {"url": "https://x.org/a.png"}},
    ]
    await world.post({"model": model, "messages": [*ASKED, {"role": "user", "content": parts}]})
    sent = world.provider.requests[0]
    assert MAIL.encode() not in sent.raw
    assert sent.body["messages"][0]["content"] == "My address is [EMAIL_ADDRESS], what now?"
    assert sent.body["messages"][1]["content"][1] == parts[1]


async def test_masked_variables_never_reach_the_provider(world: World) -> None:
    model = world.registry.add_release(release(guard_policy={"input": {"pii": "mask"}}))
    await world.post({"model": model, "assay": {"variables": {"tone": "kind", "question": f"I am {MAIL}"}}})
    assert world.provider.requests[0].body["messages"][1]["content"] == "Question: I am [EMAIL_ADDRESS]"


async def test_the_releases_own_prompt_is_not_suspected(world: World) -> None:
    prompt = {"id": "prv", "name": "p", "version": 1, "template": {"system": f"Write to {MAIL}."}, "variables": []}
    parts = release(prompts={"answer": prompt}, guard_policy={"input": {"pii": "block"}})
    await world.post({"model": world.registry.add_release(parts), "messages": [{"role": "user", "content": "hi"}]})
    assert world.provider.requests[0].body["messages"][0]["content"] == f"Write to {MAIL}."


async def test_blocked_input_is_refused_without_a_call(world: World) -> None:
    model = guarded(world, {"input": {"pii": "block"}})
    answer = await world.post({"model": model, "messages": ASKED})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "guard_blocked"
    assert "EMAIL_ADDRESS" in error["message"]
    assert MAIL not in answer.text
    assert world.provider.requests == []
    span = await world.span()
    assert span.status == "error"
    assert decisions(span) == [("input", "block", ["EMAIL_ADDRESS"])]


async def test_clean_texts_pass_every_mode(world: World) -> None:
    for mode in ("observe", "mask", "block"):
        model = guarded(world, {"input": {"pii": mode}, "output": {"pii": mode}}, id=f"rel_{mode}")
        for stream in (False, True):
            answer = await world.post(
                {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
            )
            assert answer.status_code == 200
            assert (
                said(answer.text) if stream else answer.json()["choices"][0]["message"]["content"]
            ) == "Hello, world."
    for span in await world.spans():
        assert decisions(span) == [("input", "pass", []), ("output", "pass", [])]


async def test_a_long_input_is_refused_with_the_count(world: World) -> None:
    model = guarded(world, {"max_input_chars": 20})
    assert (await world.post({"model": model, "messages": [{"role": "user", "content": "x" * 20}]})).status_code == 200
    answer = await world.post({"model": model, "messages": [{"role": "user", "content": "x" * 21}]})
    assert answer.status_code == 413
    assert "21 characters" in answer.json()["error"]["message"]
    assert len(world.provider.requests) == 1


async def test_masked_output_whole(world: World) -> None:
    world.provider.on("m", Behaviour(words=("Write to ", MAIL, "!")))
    answer = await world.post({"model": guarded(world, {"output": {"pii": "mask"}}), "messages": ASKED})
    assert answer.json()["choices"][0]["message"]["content"] == "Write to [EMAIL_ADDRESS]!"
    assert decisions(await world.span()) == [("output", "mask", ["EMAIL_ADDRESS"])]


async def test_masked_output_streamed_in_pieces(world: World) -> None:
    words = ("Yes. ", "Write to ann", ".lee@exam", "ple.org! ", "Or call", ".")
    world.provider.on("m", Behaviour(words=words))
    answer = await world.post({"model": guarded(world, {"output": {"pii": "mask"}}), "messages": ASKED, "stream": True})
    assert said(answer.text) == "Yes. Write to [EMAIL_ADDRESS]! Or call."
    assert answer.text.endswith("data: [DONE]\n\n")
    assert decisions(await world.span()) == [("output", "mask", ["EMAIL_ADDRESS"])]


async def test_held_text_is_not_lost_where_no_reason_to_finish_is_given(world: World) -> None:
    world.provider.on("m", Behaviour(words=("Write to ", MAIL), finish=False))
    answer = await world.post({"model": guarded(world, {"output": {"pii": "mask"}}), "messages": ASKED, "stream": True})
    assert said(answer.text) == "Write to [EMAIL_ADDRESS]"
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_reasoning_and_log_probabilities_tell_nothing_either(world: World) -> None:
    pieces = [{"reasoning_content": f"They are {MAIL}"}, {"content": "Hi."}]
    world.provider.on("m", Behaviour(pieces=pieces))
    answer = await world.post({"model": guarded(world, {"output": {"pii": "mask"}}), "messages": ASKED, "stream": True})
    assert MAIL not in answer.text
    assert "They are [EMAIL_ADDRESS]" in answer.text
    logprobs = {"content": [{"token": MAIL, "logprob": -1.0}]}
    choice = {"message": {"content": f"to {MAIL}"}, "finish_reason": "stop", "logprobs": logprobs}
    world.provider.on("m", Behaviour(body=json.dumps({"choices": [choice]}).encode()))
    whole = await world.post({"model": guarded(world, {"output": {"pii": "mask"}}), "messages": ASKED})
    assert MAIL not in whole.text


@pytest.mark.parametrize("stream", [False, True])
async def test_blocked_output_never_reaches_the_caller(world: World, stream: bool) -> None:
    world.provider.on("m", Behaviour(words=("Write to ", MAIL, " now. ", "Bye.")))
    model = guarded(world, {"output": {"pii": "block"}})
    answer = await world.post({"model": model, "messages": ASKED, "stream": stream})
    assert MAIL not in answer.text
    assert "guard_blocked" in answer.text
    assert "[DONE]" not in answer.text
    span = await world.span()
    assert span.status == "error"
    assert decisions(span) == [("output", "block", ["EMAIL_ADDRESS"])]


async def test_observed_output_passes_and_is_told(world: World) -> None:
    world.provider.on("m", Behaviour(words=("Write to ", MAIL)))
    answer = await world.post(
        {"model": guarded(world, {"output": {"pii": "observe"}}), "messages": ASKED, "stream": True}
    )
    assert said(answer.text) == f"Write to {MAIL}"
    assert decisions(await world.span()) == [("output", "observe", ["EMAIL_ADDRESS"])]


async def test_a_policy_nobody_understands_lets_nothing_through(world: World) -> None:
    answer = await world.post({"model": guarded(world, {"input": {"pii": "hide"}}), "messages": ASKED})
    assert answer.status_code == 400
    assert world.provider.requests == []


def test_policies_name_all_their_faults() -> None:
    assert policy_of(None) is None
    assert policy_of({"output": {"pii": "mask"}, "max_input_chars": 5}) == Policy(None, "mask", 5)
    with pytest.raises(InvalidInput) as refused:
        policy_of({"input": {"pii": "x", "toxicity": "block"}, "output": 3, "max_input_chars": True, "other": 1})
    for fault in ("'other'", "'input.toxicity'", "'input.pii'", "'output'", "max_input_chars"):
        assert fault in refused.value.message


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["Hi", " ", ". ", "\n\n", " ann@example.org ", "4111 1111 ", "1111 1111", "!", " 7. "])),
    st.data(),
)
def test_a_held_text_ends_as_the_whole_would_wherever_it_is_cut(words: list[str], data: st.DataObject) -> None:
    """Pieces may be cut anywhere; nothing is lost, and what is found in the whole is found in the pieces."""
    text = "".join(words)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    held = HeldText(Scrubber().scrub)
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    passed = "".join(map(held.add, pieces)) + held.end()
    assert "ann@example.org" not in passed
    if not held.found:
        assert passed == text
