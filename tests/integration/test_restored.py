"""A server that was restored from a backup, while the one that was backed up may still be running."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay_server.keeping import restore
from tests.fakes.rest import Answer, FakeServer, serving
from tests.fixtures.server import RunningServer
from tests.integration.test_monitors_kill import MONITOR, send, wait


@pytest.fixture
def hook() -> Iterator[FakeServer]:
    with serving() as receiver:
        yield receiver


def test_nothing_is_told_twice_until_somebody_says_so(tmp_path: Path, hook: FakeServer) -> None:
    hook.on("POST", "/in", Answer({}, 503))
    original = RunningServer(tmp_path / "data", hurried=True).start()
    with original.client() as client:
        url = hook.url.replace("http://", "json://") + "/in"
        client.post("/api/v1/notification-channels", json={"name": "hook", "url": url}).raise_for_status()
        send(client, 20, 1, failed=True)
        client.post("/api/v1/monitors", json=MONITOR).raise_for_status()
        wait(lambda: client.get("/api/v1/notifications?status=waiting").json()["items"])
        made = client.post("/api/v1/backups", json={}).json()
        done = wait(lambda: (one := client.get(f"/api/v1/backups/{made['id']}").json())["status"] == "done" and one)
        assert client.get("/readyz").json() == {"status": "ready", "outgoing": "on"}
    original.kill()
    asyncio.run(restore(Path(done["path"]), tmp_path / "back"))
    hook.on("POST", "/in", {})
    before = len(hook.calls("POST", "/in"))
    copy = RunningServer(tmp_path / "back", hurried=True).start()
    try:
        with copy.client() as client:
            assert client.get("/readyz").json() == {"status": "ready", "outgoing": "held"}
            assert client.get("/api/v1/info").json()["held"]["backup"] == Path(done["path"]).name
            assert "HELD: restored from" in copy.log.read_text()
            assert "assay outgoing start" in copy.log.read_text()
            time.sleep(1)  # the courier looks five times
            state = client.get("/api/v1/outgoing").json()
            assert state["messages"] >= 1
            assert len(hook.calls("POST", "/in")) == before
            assert client.post("/api/v1/outgoing/start", json={"reason": "the original is off"}).json()["held"] is None
            wait(lambda: len(hook.calls("POST", "/in")) > before)
            [event] = client.get("/api/v1/audit?action=outgoing.start").json()["items"]
            assert event["reason"] == "the original is off"
        copy.stop()
        copy.start()
        with copy.client() as client:
            assert client.get("/api/v1/info").json()["held"] is None
    finally:
        copy.kill()
