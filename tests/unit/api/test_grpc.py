"""OTLP over gRPC: a real channel against the door on a free port; where it cannot open, one line says why."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from assay_server.api import grpc as door_module
from assay_server.api.grpc import GrpcDoor, opened
from assay_server.api.services import GrpcPort
from assay_server.checks.pii import Scrubber
from assay_server.core.errors import Busy, Unauthenticated, Unavailable
from assay_server.core.ports import Principal
from assay_server.ingest import Ingest
from assay_server.providers import Prices
from assay_server.query import Traces
from assay_server.store import DuckStore
from tests.fakes.otlp_requests import TRACE_ID, a_span, protobuf

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
KEYS = {"authorization": ("Bearer admin", "admin"), "x-api-key": ("viewer", "viewer")}


class Accounts:
    async def authenticate(self, headers: Any) -> Principal:
        for name, (secret, role) in KEYS.items():
            if headers.get(name) == secret:
                return Principal("prj_a", "key:key_1", role)
        raise Unauthenticated("Nobody knows this key.")


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Any]:
    store = await DuckStore.open(tmp_path / "facts")
    ingest = Ingest(store, Scrubber(), Prices())
    yield SimpleNamespace(accounts=Accounts(), ingest=ingest, traces=Traces(store), grpc_port=GrpcPort(4317))
    await ingest.close()
    await store.close()


@pytest.fixture
async def export(services: Any) -> AsyncIterator[Any]:
    aio = pytest.importorskip("grpc.aio")
    door = GrpcDoor(services)
    port = await door.open("127.0.0.1", 0)
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:

        async def call(body: bytes, *metadata: tuple[str, str], path: str = TRACES) -> bytes:
            answer: bytes = await channel.unary_unary(path)(body, metadata=metadata)
            return answer

        yield call
    await door.close()


ADMIN = ("authorization", "Bearer admin")


async def test_spans_are_stored_before_the_answer(services: Any, export: Any) -> None:
    answer = await export(protobuf(a_span(name="über grpc")), ADMIN)
    assert not ExportTraceServiceResponse.FromString(answer).HasField("partial_success")
    assert (await services.traces.get("prj_a", TRACE_ID))["spans"][0]["name"] == "über grpc"


async def test_a_span_that_cannot_be_taken_is_told(export: Any) -> None:
    bad = a_span(trace_id="0af7", name="bad")
    partial = ExportTraceServiceResponse.FromString(await export(protobuf(a_span(), bad), ADMIN)).partial_success
    assert partial.rejected_spans == 1
    assert "trace_id has 2 bytes" in partial.error_message


@pytest.mark.parametrize("signal", ["logs.v1.LogsService", "metrics.v1.MetricsService"])
async def test_the_other_signals_have_their_service(export: Any, signal: str) -> None:
    assert await export(b"", ADMIN, path=f"/opentelemetry.proto.collector.{signal}/Export") == b""


@pytest.mark.parametrize(
    ("metadata", "body", "code"),
    [
        ((), b"", "UNAUTHENTICATED"),
        ((("authorization", "Bearer nobody"),), b"", "UNAUTHENTICATED"),
        ((("x-api-key", "viewer"),), b"", "PERMISSION_DENIED"),
        ((ADMIN,), b"\xff\xff", "INVALID_ARGUMENT"),
    ],
)
async def test_refusals_have_their_code(export: Any, metadata: Any, body: bytes, code: str) -> None:
    grpc = pytest.importorskip("grpc")
    with pytest.raises(grpc.RpcError) as caught:
        await export(body, *metadata)
    assert caught.value.code().name == code


@pytest.mark.parametrize(
    ("error", "code"),
    [(Busy("full", retry_after_s=1.5), "RESOURCE_EXHAUSTED"), (Unavailable("closed", retry_after_s=5), "UNAVAILABLE")],
)
async def test_a_full_server_says_when_to_come_back(
    services: Any, export: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    grpc = pytest.importorskip("grpc")

    async def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(services.ingest, "otlp", refuse)
    with pytest.raises(grpc.RpcError) as caught:
        await export(b"", ADMIN)
    assert caught.value.code().name == code
    details = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    retry = RetryInfo()
    assert Status.FromString(details).details[0].Unpack(retry)
    assert retry.retry_delay.ToTimedelta().total_seconds() == error.retry_after_s  # type: ignore[attr-defined]


async def test_a_message_without_a_key_is_not_read(export: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """60 callers that nobody knows made the server hold 4.5 GB of what they sent."""
    read: list[int] = []

    async def reading(self: GrpcDoor, context: Any) -> bytes:
        body: bytes = await context.read()
        read.append(len(body))
        return body

    monkeypatch.setattr(GrpcDoor, "_read", reading)
    await export(b"", ("authorization", "Bearer admin"))
    aio = pytest.importorskip("grpc.aio")
    for metadata in ((), (("authorization", "Bearer wrong"),), (("x-api-key", "viewer"),)):
        with pytest.raises(aio.AioRpcError):
            await export(b"\0" * 15_000_000, *metadata)
    assert read == [0]


async def test_a_message_that_is_refused_is_let_go(services: Any, export: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full server kept each one until Python's collector came."""
    bodies: list[bytes] = []

    async def full(project: str, body: bytes, *_: Any) -> None:
        bodies.append(body)
        raise Busy("full", retry_after_s=1)

    monkeypatch.setattr(services.ingest, "otlp", full)
    aio = pytest.importorskip("grpc.aio")
    gc.disable()
    try:
        with pytest.raises(aio.AioRpcError):
            await export(b"\0" * 1000, ("authorization", "Bearer admin"))
        await asyncio.sleep(0.05)
        held = sys.getrefcount(bodies[0])
        assert held == 2, "by the list, and the question"
    finally:
        gc.enable()


async def test_a_message_that_does_not_come_keeps_nobody_waiting(
    services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    aio = pytest.importorskip("grpc.aio")
    monkeypatch.setattr(door_module, "_READ_S", 0.2)
    monkeypatch.setattr(door_module, "_READ_AT_ONCE", 1)
    door = GrpcDoor(services)
    port = await door.open("127.0.0.1", 0)
    key = (("authorization", "Bearer admin"),)
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        slow = channel.stream_unary(TRACES)(metadata=key)  # sends nothing
        await asyncio.sleep(0.05)
        await channel.unary_unary(TRACES)(b"", metadata=key, timeout=5)
        with pytest.raises(aio.AioRpcError) as told:
            await slow
    await door.close()
    assert told.value.code().name == "UNAVAILABLE"
    assert "did not come within" in told.value.details()


async def test_an_unexpected_error_tells_nothing(services: Any, export: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    grpc = pytest.importorskip("grpc")

    async def fail(*_: Any) -> None:
        raise ValueError("secret detail")

    monkeypatch.setattr(services.ingest, "otlp", fail)
    with pytest.raises(grpc.RpcError) as caught:
        await export(b"", ADMIN)
    assert caught.value.code().name == "UNKNOWN"
    assert "secret" not in caught.value.details()


async def test_a_taken_port_is_said_in_one_line_and_nothing_else_happens(services: Any) -> None:
    pytest.importorskip("grpc")
    first = GrpcDoor(services)
    port = await first.open("127.0.0.1", 0)
    said: list[str] = []
    close = await opened(services, "127.0.0.1", port, said.append)
    assert len(said) == 1
    assert f"Port {port} on 127.0.0.1 is taken" in said[0]
    assert services.grpc_port.number == 0
    await close()
    await first.close()


async def test_without_grpcio_one_line_says_so(services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(door_module, "import_module", missing)
    said: list[str] = []
    await opened(services, "127.0.0.1", 4317, said.append)
    assert len(said) == 1
    assert "grpcio is not installed" in said[0]


async def test_port_0_is_off_and_silent(services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "import_module", lambda _: pytest.fail("imported"))
    said: list[str] = []
    await opened(services, "127.0.0.1", 0, said.append)
    assert said == []


async def test_a_client_that_pings_while_it_sends_nothing_keeps_its_connection(services: Any) -> None:
    grpc = pytest.importorskip("grpc")
    door = GrpcDoor(services)
    port = await door.open("127.0.0.1", 0)
    options = [("grpc.keepalive_time_ms", 1100), ("grpc.keepalive_permit_without_calls", 1)]
    options += [("grpc.http2.max_pings_without_data", 0)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        await channel.unary_unary(TRACES)(protobuf(a_span()), metadata=[ADMIN])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(channel.wait_for_state_change(grpc.ChannelConnectivity.READY), 6)
    await door.close()


async def test_a_client_that_answers_no_ping_is_let_go(services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("grpc.aio")
    monkeypatch.setattr(door_module, "_PING_S", 1)
    monkeypatch.setattr(door_module, "_PONG_S", 1)
    door = GrpcDoor(services)
    port = await door.open("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
    async with asyncio.timeout(15):
        while await reader.read(1000):
            pass
    writer.close()
    await door.close()
