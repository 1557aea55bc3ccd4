"""Always, however a call ends: its end is noted and its span handed to the writer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

from assay_server.core.errors import AssayError, UpstreamError
from assay_server.gateway.call import Call, Events, Failure, Reply
from assay_server.gateway.pipeline import Next
from assay_server.gateway.recorder import Recorder
from assay_server.providers import Event

GONE = Failure("client_disconnected: the caller went away before the answer was whole", "client_disconnected", 499)
"""499 as nginx counts it: nobody was there to be told a status."""


class Record:
    """The outermost step. A streamed call ends when its stream does."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        try:
            reply = await proceed(call)
        except BaseException as error:
            self._end(call, _failure_of(error))
            raise
        if reply.events is None:
            self._end(call, None)
        else:
            reply.events = _Recorded(reply, reply.events, partial(self._end, call))
        return reply

    def _end(self, call: Call, failure: Failure | None) -> None:
        call.took_s = time.perf_counter() - call.started
        call.failure = failure
        self._recorder.offer(call)


class _Recorded:
    """A stream that tells its end once, whichever it is, and hangs up on the provider where it ends early.

    Not a generator: closing one that was never started would do neither.
    """

    def __init__(self, reply: Reply, events: Events, end: Callable[[Failure | None], None]) -> None:
        self._events = events
        self._hang_up = reply.hang_up
        self._end: Callable[[Failure | None], None] | None = end

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        return self

    async def __anext__(self) -> list[Event]:
        try:
            return await self._events.__anext__()
        except StopAsyncIteration:
            self._tell(None)
            raise
        except BaseException as error:
            await self._break_off(_failure_of(error))
            raise

    async def aclose(self) -> None:
        if self._end is not None:
            await self._break_off(GONE)

    async def _break_off(self, failure: Failure) -> None:
        self._tell(failure)
        if self._hang_up is not None:
            self._hang_up()
        await self._events.aclose()

    def _tell(self, failure: Failure | None) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(failure)


def _failure_of(error: BaseException) -> Failure:
    """A cancelled call and a closed stream are one thing: whoever asked does not wait any more."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return GONE
    if isinstance(error, AssayError):
        return Failure(str(error), error.code, error.status if isinstance(error, UpstreamError) else None)
    return Failure(f"{type(error).__name__}: {error}", "unexpected")
