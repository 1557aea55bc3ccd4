"""Ingest of Phoenix and MLflow beside Assay: the same bodies, one server after the other, in the same run.

Each of the others is installed at a pinned version into an environment of its own (`.venv-bench/`, made by the first
run) and started with SQLite, its default. Many servers answer before they have stored, so what counts is the time
until the number of spans in their tables no longer grows. Prints one JSON document.

usage: python -m benchmarks.ingest_others [--spans N] [--batch N] [--concurrency N] [--only NAME]
"""

import argparse
import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import otlp_load
from benchmarks.ingest import KEY
from benchmarks.running import Running, assay_up, free_port, rows, running

ROOT = Path(__file__).parents[1]
_STILL_S = 8.0  # a count that has not grown for so long will not grow any more
_LOOK_EVERY_S = 0.2
_LONGEST_S = 600.0


@dataclass(slots=True, frozen=True)
class Other:
    """How a product is started in a folder, and where its spans are afterwards."""

    name: str
    command: tuple[str, ...]
    ready: str
    database: str
    environment: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return ROOT / ".venv-bench" / self.name

    @property
    def requirements(self) -> Path:
        return ROOT / "requirements" / f"bench-{self.name}.txt"


_QUIET = {"DO_NOT_TRACK": "1", "PYTHONPATH": ""}
OTHERS = (
    Other(
        "phoenix",
        ("phoenix", "serve"),
        "/healthz",
        "phoenix.db",
        {**_QUIET, "PHOENIX_WORKING_DIR": "{folder}", "PHOENIX_PORT": "{port}", "PHOENIX_GRPC_PORT": "{other_port}"}
        | {"PHOENIX_HOST": "127.0.0.1", "PHOENIX_TELEMETRY_ENABLED": "false"},
    ),
    Other(
        "mlflow",
        (
            *("mlflow", "server", "--host", "127.0.0.1", "--port", "{port}"),
            *("--backend-store-uri", "sqlite:///{folder}/mlflow.db", "--default-artifact-root", "{folder}"),
        ),
        "/health",
        "mlflow.db",
        {**_QUIET, "MLFLOW_DISABLE_TELEMETRY": "true"},
        {"x-mlflow-experiment-id": "0"},
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=4000, help="for each of the others; Assay gets ten times as many")
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--only", choices=[other.name for other in OTHERS])
    options = parser.parse_args()
    found = {"assay": _measure(_assay, options, 10 * options.spans)}
    _say("assay", found["assay"])
    for other in OTHERS:
        if options.only in {None, other.name}:
            _install(other)
            measured = _measure(partial(_other, other), options, options.spans)
            found[other.name] = {"version": _version(other), **measured}
            _say(other.name, measured)
    print(json.dumps(found, indent=2))


def _say(name: str, measured: dict[str, Any]) -> None:
    print(f"{name}: {measured['stored_per_s']} spans/s stored", file=sys.stderr, flush=True)


@dataclass(slots=True, frozen=True)
class _Target:
    server: Running
    headers: dict[str, str]
    stored: Callable[[], int]


def _measure(start: Callable[[], Any], options: argparse.Namespace, spans: int) -> dict[str, Any]:
    """A small load first, unmeasured: what is imported with the first span is paid once."""
    with start() as target:
        _load(target, options, options.batch * options.concurrency, seed=7)
        before = _settled(target, time.perf_counter())[0]
        began = time.perf_counter()
        loading = _Loading(target, options, spans)
        loading.start()
        stored, seconds = _settled(target, began, loading.is_alive)
        loading.join()
        told = loading.told.summary()
        stored -= before
    return {
        "sent": spans,
        "stored": stored,
        "stored_per_s": round(stored / seconds, 1),
        "seconds_until_stored": round(seconds, 1),
        **{name: told[name] for name in ("status", "p50_ms", "p99_ms")},
    }


class _Loading(threading.Thread):
    """The load, while somebody else looks at what is stored."""

    def __init__(self, target: _Target, options: argparse.Namespace, spans: int) -> None:
        super().__init__()
        self.told = otlp_load.Told()
        self._work: Callable[[], otlp_load.Told] = partial(_load, target, options, spans, seed=1)

    def run(self) -> None:
        self.told = self._work()


def _load(target: _Target, options: argparse.Namespace, spans: int, seed: int) -> otlp_load.Told:
    sent = otlp_load.bodies(spans, options.batch, seed)
    return asyncio.run(otlp_load.send(f"{target.server.url}/v1/traces", sent, options.concurrency, target.headers))


def _settled(target: _Target, began: float, busy: Callable[[], bool] = bool) -> tuple[int, float]:
    """(spans stored, seconds until the last of them was) once nothing is sent and the number stands still."""
    stored, at = target.stored(), time.perf_counter()
    while time.perf_counter() - began < _LONGEST_S:
        time.sleep(_LOOK_EVERY_S)
        now = target.stored()
        if now != stored:
            stored, at = now, time.perf_counter()
        elif not busy() and time.perf_counter() - at > _STILL_S:
            break
    return stored, at - began


@contextmanager
def _assay() -> Iterator[_Target]:
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder, assay_up(Path(folder), KEY) as server:
        headers = {"authorization": f"Bearer {KEY}"}
        yield _Target(server, headers, lambda: int(rows(server, KEY, "SELECT count(*) FROM spans")[0][0]))


@contextmanager
def _other(other: Other) -> Iterator[_Target]:
    with tempfile.TemporaryDirectory(prefix=f"{other.name}-bench-") as folder:
        port = free_port()
        values = {"{folder}": folder, "{other_port}": str(free_port()), "{port}": str(port)}
        command = [_filled(part, values) for part in other.command]
        command[0] = str(other.folder / "bin" / command[0])
        environment = {name: _filled(value, values) for name, value in other.environment.items()}
        with running(command, other.ready, port=port, environment=environment) as server:
            yield _Target(server, other.headers, lambda: _counted(Path(folder) / other.database))


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _counted(database: Path) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])
    finally:
        connection.close()


def _install(other: Other) -> None:
    if (other.folder / "bin" / other.command[0]).exists():
        return
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(other.folder)], check=True)
    python = str(other.folder / "bin" / "python")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", str(other.requirements)], check=True)


def _version(other: Other) -> str:
    return other.requirements.read_text().partition("==")[2].split()[0]


if __name__ == "__main__":
    main()
