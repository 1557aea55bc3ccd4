"""`assay up` as a new user meets it."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.fixtures import otlp
from tests.fixtures.server import RunningServer, free_port

UP = [sys.executable, "-m", "assay_server.app.main", "up"]


def test_the_first_start_shows_a_key_and_a_sign_in_link_that_works_once(tmp_path: Path) -> None:
    """And both ends that a person gives it close the house: a start of its own for each would take a minute."""
    with _up(tmp_path / "data") as (first, process):
        token = first["sign_in"].partition("token=")[2]
        with httpx.Client(base_url=first["url"], headers={"origin": first["url"]}) as browser:
            opened = browser.post("/api/v1/session", json={"token": token})
            me = browser.get("/api/v1/info").json()
            again = httpx.post(f"{first['url']}/api/v1/session", json={"token": token})
        _closes(process, signal.SIGTERM, tmp_path / "data")
    with _up(tmp_path / "data") as (second, process):
        _closes(process, signal.SIGINT, tmp_path / "data")

    assert first["admin_key"].startswith("sk_")
    assert "/sign-in?token=" in first["sign_in"]
    assert opened.status_code in {200, 201}
    assert me["role"] == "admin"
    assert again.status_code == 401
    assert "fix" in again.json()
    assert second["admin_key"] is None
    assert second["sign_in"] is None


def _closes(process: "subprocess.Popen[str]", number: signal.Signals, data: Path) -> None:
    assert list(data.glob("ledger.sqlite-*")), "the ledger is open"
    process.send_signal(number)
    assert process.wait(timeout=30) == 0
    assert not list(data.glob("ledger.sqlite-*")), "the ledger was closed last but one"


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = _fails("--data", str(tmp_path / "data"), "--port", str(port))

    assert ended.returncode == 1
    assert f"Port {port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_data_directory_that_cannot_be_is_told_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    ended = _fails("--data", str(tmp_path / "file"), "--port", str(free_port()))

    assert ended.returncode == 2
    assert "cannot be the data directory" in ended.stderr
    assert "fix: assay up --data DIR" in ended.stderr


def test_a_directory_that_is_held_names_the_holder(own_server: RunningServer) -> None:
    own_server.start()

    ended = _fails("--data", str(own_server.data), "--port", str(free_port()))

    assert ended.returncode == 1
    assert str(own_server.pid) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_faults_of_the_configuration_are_told_together(tmp_path: Path) -> None:
    ended = _fails("--data", str(tmp_path), "--port", "0", "--log-level", "loud")

    assert ended.returncode == 2
    assert "port" in ended.stderr
    assert "loud" in ended.stderr


def test_decisions_may_live_in_postgresql(own_server: RunningServer, postgresql_url: str) -> None:
    held = RunningServer(own_server.data, ASSAY_LEDGER_URL=postgresql_url)
    held.start()
    try:
        with held.client() as client:
            made = client.post("/api/v1/prompts", json={"name": "greeting", "template": {"user": "Hello {name}"}})
            sent = client.post("/v1/traces", content=otlp.batch(otlp.seeded(1)).body, headers=otlp.PROTOBUF)
            traces = client.get("/api/v1/traces", params={"limit": 1}).json()
            chain = client.get("/api/v1/audit/verify").json()
    finally:
        held.stop()

    assert made.status_code == 201
    assert sent.status_code == 200
    assert traces["total"] == 2
    assert chain["ok"] is True
    assert not (own_server.data / "ledger.sqlite").exists()


class _Up:
    """A server that says in JSON where it is."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def __enter__(self) -> tuple[dict[str, str], "subprocess.Popen[str]"]:
        command = [*UP, "--json", "--data", str(self._data), "--port", str(free_port()), "--grpc-port", "0"]
        environment = {name: value for name, value in os.environ.items() if name != "ASSAY_BOOTSTRAP_KEY"}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline()), self._process

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        assert self._process.stdout is not None
        self._process.stdout.close()


def _up(data: Path) -> _Up:
    return _Up(data)


def _fails(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*UP, *arguments], capture_output=True, text=True, timeout=60, check=False)
