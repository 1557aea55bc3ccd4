"""Spans of one's own: `with assay.span("retrieve", kind="retriever") as span`."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

from opentelemetry import trace

from assay._capture import as_text, is_text, simple
from assay._context import rooted
from assay._documents import documents_text
from assay._version import VERSION

Kind = Literal["llm", "agent", "tool", "retriever", "reranker", "embedding", "guardrail", "evaluator", "chain"]

_tracer = trace.get_tracer("assay", VERSION)


class Span:
    """A handle on an OpenTelemetry span. Its methods return it, so they chain; none of them ever raises."""

    __slots__ = ("otel",)

    def __init__(self, otel: trace.Span) -> None:
        self.otel = otel

    @property
    def trace_id(self) -> str | None:
        """32 hex digits; None where nothing is recorded."""
        at = self.otel.get_span_context()
        return trace.format_trace_id(at.trace_id) if at.is_valid else None

    @property
    def span_id(self) -> str | None:
        """16 hex digits; None where nothing is recorded."""
        at = self.otel.get_span_context()
        return trace.format_span_id(at.span_id) if at.is_valid else None

    def input(self, value: Any) -> Self:
        """What went in: a text, chat messages, or anything JSON can hold."""
        return self._text("assay.input", value)

    def output(self, value: Any) -> Self:
        """What came out."""
        return self._text("assay.output", value)

    def documents(self, documents: Sequence[Any]) -> Self:
        """What a retriever found, best first: texts, mappings with `id`, `content` (or `text`, `page_content`),
        `score`, and anything else as metadata, or objects with these as attributes (LangChain's, LlamaIndex's)."""
        if self.otel.is_recording():
            found = documents_text(documents)
            if found is not None:
                self.otel.set_attribute("retrieval.documents", found)
        return self

    def usage(
        self,
        *,
        model: str | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cached_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> Self:
        """Which model answered and what it counted, so that the call has a cost. `input_tokens` are all that went in,
        `cached_tokens` those of them that came from the provider's cache; reasoning is part of `output_tokens`."""
        told = {
            "gen_ai.response.model": model,
            "gen_ai.usage.input_tokens": input_tokens,
            "gen_ai.usage.output_tokens": output_tokens,
            "gen_ai.usage.cache_read.input_tokens": cached_tokens,
            "gen_ai.usage.reasoning.output_tokens": reasoning_tokens,
        }
        for key, value in told.items():
            if value is not None:
                self.set(key, value)
        return self

    def set(self, key: str, value: Any) -> Self:
        """Any attribute: a text, a number, a truth value; other values become JSON."""
        if self.otel.is_recording():
            known = value if is_text(value) else simple(value)
            plain = isinstance(known, str | bool | int | float)
            self.otel.set_attribute(key, known if plain else as_text(value))
        return self

    def _text(self, key: str, value: Any) -> Self:
        if self.otel.is_recording():
            self.otel.set_attribute(key, as_text(value))
        return self


@contextlib.contextmanager
def span(name: str, kind: Kind | None = None, **attributes: Any) -> Iterator[Span]:
    """A span around a block, in synchronous and asynchronous code alike; an exception is recorded and goes on."""
    with _tracer.start_as_current_span(name) as otel, rooted(otel):
        handle = Span(otel)
        if kind is not None:
            handle.set("assay.kind", kind)
        for key, value in attributes.items():
            handle.set(key, value)
        with _told_if_cancelled(otel):
            yield handle


def current_span() -> Span:
    """A handle on the current span, whoever started it."""
    return Span(trace.get_current_span())


def start(name: str, kind: Kind | None) -> Span:
    """A span that the caller makes current with `resumed` and ends."""
    handle = Span(_tracer.start_span(name))
    return handle if kind is None else handle.set("assay.kind", kind)


@contextlib.contextmanager
def resumed(handle: Span, *, closing: bool = False) -> Iterator[None]:
    """Makes a started span current for a while; an exception is recorded, the span stays open. Whoever stops reading a
    generator (`closing`) cancels nothing."""
    told = contextlib.nullcontext() if closing else _told_if_cancelled(handle.otel)
    with trace.use_span(handle.otel, end_on_exit=False), rooted(handle.otel), told:
        yield


@contextlib.contextmanager
def _told_if_cancelled(span: trace.Span) -> Iterator[None]:
    """A timeout cancels what it waits for; OpenTelemetry takes that for no error, so such a call looked like any."""
    try:
        yield
    except asyncio.CancelledError:
        if span.is_recording():
            span.set_status(trace.Status(trace.StatusCode.ERROR, "CancelledError: cancelled before it was done"))
            span.set_attribute("error.type", "CancelledError")
        raise
