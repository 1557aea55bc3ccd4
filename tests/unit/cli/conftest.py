"""The command line against a fake server, in this process."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay_server.cli import app, run
from tests.fakes.rest import FakeServer, serving


@dataclass
class Told:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Told]


@pytest.fixture
def fake_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeServer]:
    """A fake server that the commands find by the environment; no stored settings."""
    with serving() as server:
        monkeypatch.setenv("ASSAY_URL", server.url)
        monkeypatch.setenv("ASSAY_API_KEY", "sk_test")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        yield server


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line."""

    def execute(*args: str | Path) -> Told:
        capsys.readouterr()
        code = run(app, [str(arg) for arg in args])
        captured = capsys.readouterr()
        return Told(code, captured.out, captured.err)

    return execute
