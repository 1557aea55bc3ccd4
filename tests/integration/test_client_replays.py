"""What released clients really sent, sent again: found as it was sent, and nothing personal is on the disk."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.clients.bench import FIXTURES, load, replay
from tests.clients.bench_grpc import METHOD, replay_grpc
from tests.clients.expect_otlp import EMAIL
from tests.clients.provider import Provider
from tests.clients.registered import Client, clients
from tests.fixtures.server import RunningServer, free_port

RECORDINGS = sorted(path for path in FIXTURES.iterdir() if path.is_dir())
OVER_GRPC = [folder for folder in RECORDINGS if load(folder)[0].method == METHOD]
OVER_HTTP = [folder for folder in RECORDINGS if folder not in OVER_GRPC]


@pytest.fixture(scope="module")
def registered() -> dict[str, Client]:
    return clients()


@pytest.fixture(scope="module")
def grpc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, str]]:
    """The server of other tests has gRPC off."""
    port = free_port()
    running = RunningServer(tmp_path_factory.mktemp("replays") / "data", ASSAY_GRPC_PORT=str(port)).start()
    yield running, f"127.0.0.1:{port}"
    running.kill()


@pytest.mark.parametrize("folder", OVER_HTTP, ids=lambda path: path.name)
def test_a_recorded_client_is_understood(folder: Path, server: RunningServer, registered: dict[str, Client]) -> None:
    """In a project of its own: two versions of a client use the same names."""
    client = registered[folder.name.rpartition("@")[0]]
    with Provider() as provider, server.client() as api:
        key = _own_project(api)
        client.prepare(api, provider.base_url)
        assert replay(folder, server.url, key) == [exchange.status for exchange in load(folder)]
        client.check(api, client.session)
    _assert_not_on_disk(server.data)


@pytest.mark.parametrize("folder", OVER_GRPC, ids=lambda path: path.name)
def test_a_client_recorded_over_grpc_is_understood(
    folder: Path, grpc_server: tuple[RunningServer, str], registered: dict[str, Client]
) -> None:
    server, address = grpc_server
    client = registered[folder.name.rpartition("@")[0]]
    with server.client() as api:
        key = _own_project(api)
        assert replay_grpc(folder, address, key) == [exchange.status for exchange in load(folder)]
        client.check(api, client.session)
    _assert_not_on_disk(server.data)


def test_every_client_is_recorded(registered: dict[str, Client]) -> None:
    assert {folder.name.rpartition("@")[0] for folder in RECORDINGS} == registered.keys()
    assert OVER_GRPC, "gRPC has its own door"


def _own_project(api: httpx.Client) -> str:
    made = api.post("/api/v1/projects", json={"name": f"replay-{uuid4().hex}"})
    assert made.status_code == 201, made.text
    key: str = made.json()["key"]["secret"]
    api.headers["authorization"] = f"Bearer {key}"
    return key


def _assert_not_on_disk(data: Path) -> None:
    """Facts, decisions, logs and media: every client of the bench says the same address somewhere."""
    for file in data.parent.rglob("*"):
        if file.is_file():
            assert EMAIL.encode() not in file.read_bytes(), file
