"""Runs every client of the bench against a real server and, with `RECORD=1`, keeps what it sent.

Not collected by `make test`: `make clients` names this file. One client: `-k otel_http`.
"""

import os
from collections.abc import Iterator

import pytest

from tests.clients.bench import PYTHON, Recorder, run_script, save
from tests.clients.bench_grpc import GrpcRecorder
from tests.clients.expect_langfuse import PYTHON_VERSIONS, langfuse
from tests.clients.provider import Provider
from tests.clients.registered import Client, Setting, alone, clients
from tests.fixtures.server import RunningServer, free_port

GRPC_PORT = free_port()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """With gRPC, which the servers of other tests have off."""
    data = tmp_path_factory.mktemp("clients") / "data"
    running = RunningServer(data, ASSAY_GRPC_PORT=str(GRPC_PORT)).start()
    yield running
    running.stop()


@pytest.mark.parametrize("client", clients().values(), ids=lambda client: client.name)
def test_client(client: Client, server: RunningServer) -> None:
    if not PYTHON.exists():
        pytest.fail("the clients are not installed; run `make clients`")
    grpc_address = f"127.0.0.1:{GRPC_PORT}"
    with Provider() as provider, Recorder(server.url) as proxy, GrpcRecorder(grpc_address) as grpc_proxy:
        setting = Setting(proxy.url, server.key, grpc_proxy.url, provider.base_url, client.session)
        with server.client() as api:
            client.prepare(api, provider.base_url)
            run_script(client.line(), {**client.environment(setting), "BENCH_SESSION": client.session})
            try:
                client.check(api, client.session)
            except AssertionError as error:
                error.add_note(f"sent: {[(sent.path, sent.status) for sent in proxy.exchanges]}")
                raise
        if os.environ.get("RECORD"):
            sent = grpc_proxy.exchanges if client.over_grpc else proxy.exchanges
            save(client.name, client.installed(), sent)


@pytest.mark.parametrize("version", PYTHON_VERSIONS)
def test_langfuse_reads_what_every_client_sent(version: str, server: RunningServer) -> None:
    """All that the tests above left in the project, in the models of each version."""
    with server.client() as api:
        traces = api.get("/api/v1/traces").json()["total"]
    setting = Setting(server.url, server.key, "", "", "")
    line = [*alone("langfuse", version), "langfuse_everything.py"]
    run_script(line, {**langfuse(setting), "READ_AT_LEAST": str(traces)}, timeout=300)
