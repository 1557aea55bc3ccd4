"""Who and what the current work is for. It travels in context variables, is put on every span that starts, and
leaves in headers."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from assay._capture import whole

_SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in "%,")

_w3c = TraceContextTextMapPropagator()


@dataclass(slots=True, frozen=True)
class Mark:
    """Which decision the work stands under: ids alone."""

    release: str
    channel: str | None = None
    canary: str | None = None
    arm: str | None = None


@dataclass(slots=True, frozen=True)
class Ambient:
    """What every span that starts now belongs to."""

    user: str | None = None
    session: str | None = None
    tags: tuple[str, ...] = ()
    run: str | None = None
    item: str | None = None


_ambient: ContextVar[Ambient] = ContextVar("assay_ambient", default=Ambient())  # noqa: B039 - it is frozen
_trace_mark: ContextVar[tuple[int, Mark] | None] = ContextVar("assay_trace_mark", default=None)
_local_root: ContextVar[trace.Span | None] = ContextVar("assay_local_root", default=None)


@contextlib.contextmanager
def context(
    *,
    user: str | None = None,
    session: str | None = None,
    tags: Sequence[str] | str = (),
    run: str | None = None,
    item: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Everything inside belongs to this user, session and tags; inner contexts add to outer ones.

    `headers` are those of an incoming request: the caller's trace is continued (`traceparent`), and what it sent in
    `x-assay-*` holds where it is not given here.
    """
    outer = _ambient.get()
    told = (tags,) if isinstance(tags, str) else tags
    given = Ambient(_text(user), _text(session), tuple(str(tag) for tag in told), _text(run), _text(item))
    inner = _merged(_merged(outer, _from_headers(headers)) if headers is not None else outer, given)
    token = _ambient.set(inner)
    otel_token = None if headers is None else otel_context.attach(_w3c.extract(dict(_lower(headers))))
    try:
        yield
    finally:
        if otel_token is not None:
            otel_context.detach(otel_token)
        _ambient.reset(token)


def headers(mark: Mark | None = None) -> dict[str, str]:
    """Headers for an outgoing call: W3C trace context and `x-assay-*`, so that the other side joins this trace."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier)
    now = ambient()
    mark = mark or current_mark()
    told = {
        "x-assay-user": now.user,
        "x-assay-session": now.session,
        "x-assay-run": now.run,
        "x-assay-item": now.item,
        "x-assay-channel": mark.channel if mark else None,
        "x-assay-canary": mark.canary if mark else None,
        "x-assay-arm": mark.arm if mark else None,
    }
    carrier |= {name: quote(value, safe=_SAFE) for name, value in told.items() if value is not None}
    if now.tags:
        carrier["x-assay-tags"] = ",".join(quote(tag, safe=_SAFE) for tag in now.tags)
    return carrier


def ambient() -> Ambient:
    """What the current work belongs to."""
    return _ambient.get()


def unit(user: str | None, session: str | None) -> str | None:
    """What a canary is sticky by: the user, else the session, else the trace; as the gateway decides it."""
    now = ambient()
    found = user or now.user or session or now.session
    if found is not None:
        return found
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else None


def mark_trace(mark: Mark) -> None:
    """From here on the spans of the current trace carry the mark, and so do the current span and its local root."""
    current = trace.get_current_span()
    at = current.get_span_context()
    if not at.is_valid:
        return
    _trace_mark.set((at.trace_id, mark))
    root = _local_root.get()
    for span in {current, root} if root is not None and _same_trace(root, current) else {current}:
        span.set_attributes(_mark_attributes(mark))


def current_mark() -> Mark | None:
    """The mark of the current trace, if a release was resolved in it."""
    found = _trace_mark.get()
    at = trace.get_current_span().get_span_context()
    return found[1] if found is not None and at.is_valid and found[0] == at.trace_id else None


@contextlib.contextmanager
def rooted(span: trace.Span) -> Iterator[None]:
    """Remembers the outermost span of this process's part of a trace."""
    root = _local_root.get()
    if root is not None and _same_trace(root, span):
        yield
        return
    token = _local_root.set(span)
    try:
        yield
    finally:
        _local_root.reset(token)


def attributes(trace_id: int) -> dict[str, Any]:
    """What a span that starts now, in this trace, carries."""
    now = ambient()
    found: dict[str, Any] = {
        "user.id": now.user,
        "session.id": now.session,
        "assay.tags": now.tags or None,
        "assay.run": now.run,
        "assay.item": now.item,
    }
    marked = _trace_mark.get()
    if marked is not None and marked[0] == trace_id:
        found |= _mark_attributes(marked[1])
    return {name: value for name, value in found.items() if value is not None}


def _mark_attributes(mark: Mark) -> dict[str, str]:
    found = {
        "assay.release": mark.release,
        "assay.channel": mark.channel,
        "assay.canary": mark.canary,
        "assay.arm": mark.arm,
    }
    return {name: value for name, value in found.items() if value is not None}


def _same_trace(one: trace.Span, other: trace.Span) -> bool:
    return one.get_span_context().trace_id == other.get_span_context().trace_id


def _merged(outer: Ambient, inner: Ambient) -> Ambient:
    return Ambient(
        user=inner.user or outer.user,
        session=inner.session or outer.session,
        tags=outer.tags + tuple(tag for tag in inner.tags if tag not in outer.tags),
        run=inner.run or outer.run,
        item=inner.item or outer.item,
    )


def _text(value: Any) -> str | None:
    """Ids are often numbers: as spans and headers carry them."""
    return None if value is None else whole(str(value))


def _lower(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((name.lower(), value) for name, value in headers.items())


def _from_headers(headers: Mapping[str, str]) -> Ambient:
    found = dict(_lower(headers))

    def told(name: str) -> str | None:
        value = found.get(f"x-assay-{name}")
        return unquote(value) if value else None

    tags = tuple(unquote(tag.strip()) for tag in found.get("x-assay-tags", "").split(",") if tag.strip())
    return Ambient(told("user"), told("session"), tags, told("run"), told("item"))
