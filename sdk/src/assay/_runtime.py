"""What `assay.init()` sets up, once per process: where spans and scores go, and where releases come from."""

import atexit
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan

from assay._calls import Json
from assay._client import Client
from assay._config import Connection
from assay._context import attributes
from assay._errors import InvalidInput, RetryableError, ServerError, TooLarge
from assay._export import SpanSender
from assay._mended import size_of
from assay._outbox import Outage, Outbox, TryAgain, Undeliverable
from assay._releases import LastGood, Resolver

_MOST_CACHED = 500
_EXIT_S = 1.5
"""How long the end of the program waits for a server that takes nothing."""
_LONGEST_EXIT_S = 30.0
"""How long it waits for one that takes what is left, batch by batch."""


class DocumentCache:
    """A few documents by key, the oldest out first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[str, tuple[float, Json]] = OrderedDict()

    def get(self, key: str, oldest: float, fetch: Callable[[], Json]) -> Json:
        """The document as known since `oldest` (monotonic seconds), else as `fetch` gives it now."""
        with self._lock:
            known = self._found.get(key)
        if known is not None and known[0] >= oldest:
            return known[1]
        document = fetch()
        with self._lock:
            self._found[key] = (time.monotonic(), document)
            while len(self._found) > _MOST_CACHED:
                self._found.popitem(last=False)
        return document


class Runtime:
    """The parts of one `init`."""

    def __init__(self, connection: Connection, cache_dir: Path | None, queue_size: int) -> None:
        self._settings = (connection, cache_dir, queue_size)
        self.documents = DocumentCache()
        self.client = Client(connection.url, connection.api_key)
        outage = Outage(connection.url)
        self._sender = SpanSender(connection, outage)
        self.spans: Outbox[ReadableSpan] = Outbox("spans", self._sender, outage, capacity=queue_size, size=size_of)
        self.scores: Outbox[Json] = Outbox("scores", self._send_scores, outage, capacity=queue_size, batch=200)
        last_good = LastGood(connection, cache_dir, outage)
        self.releases = Resolver(self.client._run, last_good, outage)

    def again(self) -> "Runtime":
        """The same settings with new locks, threads and connections: what a forked child needs."""
        return Runtime(*self._settings)

    def flush(self, timeout_s: float) -> bool:
        return all([self.spans.flush(timeout_s), self.scores.flush(timeout_s)])

    def close(self, timeout_s: float, longest_s: float | None = None) -> bool:
        self.releases.close()
        done = [self.spans.close(timeout_s * 0.7, longest_s), self.scores.close(timeout_s * 0.3, longest_s)]
        self._sender.close()
        return all(done)

    def _send_scores(self, scores: Sequence[Json]) -> None:
        try:
            self.client.scores.post(scores)
        except (RetryableError, ServerError) as error:
            raise TryAgain(error.message, getattr(error, "retry_after_s", None)) from error
        except Exception as error:
            raise Undeliverable(str(error), parts=isinstance(error, InvalidInput | TooLarge)) from error


class _Relay(SpanProcessor):
    """Stands in the application's tracer provider for good; where its spans go may change."""

    def __init__(self) -> None:
        self.to: Runtime | None = None

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        if self.to is not None and span.context is not None:
            span.set_attributes(attributes(span.context.trace_id))

    def on_end(self, span: ReadableSpan) -> None:
        if self.to is not None and span.context is not None and span.context.trace_flags.sampled:
            self.to.spans.put(span)

    def shutdown(self) -> None:
        if self.to is not None:
            self.to.spans.close(_EXIT_S)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.to is None or self.to.spans.flush(timeout_millis / 1000)


class _Process:
    """What this process has: at most one runtime, and one relay for good."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.relay = _Relay()
        self.joined: set[int] = set()  # tracer providers that hold the relay
        self.current: Runtime | None = None

    def change(self, new: Runtime | None) -> Runtime | None:
        """Puts a runtime in place; the former one."""
        with self.lock:
            old, self.current, self.relay.to = self.current, new, new
        return old

    def after_fork(self) -> None:
        """A child must not share its parent's connections; what waited is the parent's to send."""
        self.lock = threading.RLock()
        if self.current is not None:
            self.change(self.current.again())


_process = _Process()
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_process.after_fork)


def init(
    url: str | None = None,
    api_key: str | None = None,
    *,
    service: str | None = None,
    environment: str | None = None,
    version: str | None = None,
    cache_dir: str | Path | None = None,
    queue_size: int = 8192,
) -> None:
    """Connects this process to a server. Never waits for it: a server that is away costs one warning.

    `url` and `api_key` default to `ASSAY_URL` (else http://127.0.0.1:4600) and `ASSAY_API_KEY`. Where the application
    has set a global OpenTelemetry tracer provider before, its spans are sent to Assay as well and its resource
    (service, environment) holds; otherwise one is set with `service`, `environment` and `version`. `cache_dir` (or
    `ASSAY_CACHE_DIR`) keeps the last good releases on disk, for a start during an outage. `queue_size` bounds spans
    and scores waiting. Calling it again replaces the former connection. Raises InvalidInput for a bad URL.
    """
    directory = cache_dir or os.environ.get("ASSAY_CACHE_DIR")
    new = Runtime(Connection.of(url, api_key), Path(directory) if directory else None, queue_size)
    with _process.lock:
        old = _process.change(new)
        _join(_resource(service, environment, version))
    if old is not None:
        old.close(_EXIT_S)
    atexit.unregister(_end)
    atexit.register(_end)


def runtime() -> Runtime:
    """The runtime of this process; set up from the environment where `init` was not called."""
    with _process.lock:
        if _process.current is None:
            init()
        assert _process.current is not None  # noqa: S101 - `init` sets it
        return _process.current


def flush(timeout_s: float = 5.0) -> bool:
    """Waits until all spans and scores so far are delivered; False when the time is over first."""
    here = _process.current
    return here is None or here.flush(timeout_s)


def shutdown(timeout_s: float = _EXIT_S) -> bool:
    """Delivers what it can within the time, then stops. False if not all. The end of the program does it by itself, and
    takes up to 30 s where there is much to deliver and the server takes it."""
    old = _process.change(None)
    atexit.unregister(_end)
    return old is None or old.close(timeout_s)


def _end() -> None:
    old = _process.change(None)
    if old is not None:
        old.close(_EXIT_S, _LONGEST_EXIT_S)


def _join(resource: Resource) -> None:
    """Puts the relay into the application's tracer provider, or sets one."""
    provider: Any = trace.get_tracer_provider()
    if not hasattr(provider, "add_span_processor"):
        # Our own end of the program is bounded; the provider's would wait for up to 30 s.
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        trace.set_tracer_provider(provider)
    if id(provider) not in _process.joined:
        _process.joined.add(id(provider))
        provider.add_span_processor(_process.relay)


def _resource(service: str | None, environment: str | None, version: str | None) -> Resource:
    given = {"service.name": service, "deployment.environment.name": environment, "service.version": version}
    return Resource.create({name: value for name, value in given.items() if value is not None})
