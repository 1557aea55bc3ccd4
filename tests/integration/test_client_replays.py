"""What released clients really sent, sent again: found as it was sent, and nothing personal is on the disk."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from assay_server.core.records import Facts
from assay_server.store import DuckStore
from tests.clients.bench import FIXTURES, load, replay
from tests.clients.bench_grpc import METHOD, replay_grpc
from tests.clients.planted import EMAIL, PROVIDERS_KEY, SECRET, files_that_say, says, stored, with_secret
from tests.clients.provider import Provider
from tests.clients.registered import Client, clients
from tests.conformance.store import a_span
from tests.fixtures.server import RunningServer, free_port

RECORDINGS = sorted(path for path in FIXTURES.iterdir() if path.is_dir())
OVER_GRPC = [folder for folder in RECORDINGS if load(folder)[0].method == METHOD]
OVER_HTTP = [folder for folder in RECORDINGS if folder not in OVER_GRPC]
_PATIENCE_S = 20


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
        _assert_kept_nowhere(api, server.data, key)


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
        _assert_kept_nowhere(api, server.data, key)


@pytest.mark.parametrize("folder", OVER_HTTP, ids=lambda path: path.name)
def test_a_key_that_a_client_says_is_kept_nowhere(
    folder: Path, server: RunningServer, registered: dict[str, Client]
) -> None:
    client = registered[folder.name.rpartition("@")[0]]
    with Provider() as provider, server.client() as api:
        key = _own_project(api)
        client.prepare(api, provider.base_url)
        assert max(replay(folder, server.url, key, change=with_secret)) < 500
        _assert_kept_nowhere(api, server.data, key, "[SECRET]")


@pytest.mark.parametrize("folder", OVER_GRPC, ids=lambda path: path.name)
def test_a_key_that_is_said_over_grpc_is_kept_nowhere(folder: Path, grpc_server: tuple[RunningServer, str]) -> None:
    server, address = grpc_server
    with server.client() as api:
        key = _own_project(api)
        assert set(replay_grpc(folder, address, key, change=with_secret)) == {0}
        _assert_kept_nowhere(api, server.data, key, "[SECRET]")


def test_every_client_is_recorded(registered: dict[str, Client]) -> None:
    assert {folder.name.rpartition("@")[0] for folder in RECORDINGS} == registered.keys()
    assert OVER_GRPC, "gRPC has its own door"


@pytest.mark.parametrize("folder", RECORDINGS, ids=lambda path: path.name)
def test_every_recording_says_what_nobody_may_keep(folder: Path) -> None:
    """Otherwise looking for it afterwards would show nothing."""
    exchanges = load(folder)
    assert any(says(exchange, EMAIL) for exchange in exchanges)
    changed = [with_secret(exchange) for exchange in exchanges]
    assert any(says(exchange, SECRET) for exchange in changed)
    assert [len(one.body) for one in changed if "content-encoding" not in one.headers] == [
        len(one.body) for one in exchanges if "content-encoding" not in one.headers
    ]


async def test_what_nobody_scrubbed_would_be_found(tmp_path: Path) -> None:
    """As a span's text, in the files of a store that is in use and of one that was closed."""
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts(spans=[a_span(input=f"I am {EMAIL}.", attributes={"note": SECRET})]))
    assert files_that_say(tmp_path, [EMAIL])
    assert files_that_say(tmp_path, [SECRET])
    await store.close()
    assert files_that_say(tmp_path, [EMAIL])
    assert files_that_say(tmp_path, ["nobody"]) == []


def _own_project(api: httpx.Client) -> str:
    made = api.post("/api/v1/projects", json={"name": f"replay-{uuid4().hex}"})
    assert made.status_code == 201, made.text
    key: str = made.json()["key"]["secret"]
    api.headers["authorization"] = f"Bearer {key}"
    return key


def _assert_kept_nowhere(api: httpx.Client, data: Path, key: str, instead: str = "[EMAIL_ADDRESS]") -> None:
    """`instead` stands where it was said; what was said is in no column of any table, and in no file."""
    deadline = time.monotonic() + _PATIENCE_S
    while instead not in (sent := stored(api, as_sent=True)):
        assert time.monotonic() < deadline, f"no {instead} in {len(sent)} characters"
        time.sleep(0.2)
    kept = stored(api)
    said = (EMAIL, SECRET, PROVIDERS_KEY, key)
    assert not [text for text in said if text in kept]
    assert files_that_say(data.parent, said) == []
