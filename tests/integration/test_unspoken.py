"""What a client may say tomorrow: each object that released clients send, with a field more that nobody understands."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.clients.bench import Exchange, load, recordings, replay, unpacked
from tests.clients.planted import packed, stored
from tests.fixtures.server import RunningServer

FOLDERS = [
    folder
    for client in ("langfuse2", "langfuse3", "langfuse5", "langfuse_js", "mlflow", "opik", "phoenix_client")
    for folder in recordings(client)
]
_JUDGED = ("/scores", "/assessments", "/feedback-scores", "_annotations", "_notes")
_OBSERVED = ("/ingestion", "/traces", "/batch", "/spans", *_JUDGED)
_ENVELOPES = ({"batch"}, {"data"}, {"scores"}, {"spans"}, {"traces"}, {"trace"}, {"assessment"}, {"trace_info"})
"""They hold what is sent and say nothing of it."""
_PASSED_OVER = {"trace_location", "batch_metadata", "input"}
"""Where it belongs and how it was sent; and what is told again as a whole, where only the last holds."""
_PATIENCE_S = 20


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_field_that_nobody_knows_is_kept(folder: Path, server: RunningServer) -> None:
    with server.client() as api:
        key = _own_project(api)
        marks: dict[str, str] = {}
        statuses = replay(folder, server.url, key, change=lambda exchange: _marked(exchange, marks))
        assert statuses == [exchange.status for exchange in load(folder)]
        assert len(marks) > 3
        deadline = time.monotonic() + _PATIENCE_S
        while lost := {where for mark, where in marks.items() if mark not in (kept := stored(api, as_sent=True))}:
            assert time.monotonic() < deadline, f"dropped: {sorted(lost)} of {len(kept)} characters"
            time.sleep(0.3)


def _marked(exchange: Exchange, marks: dict[str, str]) -> Exchange:
    """The same request with a field more in each object that says something of a trace."""
    path = exchange.path.partition("?")[0]
    if exchange.method not in ("POST", "PUT", "PATCH") or "otel" in path or not path.endswith(_OBSERVED):
        return exchange
    try:
        body = json.loads(unpacked(exchange))
    except ValueError:  # protobuf
        return exchange
    for where, place in _objects(body, path):
        mark = f"unspoken{uuid4().hex[:12]}"
        marks[mark] = where
        place[f"told{len(marks)}"] = mark  # of its own: an update of the same thing takes the place of what it names
    return packed(exchange, json.dumps(body).encode())


def _objects(body: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(body, list):
        for one in body:
            yield from _objects(one, where)
    if not isinstance(body, dict):
        return
    events = "type" in body and "body" in body  # Langfuse's: what it is, and the thing itself
    if not events and not any(envelope <= body.keys() for envelope in _ENVELOPES):
        yield where, body
    for name, value in list(body.items()):
        told = "batch_metadata" if name == "metadata" and "batch" in body else name
        if told not in _PASSED_OVER:
            yield from _objects(value, f"{where}.{name}")


def _own_project(api: httpx.Client) -> str:
    made = api.post("/api/v1/projects", json={"name": f"unspoken-{uuid4().hex}"})
    assert made.status_code == 201, made.text
    key: str = made.json()["key"]["secret"]
    api.headers["authorization"] = f"Bearer {key}"
    return key
