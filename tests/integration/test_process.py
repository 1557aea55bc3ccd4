"""What the server asks of the system for itself."""

import resource
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures.server import RunningServer, free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes are read from /proc")


def test_a_server_may_have_as_many_connections_as_its_user_may(server: RunningServer) -> None:
    lines = Path(f"/proc/{server.pid}/limits").read_text().splitlines()
    soft, hard = next(line.split()[3:5] for line in lines if line.startswith("Max open files"))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] if hard == "unlimited" else int(hard)
    assert int(soft) >= min(65_536, most)


def test_a_server_stops_in_time_while_callers_hang_at_both_doors(tmp_path: Path) -> None:
    grpc = free_port()
    running = RunningServer(tmp_path / "data", ASSAY_GRPC_PORT=str(grpc)).start()
    _until_open(grpc)
    key = running.key.encode()
    body = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 9999\r\n\r\n{" % key
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    pieces = [(running.port, b""), (running.port, b"GET / HTTP/1.1\r\nX-A: "), (running.port, body)]
    pieces += [(grpc, b""), (grpc, preface)]
    with ExitStack() as held:
        for port, piece in pieces * 5:
            held.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(piece)
        time.sleep(0.5)
        began = time.monotonic()
        running.stop()

    assert time.monotonic() - began < 10, "containers are killed after ten seconds"


def _until_open(port: int) -> None:
    """The door of gRPC opens behind that of HTTP."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "gRPC did not open"
            time.sleep(0.05)
