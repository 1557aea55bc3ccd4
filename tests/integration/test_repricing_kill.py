"""A server killed while stored calls get their new price goes on at its next start, and loses and doubles nothing."""

import time

from tests.fixtures.server import RunningServer

CALLS = 3000


def body(trace: int, now: int) -> dict[str, object]:
    """One batch of calls of a model nobody knows."""
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "home-1"}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in said.items()]
    attributes.append({"key": "gen_ai.usage.input_tokens", "value": {"intValue": "1000000"}})
    spans = [
        {"traceId": f"{trace:032x}", "spanId": f"{number:016x}", "name": "chat", "attributes": attributes}
        | {"startTimeUnixNano": str(now + number), "endTimeUnixNano": str(now + number + 1)}
        for number in range(1, CALLS // 3 + 1)
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


def test_repricing_survives_a_kill(own_server: RunningServer) -> None:
    now = time.time_ns() - 3_600_000_000_000
    bodies = [body(trace, now) for trace in (1, 2, 3)]
    own_server.start()
    with own_server.client() as client:
        for one in bodies:
            assert client.post("/v1/traces", json=one).status_code == 200
        assert client.put("/api/v1/prices/home-*", json={"input": 2}).status_code == 200
    own_server.kill()  # at once: the change is acknowledged, the calls are not priced yet or are being priced
    own_server.start()
    with own_server.client() as client:
        for one in bodies:  # a sender that heard nothing sends again
            assert client.post("/v1/traces", json=one).status_code == 200
        deadline = time.monotonic() + 60
        while client.get("/api/v1/repricings").json()["items"][0]["status"] != "done":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        total = client.get("/api/v1/costs").json()["total"]
    assert (total["calls"], total["cost"]) == (CALLS, {"usd": CALLS * 2.0, "unknown": 0})
