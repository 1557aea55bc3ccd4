"""Threads that carry on the trace: Python copies context variables into tasks, but not into threads."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

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
