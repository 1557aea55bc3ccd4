"""Monitors through a running server: traffic goes wrong, the server is killed, and people still hear of it."""

import email
import email.policy
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.mailbox import Mailbox, receiving
from tests.fakes.otlp_requests import a_span, protobuf
from tests.fakes.rest import Answer, FakeServer, serving
from tests.fixtures.server import RunningServer

MONITOR: dict[str, Any] = {
    "name": "errors-now",
    "metric": "error_rate",
    "rule": {"kind": "threshold", "above": 0.1},
    "window_s": 3600,
    "every_s": 1,
    "min_n": 5,
    "severity": "critical",
}


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with receiving() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[FakeServer]:
    with serving() as receiver:
        yield receiver


def send(client: httpx.Client, count: int, first: int, *, failed: bool) -> None:
    now, status = time.time_ns(), 2 if failed else 1
    spans = [
        a_span(trace_id=f"{at:032x}", span_id=f"{at:016x}", start_ns=now - 10**6, end_ns=now, status=status)
        for at in range(first, first + count)
    ]
    answer = client.post("/v1/traces", content=protobuf(*spans), headers={"content-type": "application/x-protobuf"})
    assert answer.status_code == 200


def wait(until: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = until()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def test_people_hear_of_trouble_though_the_server_is_killed(hurried_server: RunningServer, hook: FakeServer) -> None:
    hook.on("POST", "/in", Answer({}, 503))  # the receiver is down as well
    server = hurried_server.start()
    with server.client() as client:
        url = hook.url.replace("http://", "json://") + "/in"
        channel = client.post("/api/v1/notification-channels", json={"name": "hook", "url": url}).json()
        assert url not in client.get("/api/v1/notification-channels").text
        send(client, 20, 1, failed=True)
        made = client.post("/api/v1/monitors", json=MONITOR)
        assert made.status_code == 201
        tested = client.post("/api/v1/monitors/errors-now/test").json()["findings"]
        assert [(finding["status"], finding["n"]) for finding in tested] == [("alarm", 20)]
        incident = wait(lambda: client.get("/api/v1/incidents").json()["items"])[0]
        wait(lambda: hook.calls("POST", "/in"))  # tried, and refused
    server.kill()
    hook.on("POST", "/in", {})
    before = len(hook.calls("POST", "/in"))
    server.start()
    with server.client() as client:
        wait(lambda: len(hook.calls("POST", "/in")) > before)
        opened = hook.calls("POST", "/in")[-1].json
        assert opened["title"] == "[critical] errors-now: error rate"
        assert f"{server.url}/incidents/{incident['id']}" in opened["message"]
        assert f"ref {incident['id']}:opened" in opened["message"]
        assert "n = 20" in opened["message"]
        send(client, 400, 1000, failed=False)
        wait(lambda: any("Resolved" in each.json["title"] for each in hook.calls("POST", "/in")))
        assert client.get(f"/api/v1/incidents/{incident['id']}").json()["status"] == "resolved"
        sent = wait(lambda: client.get("/api/v1/notifications?status=sent").json()["items"])
        assert {each["channel"] for each in sent} == {channel["id"]}
        assert client.post(f"/api/v1/notification-channels/{channel['id']}/test").json()["sent"] is True


@pytest.mark.timeout(300)  # several starts of a server
def test_mail_arrives_though_the_server_is_killed_and_what_it_missed_is_caught_up(
    hurried_server: RunningServer, mailbox: Mailbox
) -> None:
    mailbox.full = True
    server = hurried_server.start()
    with server.client() as client:
        client.post("/api/v1/notification-channels", json={"name": "mail", "url": mailbox.url}).raise_for_status()
        send(client, 20, 1, failed=True)
        client.post("/api/v1/monitors", json=MONITOR).raise_for_status()
        wait(lambda: mailbox.refused)
        incident = client.get("/api/v1/incidents").json()["items"][0]["id"]
    server.kill()
    assert mailbox.letters == []
    mailbox.full = False
    time.sleep(3 * MONITOR["every_s"])  # two looks that nobody takes
    server.start()
    with server.client() as client:
        [opened] = wait(lambda: mailbox.letters)
        # One look over the window of an hour covers the gap; that others did not happen is counted.
        wait(lambda: client.get("/api/v1/monitors/errors-now").json()["missed"] >= 1)
        assert _looks(client)[0]["findings"][0]["status"] == "alarm"
        letter = email.message_from_string(opened, policy=email.policy.default)
        part = letter.get_body(("plain", "html"))
        assert part is not None
        body = part.get_content()
        assert letter["subject"] == "[critical] errors-now: error rate"
        for evidence in ("n = 20", "1 h", f"{server.url}/incidents/{incident}", f"ref {incident}:opened"):
            assert evidence in body
        server.kill()  # between the trouble and its end
    server.start()
    with server.client() as client:
        send(client, 400, 1000, failed=False)
        wait(lambda: any("Resolved" in letter for letter in mailbox.letters))
        assert [f"ref {incident}:opened" in letter for letter in mailbox.letters].count(True) <= 2  # at least once


def _looks(client: httpx.Client) -> list[Any]:
    found: list[Any] = client.get("/api/v1/monitors/errors-now/evaluations").raise_for_status().json()["items"]
    return found
