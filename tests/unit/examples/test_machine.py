"""What a machine lacks for the demo is said in one clear line each."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.tour import machine


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_machine_with_everything_has_no_faults(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    assert machine.faults(port, tmp_path / "not" / "there" / "yet") == []


def test_a_port_that_is_taken(taken: int, tmp_path: Path) -> None:
    assert [str(taken) in fault and "--port" in fault for fault in machine.faults(taken, tmp_path)] == [True]


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "NEEDED_GB", 1e9)

    assert ["GB are needed" in fault for fault in machine.faults(0, tmp_path)] == [True]


def test_a_model_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MODELS", ("no_such_model",))

    assert ["no_such_model" in fault and "make install" in fault for fault in machine.faults(0, tmp_path)] == [True]


def test_a_missing_c_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # importing it raises ImportError

    assert ["libgomp1" in fault for fault in machine.faults(0, tmp_path)] == [True]


def test_the_demo_says_so_and_starts_nothing(taken: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.tour.demo", "--port", str(taken), "--data", str(tmp_path / "data")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert f"port {taken}" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_disk_usage_is_that_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    real = shutil.disk_usage

    def usage(path: Path) -> object:
        asked.append(path)
        return real(path)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    machine.faults(0, tmp_path / "a" / "b")

    assert asked == [tmp_path]
