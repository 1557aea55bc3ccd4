"""Assay's forward into released servers: what an OpenTelemetry SDK sent to Assay is read back from Phoenix, and from
another Assay behind a collector.

Not collected by `make test`: `make clients` names this file. Phoenix has an environment of its own (`.venv-bench/`,
made by the first run), the collector (Rotel) one that `uv` keeps.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ingest_others import OTHERS, _install
from tests.clients.bench import FIXTURES, Trace, find_trace, replay, run_script
from tests.clients.expect_otlp import ROTEL
from tests.clients.planted import EMAIL
from tests.clients.registered import alone
from tests.fixtures.server import RunningServer, free_port

PHOENIX = next(other for other in OTHERS if other.name == "phoenix")
_PATIENCE_S = 180


@pytest.fixture
def phoenix(tmp_path: Path) -> Iterator[str]:
    """Its address, once it is ready."""
    _install(PHOENIX)
    port = free_port()
    filled = {"folder": str(tmp_path), "port": str(port), "other_port": str(free_port())}
    environment = {name: value.format(**filled) for name, value in PHOENIX.environment.items()}
    command = [str(PHOENIX.folder / "bin" / PHOENIX.command[0]), *PHOENIX.command[1:]]
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "phoenix.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | environment, cwd=tmp_path, stdout=log, stderr=log)
    try:
        _until(lambda: httpx.get(f"{url}{PHOENIX.ready}", timeout=2).status_code == 200)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.timeout(600)
def test_phoenix_has_what_assay_sent_on(phoenix: str, tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data").start()
    try:
        with server.client() as api:
            made = api.put("/api/v1/forwards/phoenix", json={"endpoint": phoenix})
            assert made.status_code == 200, made.text
            [recording] = FIXTURES.glob("otel_http@*")
            replay(recording, server.url)
            trace = find_trace(api, session="session-otel_http")
            spans = _until(lambda: _spans(phoenix, len(trace.spans)))
            state = api.get("/api/v1/forwards").json()["items"][0]
    finally:
        server.stop()
    assert {(one["context"]["trace_id"], one["context"]["span_id"]) for one in spans} == {
        (trace.body["trace_id"], span["span_id"]) for span in trace.spans
    }
    by_id = {one["context"]["span_id"]: one for one in spans}
    for span in trace.spans:
        there = by_id[span["span_id"]]
        assert (there["name"], there["parent_id"]) == (span["name"], span["parent_id"])
    [call] = [span for span in trace.spans if span["kind"] == "llm"]
    sent = call["attributes"]["gen_ai.usage.output_tokens"]
    assert by_id[call["span_id"]]["attributes"]["gen_ai.usage.output_tokens"] == sent
    assert EMAIL not in str(spans)
    assert (state["sent"], state["rejected"]) == (len(trace.spans), 0)


@pytest.mark.timeout(300)
def test_another_server_behind_a_collector_has_what_was_sent_on(tmp_path: Path) -> None:
    """Also what was stored before the collector came."""
    here, there = RunningServer(tmp_path / "here").start(), RunningServer(tmp_path / "there").start()
    port = free_port()
    try:
        with here.client() as api, there.client() as other:
            made = api.put("/api/v1/forwards/lake", json={"endpoint": f"http://127.0.0.1:{port}"})
            assert made.status_code == 200, made.text
            [recording] = FIXTURES.glob("otel_http@*")
            replay(recording, here.url)
            sent = find_trace(api, session="session-otel_http")
            _until(lambda: api.get("/api/v1/forwards").json()["items"][0]["last_error"])
            with _collector(port, there, tmp_path):
                _until(lambda: len(_traces(other)) == 1)
                state = _until(lambda: _caught_up(api, len(sent.spans)))
            came = find_trace(other, session="session-otel_http")
    finally:
        here.stop()
        there.stop()
    for before, after in zip(_sorted(sent), _sorted(came), strict=True):
        assert before["attributes"].items() <= after["attributes"].items()
        assert after["resource"].pop("assay.forwarded_by")
        assert _whole(after) == _whole(before)
    assert EMAIL not in came.text
    assert state["rejected"] == 0


@contextmanager
def _collector(port: int, to: RunningServer, folder: Path) -> Iterator[None]:
    """A released collector that passes on what it gets."""
    where = "import pathlib, rotel; print(pathlib.Path(rotel.__file__).with_name('rotel-agent'))"
    agent = run_script([*alone("rotel", ROTEL), "-c", where], {}).strip()
    settings = {
        "pid-file": str(folder / "pid"),
        "otlp-grpc-endpoint": f"127.0.0.1:{free_port()}",
        "otlp-http-endpoint": f"127.0.0.1:{port}",
        "exporter": "otlp",
        "otlp-exporter-endpoint": to.url,
        "otlp-exporter-protocol": "http",
        "otlp-exporter-custom-headers": f"authorization=Bearer {to.key}",
    }
    told = [part for name, value in settings.items() for part in (f"--{name}", value)]
    with (folder / "rotel.log").open("wb") as log:
        process = subprocess.Popen([agent, "start", *told], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _traces(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/api/v1/traces").json()["items"]
    return found


def _caught_up(api: httpx.Client, spans: int) -> dict[str, Any] | None:
    state: dict[str, Any] = api.get("/api/v1/forwards").json()["items"][0]
    return state if state["sent"] == spans else None


def _sorted(trace: Trace) -> list[dict[str, Any]]:
    return sorted(trace.spans, key=lambda span: str(span["span_id"]))


def _whole(span: dict[str, Any]) -> dict[str, Any]:
    """But for its attributes, and for what the server itself took out of it: here that was done before."""
    return {key: value for key, value in span.items() if key not in {"attributes", "pii"}}


def _spans(url: str, wanted: int) -> list[dict[str, Any]]:
    """As Phoenix's own REST API gives them, once there are as many."""
    answer = httpx.get(f"{url}/v1/projects/default/spans", params={"limit": 100})
    found: list[dict[str, Any]] = answer.json()["data"] if answer.status_code == 200 else []
    return found if len(found) >= wanted else []


def _until(look: Any) -> Any:
    """What `look` gives once it is something; a server that does not answer yet is asked again."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            found = look()
        except httpx.TransportError:
            found = None
        if found:
            return found
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.25)
