"""What released clients really sent, sent again: found as it was when they sent it."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.bench import FIXTURES, load, replay
from tests.clients.registered import clients
from tests.fixtures.server import RunningServer

RECORDINGS = sorted(path for path in FIXTURES.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def registered() -> dict:
    return clients()


@pytest.mark.parametrize("folder", RECORDINGS, ids=lambda path: path.name)
def test_a_recorded_client_is_understood(folder: Path, server: RunningServer, registered: dict) -> None:
    """In a project of its own: two versions of a client use the same names."""
    client = registered[folder.name.rpartition("@")[0]]
    with server.client() as api:
        made = api.post("/api/v1/projects", json={"name": f"replay-{uuid4().hex}"})
        assert made.status_code == 201, made.text
        api.headers["authorization"] = f"Bearer {made.json()['key']['secret']}"
        key = made.json()["key"]["secret"]
        assert replay(folder, server.url, key) == [exchange.status for exchange in load(folder)]
        client.check(api, client.session)


def test_every_recorded_client_is_registered(registered: dict) -> None:
    recorded = {folder.name.rpartition("@")[0] for folder in RECORDINGS}
    assert recorded
    assert recorded <= registered.keys()
