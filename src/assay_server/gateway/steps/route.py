"""The innermost step: sends the call to its target and brings the answer back, whole or as a stream.

A stream's reply is given when its first part is there: until then every fault can still be a proper HTTP error,
and a step further out may try another target.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import msgspec

from assay_server.core.errors import UpstreamError
from assay_server.gateway.call import Call, Reply
from assay_server.gateway.config import Limits
from assay_server.gateway.endpoints import Endpoints
from assay_server.gateway.plan import Target
from assay_server.gateway.reading import deadline, hung_up_on_failure, read, read_start
from assay_server.providers import Dialect, Event, Incoming, Outgoing, Upstream, failure

_Batches = AsyncGenerator[list[Event], None]

_PASSED_ON = ("x-ratelimit-", "openai-")
_DRAIN_S = 0.25

_WITH_USAGE = msgspec.Raw(b'{"include_usage":true}')


class Route:
    """Targets are a list of one for now."""

    def __init__(self, endpoints: Endpoints, upstream: Upstream, limits: Limits) -> None:
        self._endpoints = endpoints
        self._upstream = upstream
        self._limits = limits
        self._draining: set[asyncio.Task[None]] = set()

    async def __call__(self, call: Call) -> Reply:
        target = call.targets[0]
        endpoint, dialect = await self._endpoints.get(call.project, target.provider)
        self._endpoints.check(endpoint, target.model)
        request = dialect.request(endpoint, _body(call, target), call.trace.headers())
        if call.stream:
            return await self._streamed(call, dialect, request)
        return await self._whole(call, dialect, request)

    async def _whole(self, call: Call, dialect: Dialect, request: Outgoing) -> Reply:
        limit = self._limits.answer_s
        async with deadline(limit, f"The provider did not answer within {limit:g} s."):
            incoming = await self._upstream.send(request)
            with hung_up_on_failure(incoming):
                await self._refuse_failure(incoming)
                body = await read(incoming, self._limits.largest_answer)
        dialect.answer(body, call.transcript)
        return Reply(_headers(incoming.headers, "application/json"), body=body)

    async def _streamed(self, call: Call, dialect: Dialect, request: Outgoing) -> Reply:
        limit = self._limits.first_token_s
        async with deadline(limit, f"The provider sent no part of an answer within {limit:g} s."):
            incoming = await self._upstream.send(request)
            with hung_up_on_failure(incoming):
                await self._refuse_failure(incoming)
                await self._refuse_whole(incoming)
                events = _events(call, dialect, incoming)
                begun = await _until_begun(events)
        return Reply(
            _headers(incoming.headers, "text/event-stream; charset=utf-8") | {"cache-control": "no-cache"},
            events=self._rest(begun, events, incoming),
            hang_up=incoming.close,
        )

    async def _rest(self, begun: list[Event], events: _Batches, incoming: Incoming) -> _Batches:
        """The stream from its first part on. With its last event it is over, though the connection may go on."""
        between_s = self._limits.between_tokens_s
        async with aclosing(events):
            yield begun
            while True:
                try:
                    async with asyncio.timeout(between_s):
                        batch = await anext(events, None)
                except TimeoutError as error:
                    raise UpstreamError(f"The provider sent nothing for {between_s:g} s.", status=504) from error
                if batch is None:
                    break
                yield batch
        # Nobody waits for it: OpenAI's clients leave at `[DONE]`, and would have left before the end.
        draining = asyncio.create_task(_drain(incoming))
        self._draining.add(draining)
        draining.add_done_callback(self._draining.discard)

    async def _refuse_failure(self, incoming: Incoming) -> None:
        if not 200 <= incoming.status < 300:
            raise failure(incoming.status, incoming.headers, await read_start(incoming, self._limits.largest_error))

    async def _refuse_whole(self, incoming: Incoming) -> None:
        """A vendor that answers JSON where a stream was asked for mostly reports an error in it."""
        kind = incoming.headers.get("Content-Type", "")
        if kind.startswith(("application/json", "text/html")):
            raise failure(502, incoming.headers, await read_start(incoming, self._limits.largest_error))


def _body(call: Call, target: Target) -> bytes:
    """The caller's fields as they came, but for those that must change."""
    fields = call.fields
    fields["model"] = msgspec.Raw(msgspec.json.encode(target.model))
    if call.stream and not call.keep_usage:
        fields["stream_options"] = _asking_for_usage(fields.get("stream_options"))
    return msgspec.json.encode(fields)


def _asking_for_usage(options: msgspec.Raw | None) -> msgspec.Raw:
    told = None if options is None else msgspec.json.decode(options)
    return _WITH_USAGE if not told else msgspec.Raw(msgspec.json.encode({**told, "include_usage": True}))


async def _events(call: Call, dialect: Dialect, incoming: Incoming) -> _Batches:
    """Batches of events as they come in, noted in the transcript. What came before a fault is handed on first."""
    reader = dialect.reader(call.transcript, keep_usage=call.keep_usage)
    async with aclosing(incoming.chunks()) as chunks:
        async for chunk in chunks:
            batch: list[Event] = []
            try:
                for event in reader.feed(chunk):
                    if event.begins and call.first_s is None:
                        call.first_s = time.perf_counter() - call.started
                    batch.append(event)
            except UpstreamError:
                if batch:
                    yield batch
                raise
            if batch:
                yield batch
            if reader.done:
                return
    if last := list(reader.finish()):
        yield last


async def _until_begun(events: _Batches) -> list[Event]:
    """The events up to the first that carries a part of the answer; all of them where the answer is empty."""
    begun: list[Event] = []
    async for batch in events:
        begun += batch
        if any(event.begins for event in batch):
            break
    return begun


async def _drain(incoming: Incoming) -> None:
    """Reads to the end of the body, so that the connection can serve the next call; does not wait for it long."""
    try:
        async with asyncio.timeout(_DRAIN_S), aclosing(incoming.chunks()) as chunks:
            async for _ in chunks:
                pass
    except (TimeoutError, UpstreamError):
        incoming.close()
    else:
        await incoming.release()


def _headers(theirs: Mapping[str, str], kind: str) -> dict[str, str]:
    """What of the provider's headers is the caller's business."""
    ours = {"content-type": kind}
    for name, value in theirs.items():
        if (low := name.lower()).startswith(_PASSED_ON):
            ours[low] = value
    if (request_id := theirs.get("x-request-id")) is not None:
        ours["x-upstream-request-id"] = request_id
    return ours
