"""What is asked: the application under test over HTTP, or a release through the gateway."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp

from assay_server.core.errors import AssayError, InvalidInput, RetryableError, UpstreamError
from assay_server.core.ports import Complete, CompletionRequest
from assay_server.core.records import Tokens
from assay_server.evals.items import Item, as_text

_ATTEMPTS = 3
_LONGEST_WAIT_S = 30.0
_TIMEOUT_S = 120.0
_LARGEST_ANSWER = 4 * 1024 * 1024
_INSTRUCTIONS = ("system", "developer")


@dataclass(slots=True, frozen=True)
class Trace:
    """Ids of the runner's own span: the root of what the target does for this item."""

    trace_id: str
    span_id: str

    @classmethod
    def new(cls) -> Self:
        return cls(secrets.token_hex(16), secrets.token_hex(8))

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-01"


@dataclass(slots=True, frozen=True)
class Answer:
    """What the target said. `latency_ms` is of the attempt that answered; None where a recorded answer does not say."""

    output: str
    contexts: Sequence[Mapping[str, Any]]
    latency_ms: float | None = None
    cost: float | None = None
    tokens: Tokens | None = None


class Target(Protocol):
    """Raises AssayError when there is no answer; a RetryableError may be asked again."""

    async def ask(self, item: Item, run: str, trace: Trace) -> Answer: ...


async def ask_patiently(target: Target, item: Item, run: str, trace: Trace) -> Answer:
    """Asks up to three times where the target says that it may help, waiting as long as it asks for (30 s at most)."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return await target.ask(item, run, trace)
        except RetryableError as error:
            if not _worth_another(error):
                raise
            await asyncio.sleep(min(error.retry_after_s or 0.2 * 2**attempt, _LONGEST_WAIT_S))
    return await target.ask(item, run, trace)


class EndpointTarget:
    """POSTs `{"input", "release", "run", "item"}` and reads `{"output", "contexts": [{"id", "text", "score"}]}`.

    An asynchronous context manager: one pooled client for the whole run.
    """

    def __init__(self, url: str, release: str | None, *, concurrency: int, timeout_s: float = _TIMEOUT_S) -> None:
        self._url = url
        self._release = release
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),  # items must not see each other
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(self, item: Item, run: str, trace: Trace) -> Answer:
        body = {"input": item.input, "release": self._release, "run": run, "item": item.id}
        started = time.perf_counter()
        try:
            async with self._session.post(self._url, json=body, headers=_headers(run, item, trace)) as response:
                raw = await _bounded(response)
                elapsed_ms = (time.perf_counter() - started) * 1000
                _raise_for_status(response, raw)
        except TimeoutError as error:
            raise UpstreamError("The endpoint did not answer in time.") from error
        except aiohttp.ClientError as error:
            raise UpstreamError(f"The endpoint could not be reached: {type(error).__name__}.") from error
        return _parse(raw, elapsed_ms)


class ReleaseTarget:
    """Calls the release through the gateway: what is tested is what ships."""

    def __init__(self, complete: Complete, project: str, release: Mapping[str, Any]) -> None:
        self._complete = complete
        self._project = project
        self._release = release

    async def ask(self, item: Item, run: str, trace: Trace) -> Answer:
        messages, variables = prompt_inputs(self._release, item)
        answer = await self._complete(
            CompletionRequest(
                project=self._project,
                model=f"release:{self._release['id']}",
                messages=messages,
                variables=variables,
                user=None,
                traceparent=trace.traceparent,
                run=run,
                item=item.id,
            )
        )
        return Answer(answer.text, item.contexts, answer.latency_ms, answer.cost, answer.tokens)


def prompt_inputs(release: Mapping[str, Any], item: Item) -> tuple[list[dict[str, Any]], dict[str, str] | None]:
    """The caller's messages and the prompt's variables for an item.

    A prompt with variables is rendered whole: each takes the item's field of its name, `context` or `contexts` the
    item's contexts, and the one that is left over takes a plain text input, of a conversation what the user said last.
    A prompt without variables is put before the item's text as the user's message, or before its conversation, in place
    of the instructions there. Raises InvalidInput for a variable that the item does not have.
    """
    wanted = [name for prompt in release["prompts"].values() for name in prompt.get("variables", ())]
    if not wanted:
        return _messages(release, item), None
    known = _fields(item)
    missing = [name for name in dict.fromkeys(wanted) if name not in known]
    if missing and (asked := _asked(item)) is not None:
        known[missing.pop(0)] = asked
    if missing:
        raise InvalidInput(
            f"The prompt's variable '{missing[0]}' has no field in item '{item.id}'.",
            field="input",
            value=missing[0],
            fix="give the item an object as input, with a field for each variable",
        )
    return [], {name: known[name] for name in wanted}


def _messages(release: Mapping[str, Any], item: Item) -> list[dict[str, Any]]:
    told = item.messages
    if told is None:
        return [{"role": "user", "content": item.text}]
    if not any(_instructs(prompt["template"]) for prompt in release["prompts"].values()):
        return told
    return [message for message in told if message["role"] not in _INSTRUCTIONS]


def _instructs(template: Mapping[str, Any]) -> bool:
    messages = template.get("messages") or ()
    return bool(template.get("system")) or any(message["role"] in _INSTRUCTIONS for message in messages)


def _asked(item: Item) -> str | None:
    """The one text that was asked; None for an object of fields."""
    if isinstance(item.input, str):
        return item.input
    said = [message.get("content") for message in item.messages or () if message["role"] == "user"]
    return as_text(said[-1]) if said else None


def _fields(item: Item) -> dict[str, str]:
    joined = "\n\n".join(str(context.get("text") or "") for context in item.contexts)
    known = {"context": joined, "contexts": joined} if item.contexts else {}
    if isinstance(item.input, Mapping):
        known.update({str(name): as_text(value) for name, value in item.input.items()})
    else:
        known["input"] = item.text
    return known


def _worth_another(error: RetryableError) -> bool:
    """An upstream's own 4xx will be the same next time; 408, 429, 5xx and lost connections may not."""
    status = error.status if isinstance(error, UpstreamError) else None
    return status is None or status in (408, 429) or status >= 500


def _headers(run: str, item: Item, trace: Trace) -> dict[str, str]:
    return {"traceparent": trace.traceparent, "x-assay-run": run, "x-assay-item": item.id}


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    raw = await response.content.read(_LARGEST_ANSWER + 1)
    while len(raw) <= _LARGEST_ANSWER and not response.content.at_eof():
        raw += await response.content.read(_LARGEST_ANSWER + 1 - len(raw))
    if len(raw) > _LARGEST_ANSWER:
        raise InvalidInput("The endpoint's answer is larger than 4 MiB.", field="endpoint")
    return raw


def _raise_for_status(response: aiohttp.ClientResponse, raw: bytes) -> None:
    if response.status == 200:
        return
    said = raw[:200].decode(errors="replace").strip()
    raise UpstreamError(
        f"The endpoint answered {response.status}{': ' + said if said else ''}",
        status=response.status,
        retry_after_s=_retry_after(response.headers.get("Retry-After")),
    )


def _retry_after(header: str | None) -> float | None:
    try:
        return None if header is None else max(0.0, float(header))
    except ValueError:  # a date: rare, and our own wait is as good
        return None


def _parse(raw: bytes, elapsed_ms: float) -> Answer:
    import msgspec

    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise InvalidInput("The endpoint's answer is not JSON.", field="endpoint", fix=_SHAPE) from error
    if not isinstance(body, dict) or "output" not in body:
        raise InvalidInput("The endpoint's answer has no 'output'.", field="output", fix=_SHAPE)
    contexts = body.get("contexts") or []
    if not isinstance(contexts, list) or not all(isinstance(context, dict) for context in contexts):
        raise InvalidInput("The endpoint's 'contexts' is not a list of objects.", field="contexts", fix=_SHAPE)
    return Answer(as_text(body["output"]), contexts, elapsed_ms)


_SHAPE = 'answer {"output": "…", "contexts": [{"id", "text", "score"}]}'


def in_words(error: AssayError) -> str:
    """An error as it is stored with the item."""
    return error.message[:500]
