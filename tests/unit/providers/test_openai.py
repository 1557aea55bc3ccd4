"""OpenAI's dialect without sockets: bytes in, events and a transcript out."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_server.core.errors import InvalidInput, UpstreamError
from assay_server.core.records import Tokens
from assay_server.providers import DONE, Endpoint, Transcript, dialect, failure
from assay_server.providers.openai import tokens_of
from assay_server.providers.sse import Splitter, data_of


def event(**parts: Any) -> bytes:
    return b"data: " + json.dumps({"choices": []} | parts).encode() + b"\n\n"


def piece(text: str | None = None, finish: str | None = None, index: int = 0) -> bytes:
    delta = {} if text is None else {"content": text}
    return event(choices=[{"index": index, "delta": delta, "finish_reason": finish}])


def read(*data: bytes, keep_usage: bool = False) -> tuple[list[bytes], Transcript]:
    said = Transcript()
    reader = dialect("openai").reader(said, keep_usage=keep_usage)
    events = [found for chunk in data for found in reader.feed(chunk)]
    return [found.raw for found in [*events, *reader.finish()]], said


@given(st.lists(st.text(max_size=12), max_size=6), st.lists(st.integers(1, 40), max_size=12))
def test_a_stream_reads_the_same_however_it_is_cut(words: list[str], cuts: list[int]) -> None:
    events = [*map(piece, words), piece(finish="stop"), DONE]
    whole, slices = b"".join(events), []
    for cut in cuts:
        slices.append(whole[:cut])
        whole = whole[cut:]
    passed, said = read(*slices, whole)
    assert passed == events
    assert said.text == "".join(words)
    assert said.finish_reasons == ["stop"]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_events_end_in_any_blank_line(end: bytes) -> None:
    splitter = Splitter()
    assert splitter.feed(b"data: a" + end + b"data: b") == [b"data: a" + end]
    assert splitter.feed(end) == [b"data: b" + end]
    assert splitter.rest() == b""


@pytest.mark.parametrize(
    ("block", "data"),
    [
        (b"data: a\n\n", b"a"),
        (b"data:a\r\n\r\n", b"a"),
        (b"event: x\ndata: a\ndata:  b\n\n", b"a\n b"),
        (b": ping\n\n", None),
        (b"id: 1\n\n", None),
        (b"\n\n", None),
    ],
)
def test_the_payload_of_an_event(block: bytes, data: bytes | None) -> None:
    assert data_of(block) == data


def test_an_event_without_an_end_is_refused() -> None:
    splitter = Splitter(limit=10)
    with pytest.raises(UpstreamError, match="more than 10 bytes"):
        splitter.feed(b"data: " + b"x" * 10)


def test_comments_pass_and_noise_does_not() -> None:
    passed, _ = read(b": ping\n\n", b"event: odd\n\n", piece("a", "stop"), DONE)
    assert passed == [b": ping\n\n", piece("a", "stop"), DONE]


def test_what_follows_done_is_dropped() -> None:
    passed, said = read(piece("a", "stop") + DONE + DONE + piece("b"), DONE)
    assert passed == [piece("a", "stop"), DONE]
    assert said.text == "a"


def test_usage_is_noted_and_held_back_unless_wanted() -> None:
    usage = event(usage={"prompt_tokens": 3, "completion_tokens": 2})
    for keep in (False, True):
        passed, said = read(piece("a", "stop"), usage, DONE, keep_usage=keep)
        assert (usage in passed) is keep
        assert said.tokens == Tokens(fresh_input=3, output=2)


def test_an_empty_choice_list_without_usage_passes() -> None:
    filtered = event(prompt_filter_results=[])
    assert filtered in read(filtered, piece("a", "stop"), DONE)[0]


def test_the_last_blank_line_may_be_missing() -> None:
    passed, _ = read(piece("a", "stop"), b"data: [DONE]")
    assert passed[-1] == DONE


def test_every_choice_must_have_finished() -> None:
    with pytest.raises(UpstreamError, match="middle of the answer"):
        read(piece("a", "stop", 0), piece("b", None, 1))
    assert read(piece("a", "stop", 0), piece("b", "length", 1))[0][-1] == DONE


def test_what_came_before_a_fault_comes_out_first() -> None:
    reader = dialect("openai").reader(Transcript(), keep_usage=False)
    events = reader.feed(piece("a") + b"data: {no json\n\n")
    assert next(events).raw == piece("a")
    with pytest.raises(UpstreamError, match="no chat completion"):
        next(events)


def test_content_in_parts_and_reasoning_are_understood() -> None:
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Hi"}]
    body = {"choices": [{"message": {"content": parts, "reasoning": "hm", "refusal": "no"}, "finish_reason": "stop"}]}
    said = Transcript()
    dialect("openai").answer(json.dumps(body).encode(), said)
    assert said.messages() == [{"role": "assistant", "content": "Hi", "reasoning": "hm", "refusal": "no"}]


@pytest.mark.parametrize(
    "broken", [{"tool_calls": [3]}, {"tool_calls": "x"}, {"tool_calls": [{"function": "f"}]}, {"content": 3}]
)
def test_odd_values_do_not_break_an_answer(broken: dict[str, Any]) -> None:
    body = {"id": 3, "model": 4, "choices": [{"message": broken, "finish_reason": "stop"}]}
    said = Transcript()
    dialect("openai").answer(json.dumps(body).encode(), said)
    assert (said.id, said.model, said.text) == (None, None, "")


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5}, Tokens(10, None, None, 5, None)),
        ({"prompt_tokens": 10}, Tokens(10)),
        (
            {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1}},
            Tokens(5, 4, 1),
        ),
        ({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}}, Tokens(None, 40)),
        (
            {"prompt_tokens": 1, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 4}},
            Tokens(1, None, None, 5, 4),
        ),
        (
            {"prompt_tokens": 1, "completion_tokens": 9, "total_tokens": 14}
            | {"completion_tokens_details": {"reasoning_tokens": 4}},
            Tokens(1, None, None, 9, 4),
        ),
        ({"prompt_tokens": 10, "prompt_tokens_details": None, "completion_tokens": 0}, Tokens(10, None, None, 0, None)),
        ({}, None),
        (None, None),
    ],
)
def test_tokens_fall_into_disjoint_buckets(usage: Any, tokens: Tokens | None) -> None:
    assert tokens_of(usage) == tokens


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.dictionaries(
            st.sampled_from(
                ["prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "cached_tokens"]
            ),
            inner,
        ),
    )
)
def test_no_usage_gives_a_negative_count(usage: Any) -> None:
    tokens = tokens_of(usage)
    counts = [] if tokens is None else [tokens.fresh_input, tokens.cache_read, tokens.output, tokens.reasoning]
    assert all(count is None or count >= 0 for count in counts)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7.0), ("0", 0.0), ("1.5", 1.5), ("-1", None), ("nan", None), ("soon", None), (None, None)],
)
def test_retry_after_in_seconds(told: str | None, seconds: float | None) -> None:
    assert failure(429, {} if told is None else {"Retry-After": told}, b"").retry_after_s == seconds


def test_retry_after_as_a_date() -> None:
    future, past = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)
    seconds = failure(503, {"Retry-After": format_datetime(future, usegmt=True)}, b"").retry_after_s
    assert seconds is not None
    assert 3000 < seconds <= 3600
    assert failure(503, {"Retry-After": format_datetime(past, usegmt=True)}, b"").retry_after_s == 0.0


def test_only_a_dialects_own_error_is_passed_on() -> None:
    own = b'{"error": {"message": "m"}}'
    assert failure(400, {}, own).body == own
    for other in (b'{"error": "m"}', b"<html>", b"", b"[]", b"\xff"):
        assert failure(400, {}, other).body is None
    assert failure(302, {}, b"").status == 502


def test_an_endpoint_does_not_show_its_key() -> None:
    endpoint = Endpoint("openai", "https://api.example.org/v1/", "sk-secret")
    assert "secret" not in repr(endpoint) + str(endpoint)
    request = dialect("openai").request(endpoint, b"{}", {"traceparent": "t"})
    assert request.url == "https://api.example.org/v1/chat/completions"
    assert request.headers["Authorization"] == "Bearer sk-secret"


def test_an_unknown_kind_names_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="use one of: openai"):
        dialect("gopher")


def test_a_failure_says_what_the_provider_said() -> None:
    own = b'{"error": {"message": "bad field \xc3\xa9.", "type": "invalid_request_error"}}'
    assert failure(400, {}, own).message == "The provider answered 400: bad field é."
    assert failure(400, {}, b'{"error": {"code": "x"}}').message == "The provider answered 400."
    assert failure(500, {}, b"oops").message == "The provider answered 500: oops."
