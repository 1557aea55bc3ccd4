"""One chat call on its way through the steps, and the reply that comes back."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from assay_server.core.ports import Principal
from assay_server.core.records import Arm
from assay_server.gateway.plan import Plan, Target
from assay_server.gateway.trace import Trace
from assay_server.providers import Event, Transcript


@dataclass(slots=True)
class Caller:
    """What the caller said about itself, in headers and in the body's `user`."""

    user: str | None = None
    session: str | None = None
    channel: str | None = None
    canary: str | None = None
    arm: Arm | None = None
    run: str | None = None
    item: str | None = None
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Prompting:
    """`"assay"` in the body: what fills the release's prompt, and which of its prompts is meant."""

    variables: dict[str, str] | None = None
    role: str | None = None


@dataclass(slots=True)
class Failure:
    """How a call ended that did not end well."""

    message: str
    code: str
    status: int | None = None


@dataclass(slots=True)
class Call:
    """Steps read it, change `fields`, and note what they found out; the span is written from it at the end.

    `fields` are the body's top-level fields, each as the bytes that came: what no step changes passes through.
    """

    principal: Principal
    caller: Caller
    trace: Trace
    prompting: Prompting
    asked: str  # the body's `model`, as asked
    fields: dict[str, msgspec.Raw]
    stream: bool
    keep_usage: bool  # the caller asked for the usage of a stream
    size: int  # bytes of the body
    start_ns: int  # since the epoch
    started: float  # seconds on the monotonic clock
    targets: list[Target] = field(default_factory=list)  # in the order in which they are tried
    plan: Plan | None = None
    prompt: tuple[str, str] | None = None  # name and version of the prompt that was rendered
    transcript: Transcript = field(default_factory=Transcript)
    attributes: dict[str, Any] = field(default_factory=dict)
    first_s: float | None = None  # from the start to the first part of a streamed answer
    took_s: float | None = None
    failure: Failure | None = None

    @property
    def project(self) -> str:
        return self.principal.project

    @property
    def target(self) -> Target | None:
        """Where it was sent; None before it was resolved."""
        return self.targets[0] if self.targets else None

    @property
    def unit(self) -> str:
        """Who a canary's arm is chosen for: the user, else the session, else this trace alone."""
        return self.caller.user or self.caller.session or self.trace.trace_id

    def answer_headers(self) -> dict[str, str]:
        """Headers of every answer to this call, errors included, as far as it is known by now."""
        told = {"x-assay-trace-id": self.trace.trace_id, "x-assay-span-id": self.trace.span_id}
        if self.plan is not None:
            told["x-assay-release"] = self.plan.release
            if self.caller.arm is not None:
                told["x-assay-arm"] = self.caller.arm
        return told


class Events(Protocol):
    """A streamed answer, in the batches in which it came. Raises UpstreamError where it breaks. Must be closed."""

    def __aiter__(self) -> AsyncIterator[list[Event]]: ...

    def __anext__(self) -> Awaitable[list[Event]]: ...

    async def aclose(self) -> None: ...


@dataclass(slots=True)
class Reply:
    """What goes back: `body`, or `events` where a stream was asked for.

    `hang_up` ends the provider's answer at once. Closing `events` does not: a generator nobody has started yet does
    nothing when it is closed.
    """

    headers: Mapping[str, str]
    body: bytes | None = None
    events: Events | None = None
    hang_up: Callable[[], None] | None = None
