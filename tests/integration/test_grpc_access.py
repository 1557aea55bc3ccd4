"""The gRPC door of the real server takes the keys, and asks for the roles, that its HTTP doors do."""

from collections.abc import Iterator

import pytest

from tests.fakes.otlp_requests import a_span, protobuf
from tests.fixtures.server import RunningServer, free_port

grpc = pytest.importorskip("grpc")
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, int]]:
    port = free_port()
    running = RunningServer(tmp_path_factory.mktemp("grpc") / "data", ASSAY_GRPC_PORT=str(port)).start()
    yield running, port
    running.kill()


@pytest.mark.parametrize(
    ("role", "code"),
    [
        ("admin", "OK"),
        ("editor", "OK"),
        ("ingest", "OK"),
        ("viewer", "PERMISSION_DENIED"),
        ("score", "PERMISSION_DENIED"),
        ("revoked", "UNAUTHENTICATED"),
        ("none", "UNAUTHENTICATED"),
    ],
)
def test_grpc_asks_for_the_role_that_http_asks_for(role: str, code: str, door: tuple[RunningServer, int]) -> None:
    running, port = door
    metadata = []
    if role != "none":
        with running.client() as http:
            made = http.post(
                "/api/v1/keys", json={"name": f"grpc {role}", "role": "admin" if role == "revoked" else role}
            )
            if role == "revoked":
                http.delete(f"/api/v1/keys/{made.json()['id']}").raise_for_status()
        metadata = [("authorization", f"Bearer {made.json()['secret']}")]
    assert _exported(port, metadata) == code


def _exported(port: int, metadata: list[tuple[str, str]]) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            channel.unary_unary(EXPORT)(protobuf(a_span()), metadata=metadata, timeout=30)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"
