"""Ports: what a room needs from one it may not import. `app` plugs the real thing in."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from assay_server.core.records import Facts, Tokens


class Sink(Protocol):
    """The one door for facts. Returns when they are durable; raises `Busy` when the queue is full."""

    async def write(self, facts: Facts) -> None: ...


@dataclass(slots=True)
class CompletionRequest:
    """One chat call made by Assay itself, through its own gateway: what is tested is what ships."""

    project: str
    model: str  # `release:rel_…`, `channel:production` or `provider/model`
    messages: list[dict[str, Any]]
    parameters: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] | None = None  # filled into the release's prompt when given
    user: str | None = None
    traceparent: str | None = None
    run: str | None = None
    item: str | None = None


@dataclass(slots=True)
class Completion:
    """The answer to a `CompletionRequest`."""

    text: str
    trace_id: str
    span_id: str
    model: str | None
    latency_ms: float
    tokens: Tokens | None = None
    cost: float | None = None


class Complete(Protocol):
    """Calls a model. Raises `UpstreamError` and the permanent errors of the gateway."""

    async def __call__(self, request: CompletionRequest) -> Completion: ...


class Embeds(Protocol):
    """Texts as vectors: those of one meaning lie near each other. Raises `Unavailable`."""

    name: str

    async def embed(self, texts: Sequence[str]) -> Any:
        """A numpy array (float32) of shape (n, size): rows of length 1, NaN where the model cannot tell."""


@dataclass(slots=True, frozen=True)
class Principal:
    """Who is asking: a key or a signed-in session, always within one project."""

    project: str
    actor: str  # `key:key_…` or `user:…`, as the audit log names it
    role: str  # admin | editor | viewer | ingest | score


Scrub = Callable[[str], tuple[str, list[str]]]
"""Text without personal data, and the entity types that were found in it."""

Listener = Callable[[Facts], Awaitable[None]]
"""Called by ingest after a commit, with what was stored. It must be quick and must not raise."""

MayLeave = Callable[[], bool]
"""Whether what leaves by itself (messages, forwards, exports) may leave: after a restore, once somebody says so."""


def always() -> bool:
    return True
