"""OpenAI's chat completions, as its vendors really speak it: strict where a caller would break, lenient elsewhere.

Reference: https://platform.openai.com/docs/api-reference/chat and /chat-streaming.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from assay_server.core.errors import UpstreamError
from assay_server.core.records import Tokens
from assay_server.providers.failures import failure
from assay_server.providers.sse import Splitter, data_of
from assay_server.providers.transcript import LEAST_LOGPROB, Event, Said, ToolCall, Transcript
from assay_server.providers.upstream import Endpoint, Outgoing

DONE = b"data: [DONE]\n\n"


class OpenAi:
    """The dialect of every OpenAI-compatible vendor: a base URL and, mostly, a key."""

    def request(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> Outgoing:
        """A chat call; `headers` are those of the trace."""
        ours = {"Content-Type": "application/json", **_identity(endpoint), **headers}
        return Outgoing(f"{endpoint.base_url.rstrip('/')}/chat/completions", ours, body)

    def models_request(self, endpoint: Endpoint) -> Outgoing:
        return Outgoing(f"{endpoint.base_url.rstrip('/')}/models", _identity(endpoint), method="GET")

    def models(self, body: bytes) -> list[str]:
        """The names in an answer to `models_request`. Raises UpstreamError where it is none."""
        try:
            listed = msgspec.json.decode(body, type=_Models)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UpstreamError(f"The provider sent what is no list of models: {error}") from error
        return [model.id for model in listed.data]

    def answer(self, body: bytes, into: Transcript) -> None:
        """Reads a whole answer. Raises UpstreamError where it is none."""
        chunk = _decoded(body)
        _refuse_error(chunk, body)
        if chunk.choices is None:
            raise UpstreamError("The provider's answer holds no choices.")
        _note(chunk, into)

    def reader(self, into: Transcript, *, keep_usage: bool) -> "OpenAiReader":
        return OpenAiReader(into, keep_usage=keep_usage)


class OpenAiReader:
    """Reads one streamed answer into a transcript and hands its events on as they came.

    `keep_usage=False` holds back the last event that holds nothing but the usage: the caller did not ask for it.
    """

    def __init__(self, into: Transcript, *, keep_usage: bool) -> None:
        self._into = into
        self._keep_usage = keep_usage
        self._splitter = Splitter()
        self.done = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that `data` completes. What follows `[DONE]` is dropped. Raises UpstreamError."""
        for block in self._splitter.feed(data):
            if self.done:
                return
            event = self._read(block)
            if event is not None:
                yield event

    def finish(self) -> Iterator[Event]:
        """At the end of the body: nothing after a clean end. Raises UpstreamError where the answer is not whole.

        Some vendors leave out the last blank line, or `[DONE]` itself after every choice has finished.
        """
        if not self.done and self._splitter.rest().strip():
            yield from self.feed(b"\n\n")
        if self.done:
            return
        said = self._into.choices.values()
        if not said or any(choice.finish_reason is None for choice in said):
            raise UpstreamError("The provider's stream ended in the middle of the answer.")
        self.done = True
        yield Event(DONE)

    def _read(self, block: bytes) -> Event | None:
        data = data_of(block)
        if data is None:
            return Event(block) if block.startswith(b":") else None  # a comment keeps the connection alive
        if data.strip() == b"[DONE]":
            self.done = True
            return Event(DONE)
        chunk = _decoded(data)
        _refuse_error(chunk, data)
        begins = _note(chunk, self._into)
        if chunk.usage is not None and not chunk.choices and not self._keep_usage:
            return None
        return Event(block, begins)


class _Part(msgspec.Struct):
    """A message or a delta. `Any`: a vendor's odd value must not break an answer that is otherwise fine."""

    content: Any = None
    reasoning_content: Any = None  # DeepSeek, llama.cpp, vLLM
    reasoning: Any = None  # OpenRouter, Groq
    refusal: Any = None
    tool_calls: Any = None
    function_call: Any = None
    audio: Any = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Part | None = None
    message: _Part | None = None
    finish_reason: str | None = None
    logprobs: Any = None  # asked for by few


class _Chunk(msgspec.Struct):
    """A whole answer or one piece of a streamed one."""

    id: Any = None
    model: Any = None
    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


_decode = msgspec.json.Decoder(_Chunk).decode


def _identity(endpoint: Endpoint) -> dict[str, str]:
    ours = {"User-Agent": "assay"}
    if endpoint.key is not None:
        ours["Authorization"] = f"Bearer {endpoint.key}"
    return ours


def _decoded(data: bytes) -> _Chunk:
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamError(f"The provider sent what is no chat completion: {error}") from error


def _refuse_error(chunk: _Chunk, data: bytes) -> None:
    """Some vendors report a failure inside a 200."""
    if chunk.error is not None:
        code = chunk.error.get("code") if isinstance(chunk.error, dict) else None
        raise failure(code if isinstance(code, int) and 400 <= code < 600 else 502, {}, data)


def _note(chunk: _Chunk, into: Transcript) -> bool:
    """Adds a piece to the transcript; whether it carries a part of the answer."""
    if into.id is None and isinstance(chunk.id, str):
        into.id = chunk.id
    if into.model is None and isinstance(chunk.model, str):
        into.model = chunk.model
    if chunk.usage is not None:
        into.tokens = tokens_of(chunk.usage)
    begins = False
    for choice in chunk.choices or ():
        said = into.choice(choice.index)
        if choice.finish_reason is not None:
            said.finish_reason = choice.finish_reason
            begins = True
        if choice.logprobs is not None:
            _note_logprobs(choice.logprobs, into)
        part = choice.delta or choice.message
        begins |= part is not None and _say(part, said)
    return begins


def _say(part: _Part, said: Said) -> bool:
    if type(part.content) is str and part.content:
        said.text.append(part.content)
        if part.tool_calls is None:
            return True
    elif isinstance(part.content, list):
        said.text.extend(text for text in map(_text_of, part.content) if text)
    reasoning = part.reasoning_content or part.reasoning
    if isinstance(reasoning, str):
        said.reasoning.append(reasoning)
    if isinstance(part.refusal, str) and part.refusal:
        said.refusal.append(part.refusal)
    if isinstance(part.tool_calls, list):
        _call_tools(part.tool_calls, said)
    return bool(part.content or reasoning or part.refusal or part.tool_calls or part.function_call or part.audio)


def _note_logprobs(logprobs: Any, into: Transcript) -> None:
    """`{"content": [{"token", "logprob", …}]}`: of each token that was chosen, never of those that were not."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    for token in content if isinstance(content, list) else ():
        value = token.get("logprob") if isinstance(token, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
            into.logprob_sum += max(float(value), LEAST_LOGPROB)
            into.logprob_tokens += 1


def _text_of(item: Any) -> str | None:
    """Content as parts, `[{"type": "text", "text": …}]`, as Mistral sends it beside its thinking."""
    text = item.get("text") if isinstance(item, dict) else None
    return text if isinstance(text, str) else None


def _call_tools(calls: list[Any], said: Said) -> None:
    for position, call in enumerate(calls):
        if not isinstance(call, dict):
            continue
        index = call.get("index")
        known = said.tool_calls.setdefault(index if isinstance(index, int) else position, ToolCall())
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        known.id = call.get("id") or known.id
        known.name = function.get("name") or known.name
        if isinstance(arguments := function.get("arguments"), str):
            known.arguments.append(arguments)


def tokens_of(usage: Any) -> Tokens | None:
    """Disjoint buckets from OpenAI's usage, where prompt tokens include cached and completion tokens reasoning ones.

    xAI counts reasoning beside the completion; its total tells. None where the numbers cannot be.
    """
    if not isinstance(usage, dict):
        return None
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    read = _count(usage.get("prompt_tokens_details"), "cached_tokens")
    write = _count(usage.get("prompt_tokens_details"), "cache_write_tokens")
    reasoning = _count(usage.get("completion_tokens_details"), "reasoning_tokens")
    total = _count(usage, "total_tokens")
    beside = bool(reasoning) and total is not None and total == _sum(prompt, completion, reasoning)
    fresh = _without(prompt, _sum(read, write))
    output = completion if beside else _without(completion, reasoning or 0)
    if prompt is None and completion is None:
        return None
    return Tokens(fresh, read, write, output, reasoning)


def _count(holder: Any, name: str) -> int | None:
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _sum(*counts: int | None) -> int:
    return sum(count or 0 for count in counts)


def _without(whole: int | None, part: int) -> int | None:
    """What is left of a total; a part larger than its whole makes it unknown."""
    return None if whole is None or part > whole else whole - part
