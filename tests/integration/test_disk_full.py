"""A disk that fills up under a running server: 503 with a fix, reading goes on, and it mends by itself.

`prlimit` (the largest file a process may write) stands in for the full disk: the system refuses the same writes.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fixtures import otlp
from tests.fixtures.server import RunningServer

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prlimit is Linux's")

_SMALL = 400_000


def _limit_files(server: RunningServer, size: int) -> None:
    hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, hard))


@pytest.mark.timeout(300)
def test_a_disk_that_fills_up_and_is_emptied_again(own_server: RunningServer) -> None:
    own_server.start(timeout=120)
    rng = otlp.seeded(1)
    acknowledged: set[tuple[str, str]] = set()
    with own_server.client(timeout=60) as client:
        _limit_files(own_server, _SMALL)
        refused = None
        for _ in range(200):
            batch = otlp.batch(rng, traces=10, spans_each=10)
            answer = _sent(client, batch)
            if answer.status_code != 200:
                refused = answer
                break
            acknowledged |= batch.ids
        assert refused is not None
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        assert client.get("/api/v1/spans").json()["total"] == len(acknowledged)
        assert client.get("/api/v1/traces").status_code == 200
        _limit_files(own_server, resource.RLIM_INFINITY)
        again = _sent(client, batch)
        assert again.status_code == 200
        assert client.get("/api/v1/spans").json()["total"] == len(acknowledged | batch.ids)
        assert client.get("/readyz").status_code == 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with 600 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=False)


@pytest.mark.timeout(300)
def test_too_little_room_is_told_before_anything_fails(small_disk: Path) -> None:
    server, ballast = RunningServer(small_disk / "data"), small_disk / "ballast"
    batches = [otlp.batch(otlp.seeded(seed)) for seed in range(3)]
    server.start(timeout=120)
    try:
        with server.client(timeout=60) as client:
            codes = [_sent(client, batches[0]).status_code]
            with ballast.open("wb") as out:
                os.posix_fallocate(out.fileno(), 0, 400 << 20)
            refused, ready = _sent(client, batches[1]), client.get("/readyz")
            codes += [refused.status_code, ready.status_code, client.get("/api/v1/traces").status_code]
            ballast.unlink()
            codes += [_sent(client, batches[2]).status_code, client.get("/readyz").status_code]
            total = client.get("/api/v1/spans").json()["total"]
    finally:
        server.kill()
    assert codes == [200, 503, 503, 200, 200, 200]
    assert "kept free" in ready.json()["faults"]["facts"]
    assert total == len(batches[0].ids | batches[2].ids)


def _sent(client: httpx.Client, batch: otlp.Batch) -> httpx.Response:
    return client.post("/v1/traces", content=batch.body, headers=otlp.PROTOBUF)
