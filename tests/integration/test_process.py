"""What the server asks of the system for itself."""

import resource
import sys
from pathlib import Path

import pytest

from tests.fixtures.server import RunningServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes are read from /proc")


def test_a_server_may_have_as_many_connections_as_its_user_may(server: RunningServer) -> None:
    lines = Path(f"/proc/{server.pid}/limits").read_text().splitlines()
    soft, hard = next(line.split()[3:5] for line in lines if line.startswith("Max open files"))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] if hard == "unlimited" else int(hard)
    assert int(soft) >= min(65_536, most)
