"""Several people in one project at once, over the real rooms: who comes second is told, and nobody's work is lost."""

import time
from typing import Any

import httpx
import pytest

from tests.fakes.otlp_requests import a_span, as_json
from tests.fixtures.server import RunningServer

MONITOR: dict[str, Any] = {
    "name": "together",
    "metric": "error_rate",
    "rule": {"kind": "threshold", "above": 0.05},
    "window_s": 300,
}
EXPORT: dict[str, Any] = {"name": "together", "what": "spans", "target": {"folder": "bi/together"}}
FORWARD: dict[str, Any] = {"endpoint": "http://127.0.0.1:9", "enabled": False}
VIEW: dict[str, Any] = {"page": "traces", "query": {"q": "status:error"}}
PRICE: dict[str, Any] = {"input": 1.0, "output": 2.0}

JSON = {"content-type": "application/json"}
TEXT = "how long may I keep it? " * 400

Change = tuple[str, dict[str, Any], dict[str, Any]]
"""Where it stands, how it begins, and what somebody changes in it."""

CHANGES: list[Change] = [
    ("/monitors/together", MONITOR, {"description": "theirs"}),
    ("/exports/together", EXPORT, {"every": "week"}),
    ("/forwards/together", FORWARD, {"share": 0.5}),
    ("/views/together", VIEW, {"query": {"q": "latency>2s"}}),
    ("/prices/together", PRICE, {"output": 3.0}),
]


@pytest.fixture
def http(own_server: RunningServer) -> Any:
    own_server._environment["ASSAY_EXPORT_DIR"] = str(own_server.data.parent / "exports")
    own_server.start()
    with own_server.client() as client:
        client.base_url = httpx.URL(f"{own_server.url}/api/v1")
        yield client


def made(http: httpx.Client, path: str, begun: dict[str, Any]) -> httpx.Response:
    noun = path.split("/")[1]
    if noun in {"monitors", "exports"}:
        return http.post(f"/{noun}", json=begun).raise_for_status()
    return http.put(path, json=begun, headers={"If-Match": '"0"'}).raise_for_status()


def listed(http: httpx.Client, path: str) -> dict[str, Any]:
    _, noun, name = path.split("/")
    items = http.get(f"/{noun}").raise_for_status().json()["items"]
    return next(one for one in items if name in (one.get("name"), one.get("model")))


def test_who_changes_what_somebody_else_has_changed_is_refused(http: httpx.Client) -> None:
    for path, begun, change in CHANGES:
        seen = made(http, path, begun).headers["etag"]
        assert seen == f'"{listed(http, path)["revision"]}"', path
        again = http.put(path, json=begun, headers={"If-Match": '"0"'})
        theirs = http.put(path, json=begun | change, headers={"If-Match": seen})
        mine = http.put(path, json=begun, headers={"If-Match": seen})
        assert (again.status_code, theirs.status_code, mine.status_code) == (409, 200, 409), path
        told = mine.json()
        assert (told["code"], told["field"]) == ("conflict", "If-Match")
        assert "since you read it" in told["detail"]
        assert "audit log" in told["fix"]
        assert listed(http, path)["revision"] == theirs.json()["revision"], path
        if "prices" not in path:  # a price has another id each time it is set
            assert http.delete(path, headers={"If-Match": seen}).status_code == 409, path
            assert http.delete(path, headers={"If-Match": theirs.headers["etag"]}).status_code == 204, path
            gone = http.put(path, json=begun, headers={"If-Match": seen})
            assert gone.status_code in (404, 409), path
    odd = http.put("/views/together", json=VIEW, headers={"If-Match": '"of another house"'})
    assert (odd.status_code, odd.json()["field"]) == (400, "If-Match")


def test_a_download_ends_with_the_key_that_asked_for_it(http: httpx.Client, own_server: RunningServer) -> None:
    """Of millions of rows it went on for minutes."""
    for batch in range(10):
        spans = [
            a_span(trace_id=f"{batch:016x}{n:016x}", span_id=f"{n + 1:016x}", attributes={"assay.input": TEXT})
            for n in range(500)
        ]
        sent = http.post(f"{own_server.url}/v1/traces", content=as_json(*spans), headers=JSON)
        assert sent.status_code == 200
    key = http.post("/keys", json={"name": "leaving", "role": "viewer"}).raise_for_status().json()
    theirs = {"authorization": f"Bearer {key['secret']}"}
    with httpx.Client(headers=theirs, timeout=30) as leaving:
        with leaving.stream("GET", f"{own_server.url}/api/v1/export/spans") as answer:
            parts = answer.iter_bytes()
            next(parts)
            http.delete(f"/keys/{key['id']}").raise_for_status()
            time.sleep(1.5)
            with pytest.raises(httpx.RemoteProtocolError):
                sum(len(part) for part in parts)
        refused = leaving.get(f"{own_server.url}/api/v1/export/spans")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    own_server.stop()
    assert "a download was cut off: its key was revoked" in own_server.log.read_text()
