"""`assay.loop_guard`: stops an agent that calls a tool again and again with the same arguments, while it runs."""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from opentelemetry import trace

from assay._capture import simple
from assay._errors import LoopDetected

_PUNCTUATION = re.compile(r"(?<=\w)[.,;:!?]+(?=[\s\"]|$)")  # behind a word; other signs say something: 2+2, 2-2
_SPACES = re.compile(r"\s+")


class Guard:
    """Counts the calls of one run of an agent. `triggered` says whether it stopped one."""

    def __init__(self, max_calls: int, at: trace.Span) -> None:
        self.max_calls = max_calls
        self.triggered = False
        self._at = at
        self._seen: Counter[tuple[str, str]] = Counter()

    def call(self, tool: str, arguments: Any) -> None:
        """Counts a call. Raises LoopDetected for one too many; call it yourself for tools that are not observed."""
        key = (tool, _canonical(arguments))
        self._seen[key] += 1
        if self._seen[key] <= self.max_calls:
            return
        self.triggered = True
        for span in (self._at, trace.get_current_span()):
            if span.is_recording():
                span.set_attribute("circuit_breaker", "triggered")
                span.set_attribute("circuit_breaker.tool", tool)
        raise LoopDetected(
            f"'{tool}' was about to be called for the {self._seen[key]}th time with the same arguments.",
            field="tool",
            value=tool,
            fix=f"give the agent another way out, or raise max_calls (now {self.max_calls})",
        )


def _canonical(arguments: Any) -> str:
    """Arguments without the order of keys, case, spaces and the punctuation behind words."""
    text = json.dumps(simple(arguments), sort_keys=True, ensure_ascii=False)
    return _SPACES.sub(" ", _PUNCTUATION.sub("", text)).replace(' "', '"').replace('" ', '"').casefold()


_guard: ContextVar[Guard | None] = ContextVar("assay_loop_guard", default=None)


@contextlib.contextmanager
def loop_guard(max_calls: int = 5) -> Iterator[Guard]:
    """Within it, an observed tool (`@assay.observe(kind="tool")`) is called `max_calls` times with the same arguments.

    The next such call raises `LoopDetected` before the tool runs, and the span around the guard (and the tool's) gets
    `circuit_breaker: triggered`. For synchronous and asynchronous code; tasks and threads that `assay.in_thread`
    starts inside count along. A guard inside another counts for itself.
    """
    if max_calls < 1:
        raise ValueError("max_calls must be at least 1")
    guard = Guard(max_calls, trace.get_current_span())
    token = _guard.set(guard)
    try:
        yield guard
    finally:
        _guard.reset(token)


def count(tool: str, arguments: Callable[[], Any]) -> None:
    """Tells the guard in force, if there is one, of a call. Raises LoopDetected."""
    guard = _guard.get()
    if guard is not None:
        guard.call(tool, arguments())
