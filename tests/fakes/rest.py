"""A stand-in for the server: real HTTP on a loopback port, answers as the test sets them, everything seen is kept."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue


@dataclass
class Seen:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What to say: `body` bytes, or anything JSON can hold."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        return (
            self.body if isinstance(self.body, bytes) else b"" if self.body is None else json.dumps(self.body).encode()
        )


def problem(status: int, detail: str, **more: Any) -> Answer:
    """An error as the server tells it."""
    body = {"type": "about:blank", "title": "Problem", "status": status, "detail": detail, **more}
    return Answer(body, status, {"Content-Type": "application/problem+json"})


Reply = Answer | Callable[[Seen], Answer]


@dataclass
class SentSpan:
    """A span as it arrived over OTLP."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    attributes: dict[str, Any]
    resource: dict[str, Any]
    status: int
    events: list[str]


class FakeServer:
    """`on("GET", "/api/v1/info", {...})` sets an answer; what is not set answers 404; OTLP is always taken."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._replies: dict[tuple[str, str], Reply] = {("POST", "/v1/traces"): Answer(b"")}
        self._port = 0
        self._http: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def on(self, method: str, path: str, reply: Any = None, status: int = 200) -> Self:
        """Sets what a path answers: an `Answer`, a function of the request, or JSON."""
        fixed = isinstance(reply, Answer) or callable(reply)
        self._replies[method, path] = reply if fixed else Answer(reply, status)
        return self

    def calls(self, method: str, path: str) -> list[Seen]:
        return [seen for seen in self.seen if (seen.method, seen.path) == (method, path)]

    def spans(self) -> list[SentSpan]:
        """Every span that was sent and taken, in the order of arrival."""
        return [span for seen in self.calls("POST", "/v1/traces") for span in _spans(seen)]

    def span(self, name: str) -> SentSpan:
        """The one span of this name."""
        [found] = [span for span in self.spans() if span.name == name]
        return found

    def start(self) -> None:
        """Listens; on the port it had before, if it had one."""
        server = self

        class Handler(_Handler):
            fake = server

        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._http.daemon_threads = True
        self._port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def reply(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        found = self._replies.get((seen.method, seen.path))
        if found is None:
            return problem(404, f"There is no such address: {seen.method} {seen.path}.", code="not_found")
        return found if isinstance(found, Answer) else found(seen)


@contextmanager
def serving() -> Iterator[FakeServer]:
    """A fake server for the time of a block."""
    server = FakeServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeServer
    # One request per connection: stopping the server then leaves no open connection behind it.
    protocol_version = "HTTP/1.0"

    def _any(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        query = {name: ",".join(values) for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.fake.reply(Seen(self.command, unquote(parts.path), query, headers, self.rfile.read(length)))
        content = answer.content()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Tests are quiet."""


def _spans(seen: Seen) -> Iterator[SentSpan]:
    body = gzip.decompress(seen.body) if seen.headers.get("content-encoding") == "gzip" else seen.body
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = {each.key: _value(each.value) for each in resource_spans.resource.attributes}
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield SentSpan(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex() or None,
                    {each.key: _value(each.value) for each in span.attributes},
                    resource,
                    span.status.code,
                    [event.name for event in span.events],
                )


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return None if kind is None else getattr(value, kind)
