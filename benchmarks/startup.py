"""Start-up and idle memory of `assay up`, beside a bare uvicorn with one route in the same run.

usage: python -m benchmarks.startup [--runs 5] [--idle 5]
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

BARE = """
import sys, uvicorn
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", lifespan="off")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--idle", type=float, default=5.0, help="seconds to wait before memory is read")
    arguments = parser.parse_args()
    assay, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        for _ in range(arguments.runs):
            assay.append(measure(_assay(data), arguments.idle))
            bare.append(measure([sys.executable, "-c", BARE], arguments.idle))
    print(json.dumps({"runs": arguments.runs, "assay": _summary(assay), "bare_uvicorn": _summary(bare)}))


def measure(command: list[str], idle: float) -> tuple[float, float]:
    """Seconds until ready, and resident megabytes of the process and its children after `idle` seconds."""
    port = _free_port()
    environment = {**os.environ, "ASSAY_BOOTSTRAP_KEY": "sk_benchmark_bootstrap_key"}
    started = time.perf_counter()
    with subprocess.Popen([*command, str(port)], env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/readyz", process)
            ready = time.perf_counter() - started
            time.sleep(idle)
            return ready, _resident_mb(process.pid)
        finally:
            process.terminate()


def _assay(data: Path) -> list[str]:
    return [sys.executable, "-m", "assay_server.app.main", "up", "--data", str(data), "--port"]


def _wait(url: str, process: "subprocess.Popen[Any]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode} before it was ready")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.01)
    raise SystemExit("not ready within a minute")


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    own = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(_resident_mb(int(child)) for child in children)


def _summary(rows: list[tuple[float, float]]) -> dict[str, float]:
    return {
        "ready_s_median": round(statistics.median(row[0] for row in rows), 2),
        "ready_s_max": round(max(row[0] for row in rows), 2),
        "idle_mb_median": round(statistics.median(row[1] for row in rows), 1),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    main()
