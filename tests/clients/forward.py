"""Assay's forward into a released Phoenix server: what an OpenTelemetry SDK sent to Assay is read back from Phoenix.

Not collected by `make test`: `make clients` names this file. Phoenix has an environment of its own (`.venv-bench/`,
made by the first run).
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ingest_others import OTHERS, _install
from tests.clients.bench import FIXTURES, find_trace, replay
from tests.clients.planted import EMAIL
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
