"""A server in a process of its own: started, waited for, weighed, and ended by its process id."""

import json
import os
import resource
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SECONDS_TO_START = 300  # MLflow makes its tables first
_SECONDS_TO_END = 60


@dataclass(slots=True, frozen=True)
class Running:
    """Where it listens, and the process that does."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """Seconds of CPU so far, user and system, its living children included."""
        return sum(_cpu_s(pid) for pid in _family(self.pid))

    def peak_mb(self) -> float:
        """The most memory that was resident at once, megabytes, its living children included."""
        return sum(_peak_mb(pid) for pid in _family(self.pid))


@contextmanager
def running(
    command: Sequence[str], ready: str, *, port: int | None = None, environment: dict[str, str] | None = None
) -> Iterator[Running]:
    """`{port}` in the command is the port; `ready` is the path that answers once it listens."""
    port = free_port() if port is None else port
    process = subprocess.Popen(
        [part.replace("{port}", str(port)) for part in command],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        server = Running(port, process.pid)
        _wait(server.url + ready, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def assay_up(data: Path, key: str) -> Iterator[Running]:
    """The server as it ships, with every default but its ports; `key` is the key of its first admin."""
    command = [sys.executable, "-m", "assay_server.app.main", "up", "--data", str(data), "--port", "{port}"]
    with running([*command, "--grpc-port", "0"], "/readyz", environment={"ASSAY_BOOTSTRAP_KEY": key}) as server:
        yield server


def rows(server: Running, key: str, sql: str) -> list[list[Any]]:
    """Rows of one SELECT, by the REST API."""
    found: list[list[Any]] = asked(server, key, "/sql", {"sql": sql})["rows"]
    return found


def asked(server: Running, key: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """An answer of the REST API, to a POST where there is a body."""
    request = urllib.request.Request(
        f"{server.url}/api/v1{path}",
        None if body is None else json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def own_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode} before it was ready")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise SystemExit(f"{url} did not answer within {_SECONDS_TO_START} s")


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:  # it ended meanwhile
        return []
    return [pid, *(relative for child in children for relative in _family(int(child)))]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
