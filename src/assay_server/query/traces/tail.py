"""What is being stored right now, for those who watch. A slow reader misses facts, and so does anybody where more come
than can be read; how many is told. Ingest never waits for one."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from assay_server.core.clock import rfc3339
from assay_server.core.errors import Busy
from assay_server.core.records import Facts, Score, Span
from assay_server.query.filters.attributes import AttributeCondition
from assay_server.query.filters.one_of import OneOf
from assay_server.query.filters.stored_text import plain_text
from assay_server.query.scores import score_json
from assay_server.store import error_types

_QUEUE = 500
_A_SECOND = 500  # of one watcher; more is read by nobody, and telling it to three took ingest a third of its speed
_WATCHERS = 50  # of one project: one that listens much takes no place from the others
_ALL_WATCHERS = 200
_SHOWN = 300  # characters of input and output

_EQUAL = (
    "trace_id", "kind", "name", "model", "provider", "service", "status", "user", "session", "release", "channel",
    "canary", "arm", "run", "environment", "feature", "tenant", "cost_center",
    "prompt", "prompt_version",
)  # fmt: skip
_BOUNDS = ("min_latency_ms", "max_latency_ms", "min_cost", "max_cost", "min_tokens", "max_tokens")
_WORD = re.compile(r'"([^"]+)"|([^\s"]+)')


@dataclass(slots=True, frozen=True)
class TailFilter:
    """None does not narrow, of several values one must hold. All of it is asked of one span: its own latency, cost and
    tokens, its own words (in name, input and output together, without regard to case), its attributes (`key:op:value`),
    the fields of which it says another value (`differs`, `field:value`). What one of `exclude` takes is not taken."""

    trace_id: OneOf | None = None
    kind: OneOf | None = None
    name: OneOf | None = None
    model: OneOf | None = None
    provider: OneOf | None = None
    service: OneOf | None = None
    status: OneOf | None = None
    user: OneOf | None = None
    session: OneOf | None = None
    prompt: OneOf | None = None
    prompt_version: OneOf | None = None
    error_type: OneOf | None = None
    endpoint: OneOf | None = None
    feature: OneOf | None = None
    tenant: OneOf | None = None
    cost_center: OneOf | None = None
    release: OneOf | None = None
    channel: OneOf | None = None
    canary: OneOf | None = None
    arm: OneOf | None = None
    run: OneOf | None = None
    environment: OneOf | None = None
    tag: OneOf | None = None
    text: str | None = None
    min_latency_ms: float | None = None
    max_latency_ms: float | None = None
    min_cost: float | None = None
    max_cost: float | None = None
    min_tokens: float | None = None
    max_tokens: float | None = None
    attributes: tuple[AttributeCondition, ...] = ()
    differs: tuple[str, ...] = ()
    exclude: tuple["TailFilter", ...] = ()

    def takes_span(self, span: Span) -> bool:
        return self._fits(span) and not any(each.takes_span(span) for each in self.exclude)

    def _fits(self, span: Span) -> bool:
        for name in _EQUAL:
            wanted = getattr(self, name)
            if wanted is not None and not _is_one(getattr(span, name), wanted):
                return False
        if self.tag is not None and not any(_is_one(tag, self.tag) for tag in span.tags):
            return False
        if self.error_type is not None and not _is_one(error_types([span])[0], self.error_type):
            return False
        if self.endpoint is not None and not _is_one(_endpoint(span), self.endpoint):
            return False
        if not all(_differs(span, *text.split(":", 1)) for text in self.differs):
            return False
        if not all(condition.holds(span.attributes) for condition in self.attributes):
            return False
        latency_ms = (span.end_ns - span.start_ns) / 1e6
        return (
            _within(latency_ms, self.min_latency_ms, self.max_latency_ms)
            and _within(span.cost, self.min_cost, self.max_cost)
            and _within(span.tokens.total if span.tokens else None, self.min_tokens, self.max_tokens)
            and self._says(span)
        )

    def _says(self, span: Span) -> bool:
        if not self.text:
            return True
        said = "\n".join(part for part in (span.name, span.input, span.output) if part).casefold()
        return all((phrase or word).casefold() in said for phrase, word in _WORD.findall(self.text))

    def takes_score(self, score: Score) -> bool:
        """Scores know nothing of spans: they are shown where nothing but the session or the trace is asked for."""
        if any(each._asks_of_spans() for each in (self, *self.exclude)):
            return False
        return self._fits_score(score) and not any(each._fits_score(score) for each in self.exclude)

    def _asks_of_spans(self) -> bool:
        others = {*_EQUAL, *_BOUNDS, "error_type", "endpoint", "tag", "text"} - {"session", "trace_id"}
        return bool(self.attributes or self.differs) or any(getattr(self, name) is not None for name in others)

    def _fits_score(self, score: Score) -> bool:
        asked = ((self.session, score.session), (self.trace_id, score.trace_id))
        return all(wanted is None or _is_one(own, wanted) for wanted, own in asked)


@dataclass(slots=True, frozen=True)
class News:
    """One thing that happened; `quiet` when nothing did for a while."""

    kind: Literal["span", "score", "missed", "quiet"]
    data: dict[str, Any]


@dataclass(slots=True, eq=False)
class _Watcher:
    project: str
    narrow: TailFilter
    queue: "asyncio.Queue[Span | Score | None]" = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    missed: int = 0
    second: float = 0.0  # when the one began in which `given` were
    given: int = 0

    def offer(self, fact: Span | Score) -> None:
        now = time.monotonic()
        if now - self.second >= 1:
            self.second, self.given = now, 0
        if self.given >= _A_SECOND or self.queue.full():
            self.missed += 1
        else:
            self.given += 1
            self.queue.put_nowait(fact)


class Tail:
    """Hears every commit; gives each watcher what it asked for."""

    def __init__(self) -> None:
        self._watchers: set[_Watcher] = set()
        self._closed = asyncio.Event()

    async def heard(self, facts: Facts) -> None:
        """A listener of ingest: quick, never raises, and does nothing at all where nobody watches."""
        for watcher in tuple(self._watchers):
            for span in facts.spans:
                if span.project == watcher.project and watcher.narrow.takes_span(span):
                    watcher.offer(span)
            for score in facts.scores:
                if score.project == watcher.project and watcher.narrow.takes_score(score):
                    watcher.offer(score)

    async def watch(
        self, project: str, narrow: TailFilter = TailFilter(), *, quiet_s: float = 15.0
    ) -> AsyncGenerator[News, None]:
        """News from now on, until the reader or the server goes. First a `quiet`: from here on nothing is missed.

        Raises `Busy` where too many watch already.
        """
        with self._watching(project, narrow) as watcher:
            yield News("quiet", {})
            while not self._closed.is_set():
                if watcher.missed:
                    missed, watcher.missed = watcher.missed, 0
                    yield News("missed", {"n": missed})
                yield await self._next(watcher, quiet_s)

    def close(self) -> None:
        """Lets all watchers go, so that a server that stops need not wait for those who only listen."""
        self._closed.set()
        for watcher in self._watchers:
            if watcher.queue.empty():
                watcher.queue.put_nowait(None)  # wakes it up

    @contextmanager
    def _watching(self, project: str, narrow: TailFilter) -> Iterator[_Watcher]:
        of_project = sum(1 for each in self._watchers if each.project == project)
        if of_project >= _WATCHERS or len(self._watchers) >= _ALL_WATCHERS:
            watching = (
                f"{of_project} of this project" if of_project >= _WATCHERS else f"{_ALL_WATCHERS} of all projects"
            )
            raise Busy(f"{watching} watch already.", retry_after_s=10)
        watcher = _Watcher(project, narrow)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def _next(self, watcher: _Watcher, quiet_s: float) -> News:
        try:
            async with asyncio.timeout(quiet_s):
                fact = await watcher.queue.get()
        except TimeoutError:
            return News("quiet", {})
        if fact is None:
            return News("quiet", {})
        return News("span", _span(fact)) if isinstance(fact, Span) else News("score", score_json(fact))


def _span(span: Span) -> dict[str, Any]:
    names = ("trace_id", "span_id", "parent_id", "name", "kind", "status", "model", "user", "session", "cost")
    return {
        **{name: getattr(span, name) for name in names},
        "start": rfc3339(span.start_ns),
        "latency_ms": (span.end_ns - span.start_ns) / 1e6,
        "input": None if span.input is None else span.input[:_SHOWN],
        "output": None if span.output is None else span.output[:_SHOWN],
    }


def _endpoint(span: Span) -> str | None:
    """As `dimensions` has it: the route that was asked for, else what its root is called."""
    called = span.kind == "llm" and span.attributes.get("span.kind") == "client"  # names the provider's own route
    route = None if called else span.attributes.get("http.route")
    if route is not None:
        return plain_text(route)
    return span.name if span.parent_id is None else None


def _is_one(own: str | None, wanted: OneOf) -> bool:
    return own == wanted if isinstance(wanted, str) else own in wanted


def _differs(span: Span, name: str, value: str) -> bool:
    own = error_types([span])[0] if name == "error_type" else getattr(span, name)
    return own not in (None, value)


def _within(value: float | None, low: float | None, high: float | None) -> bool:
    """What is not known is within no bounds."""
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value <= high)
