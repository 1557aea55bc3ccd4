"""A hundred SIGKILLs at random moments under load, some of them while the store is written anew or the server starts.

What was acknowledged is there, once, whatever door it came through. About a quarter of an hour on an idle machine.
"""

import asyncio
import gzip
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from assay_server.store import DuckStore
from tests.fixtures import otlp
from tests.fixtures.server import KEY, RunningServer, free_port

KILLS = 100
SEED = 20261125

Send = Callable[[otlp.Batch], bool]
"""Whether the server acknowledged the batch."""

_PAUSE_S = 0.05


class Sender(threading.Thread):
    """Sends batches until told to stop; one that is not acknowledged is sent again, as it is."""

    def __init__(self, send: Send, seed: int) -> None:
        super().__init__(daemon=True)
        self._send, self._rng = send, random.Random(seed)
        self._stopped = threading.Event()
        self.acknowledged: set[tuple[str, str]] = set()
        self.resent = 0

    def run(self) -> None:
        batch = otlp.batch(self._rng, traces=4, spans_each=5)
        while not self._stopped.is_set():
            if self._send(batch):
                self.acknowledged |= batch.ids
                batch = otlp.batch(self._rng, traces=4, spans_each=5)
            else:
                self.resent += 1
                time.sleep(_PAUSE_S)

    def stop(self) -> None:
        self._stopped.set()
        self.join(timeout=60)
        assert not self.is_alive()


def over_http(client: httpx.Client, *, zipped: bool) -> Send:
    headers = otlp.PROTOBUF | ({"content-encoding": "gzip"} if zipped else {})

    def send(batch: otlp.Batch) -> bool:
        body = gzip.compress(batch.body) if zipped else batch.body
        try:
            return client.post("/v1/traces", content=body, headers=headers).status_code == 200
        except httpx.TransportError:
            return False

    return send


def over_grpc(port: int) -> Send:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.max_reconnect_backoff_ms", 500)])
    stub = TraceServiceStub(channel)

    def send(batch: otlp.Batch) -> bool:
        request = ExportTraceServiceRequest.FromString(batch.body)
        try:
            stub.Export(request, timeout=10, metadata=(("authorization", f"Bearer {KEY}"),))
        except grpc.RpcError:
            return False
        return True

    return send


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


def _bother(client: httpx.Client, rng: random.Random) -> None:
    """Sets something going that a kill should find half done."""
    path = rng.choice(["compactions", "compactions", "backups", "deletions"])
    body = {"user": "nobody", "reason": "soak"} if path == "deletions" else None
    try:
        client.post(f"/api/v1/{path}", json=body)
    except httpx.TransportError:
        return


@pytest.mark.soak
@pytest.mark.timeout(5400)
def test_a_hundred_kills_lose_nothing_acknowledged_and_store_nothing_twice(tmp_path: Path) -> None:
    rng, grpc_port = random.Random(SEED), free_port()
    server = RunningServer(tmp_path / "data", ASSAY_GRPC_PORT=str(grpc_port))
    server.start(timeout=120)
    starts: list[float] = []
    with server.client(timeout=10) as plain, server.client(timeout=10) as zipped, server.client(timeout=10) as asking:
        sends = [over_http(plain, zipped=False), over_http(zipped, zipped=True), over_grpc(grpc_port)]
        senders = [Sender(send, SEED + number) for number, send in enumerate(sends)]
        for sender in senders:
            sender.start()
        for kill in range(KILLS):
            if rng.random() < 0.5:
                _bother(asking, rng)
            time.sleep(rng.uniform(0.05, 1.5))
            server.kill()
            began = time.monotonic()
            server.start(timeout=120)
            starts.append(time.monotonic() - began)
            told = sum(len(sender.acknowledged) for sender in senders)
            _tell(f"kill {kill + 1}, seed {SEED}: {told} acknowledged, up after {starts[-1]:.1f} s")
        for sender in senders:
            sender.stop()
        chain = asking.get("/api/v1/audit/verify").json()
    server.stop()

    stored = asyncio.run(_stored(tmp_path / "data" / "facts"))
    acknowledged = set[tuple[str, str]]().union(*(sender.acknowledged for sender in senders))
    _tell(f"{len(acknowledged)} acknowledged, {sum(stored.values())} stored, resent {[s.resent for s in senders]}")
    assert all(sender.acknowledged and sender.resent for sender in senders)
    assert acknowledged - stored.keys() == set()
    assert [span for span, times in stored.items() if times > 1] == []
    assert chain["ok"] is True


async def _stored(folder: Path) -> Counter[tuple[str, str]]:
    """Every span by its ids, as the files hold them."""
    store = await DuckStore.open(folder)
    rows = store._connection.execute("SELECT trace_id, span_id, count(*) FROM spans GROUP BY ALL").fetchall()
    parts = store._connection.execute("SELECT sum(spans) FROM trace_parts").fetchone()
    await store.close()
    assert parts is not None
    assert parts[0] == sum(n for _, _, n in rows)
    return Counter({(trace_id, span_id): n for trace_id, span_id, n in rows})
