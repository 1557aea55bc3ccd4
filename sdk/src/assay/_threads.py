"""Threads and streams that carry on the trace: Python copies context variables into tasks, but not into threads, and
what yields is run in the context of whoever reads it."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import Any, Generic, ParamSpec, TypeVar, overload

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(function: Callable[P, T]) -> Callable[P, T]:
    """`function` with the context of here and now, wherever it is called: `Thread(target=assay.in_thread(work))`.

    (`asyncio.to_thread` carries the context by itself.)
    """
    here = copy_context()

    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        # A copy for each call: a context can be entered by one thread at a time.
        return here.copy().run(function, *args, **kwargs)

    return carried


class Executor(ThreadPoolExecutor):
    """A thread pool whose work belongs to the trace it was submitted in."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(in_thread(fn), *args, **kwargs)


def executor(max_workers: int | None = None) -> Executor:
    """`ThreadPoolExecutor(max_workers)`, carrying the context of each `submit` and `map`."""
    return Executor(max_workers, thread_name_prefix="assay")


@overload
def carry(stream: Iterator[T]) -> Generator[T, None, None]: ...


@overload
def carry(stream: AsyncIterator[T]) -> AsyncGenerator[T, None]: ...


def carry(stream: Iterator[T] | AsyncIterator[T]) -> Generator[T, None, None] | AsyncGenerator[T, None]:
    """What yields, with the context of here and now, whoever reads it: `StreamingResponse(assay.carry(answer(q)))`.

    A web framework reads a stream when the request's function, and so its span and its `assay.context`, has ended.
    """
    here = copy_context()
    return _carried_async(stream, here) if isinstance(stream, AsyncIterator) else _carried(stream, here)


def _carried(stream: Iterator[T], here: Context) -> Generator[T, None, None]:
    end = object()
    try:
        while (item := here.run(next, stream, end)) is not end:
            yield item  # type: ignore[misc]  # it is no end
    finally:
        if isinstance(stream, Generator):
            here.run(stream.close)


async def _carried_async(stream: AsyncIterator[T], here: Context) -> AsyncGenerator[T, None]:
    try:
        while True:
            try:
                item = await _In(here, stream.__anext__())
            except StopAsyncIteration:
                return
            yield item
    finally:
        if isinstance(stream, AsyncGenerator):
            await _In(here, stream.aclose())


class _In(Generic[T]):
    """Awaits something in another context, in the same task: what is open across its steps may mind the task."""

    def __init__(self, here: Context, awaited: Awaitable[T]) -> None:
        self._here = here
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, T]:
        steps = self._awaited.__await__()
        advance: Callable[[], Any] = lambda: steps.send(None)  # noqa: E731
        while True:
            try:
                waits_for = self._here.run(advance)
            except StopIteration as stop:
                result: T = stop.value
                return result
            try:
                sent = yield waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation, handed on
                advance = lambda error=error: steps.throw(error)  # type: ignore[misc]  # noqa: E731
            else:
                advance = lambda sent=sent: steps.send(sent)  # type: ignore[misc]  # noqa: E731
