"""A real server of the benchmark, as a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.startup import _free_port, _wait

KEY = "sk_benchmark_bootstrap_key"


@dataclass(slots=True, frozen=True)
class Server:
    """`ready_s`: seconds from the start to the first answer that all is well."""

    url: str
    pid: int
    ready_s: float


@contextmanager
def running(data: Path) -> Iterator[Server]:
    """`assay up` on this data, until the block ends."""
    port = _free_port()
    command = [sys.executable, "-m", "assay_server.app.main", "up", "--data", str(data), "--port", str(port)]
    environment = {**os.environ, "ASSAY_BOOTSTRAP_KEY": KEY, "ASSAY_GRPC_PORT": "0"}
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", process)
        yield Server(f"http://127.0.0.1:{port}", process.pid, round(time.perf_counter() - began, 2))
    finally:
        process.terminate()
        process.wait()
