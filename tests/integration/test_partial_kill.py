"""A span that begins before a kill and ends after it is whole."""

import base64

from tests.clients.bench import find_trace
from tests.fixtures.server import KEY, RunningServer

TRACE = "d9a1f0b66f0e4f579f550e2a0d7f8c11"


def test_what_was_acknowledged_before_a_kill_becomes_one_span_after_it(own_server: RunningServer) -> None:
    own_server.start()
    started = {"id": "g1", "traceId": TRACE, "name": "chat", "startTime": "2026-11-21T08:00:00Z", "model": "m-1"}
    root = {"id": TRACE, "name": "answer", "sessionId": "killed", "userId": "ada@mail-box.org"}
    _send(own_server, ("trace-create", root), ("generation-create", started))
    own_server.kill()
    kept = b"".join(path.read_bytes() for path in own_server.data.glob("*sqlite*"))
    assert b'"g1"' in kept
    assert b"mail-box" not in kept
    own_server.start()
    ended = {"id": "g1", "traceId": TRACE, "endTime": "2026-11-21T08:00:02Z", "output": "14 days"}
    _send(own_server, ("generation-update", ended))
    with own_server.client() as api:
        trace = find_trace(api, session="killed", timeout=20)
    assert trace.tree() == [("answer", "span", [("chat", "llm", [])])]
    call = trace.span("chat")
    assert (call["model"], call["output"], call["latency_ms"]) == ("m-1", "14 days", 2000)


def _send(server: RunningServer, *events: tuple[str, dict[str, str]]) -> None:
    """As Langfuse's Python 2 sends it."""
    batch = [
        {"id": f"e{number}", "type": kind, "timestamp": "2026-11-21T08:00:00Z", "body": body}
        for number, (kind, body) in enumerate(events)
    ]
    basic = base64.b64encode(f"pk_x:{KEY}".encode()).decode()
    with server.client() as client:
        headers = {"authorization": f"Basic {basic}"}
        answer = client.post("/api/public/ingestion", json={"batch": batch, "metadata": {}}, headers=headers)
    assert (answer.status_code, len(answer.json()["successes"])) == (207, len(batch)), answer.text
