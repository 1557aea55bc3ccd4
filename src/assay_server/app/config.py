"""What `assay up` can be told: flags over environment over defaults, all faults reported at once."""

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.core.sizes import size_of

SHORTEST_KEY = 16
_FEWEST_THREADS, _MOST_THREADS = 2, 256
_MOST_DAYS = 36_500
_MOST_BYTES = 20 << 20  # what a request may hold


@dataclass(slots=True, frozen=True)
class Config:
    """Where the server listens and where it keeps its data. Every setting is described in docs/configuration.md."""

    data: Path = Path("assay-data")
    export_dir: Path | None = None  # default: scheduled exports write to no folder
    host: str = "127.0.0.1"
    port: int = 4600
    grpc_port: int = 4317  # OTLP over gRPC; 0: off
    ledger_url: str | None = None  # default: SQLite in the data directory
    public_url: str | None = None  # default: http://host:port
    bootstrap_key: str | None = None
    local_llm: bool = False
    log_level: str = "warning"
    backups: Path | None = None  # default: DATA/backups
    backup_days: int | None = None  # default: kept until somebody removes them
    media_max_bytes: int = 10 << 20  # of one image or file; 0: none are kept
    read_memory: str | None = None  # what the facts may use while people read; default: an eighth of the machine's
    read_threads: int | None = None  # what they are read with then; default: one for each core
    provider_keys: frozenset[str] | None = None  # default: any variable, for the first project alone

    @property
    def url(self) -> str:
        """The address people use, without a slash at the end."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        shown = f"[{host}]" if ":" in host else host
        return (self.public_url or f"http://{shown}:{self.port}").rstrip("/")

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach the address that is bound."""
        if self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return True

    def may_name(self, first_project: str, project: str, variable: str) -> bool:
        """Whether `project` may point a provider at that environment variable: the operator's list, or, without one,
        the first project, whose admins are the operators."""
        return project == first_project if self.provider_keys is None else variable in self.provider_keys

    @property
    def backups_folder(self) -> Path:
        """Where backups are written."""
        return (self.backups or self.data / "backups").absolute()

    @property
    def decisions_url(self) -> str:
        """The ledger's database."""
        return self.ledger_url or f"sqlite:///{(self.data / 'ledger.sqlite').absolute()}"


ENVIRONMENT = {
    "data": "ASSAY_DATA",
    "export_dir": "ASSAY_EXPORT_DIR",
    "host": "ASSAY_HOST",
    "port": "ASSAY_PORT",
    "grpc_port": "ASSAY_GRPC_PORT",
    "ledger_url": "ASSAY_LEDGER_URL",
    "public_url": "ASSAY_PUBLIC_URL",
    "bootstrap_key": "ASSAY_BOOTSTRAP_KEY",
    "local_llm": "ASSAY_LOCAL_LLM",
    "log_level": "ASSAY_LOG_LEVEL",
    "backups": "ASSAY_BACKUPS",
    "backup_days": "ASSAY_BACKUP_DAYS",
    "media_max_bytes": "ASSAY_MEDIA_MAX_BYTES",
    "provider_keys": "ASSAY_PROVIDER_KEYS",
    "read_memory": "ASSAY_READ_MEMORY",
    "read_threads": "ASSAY_READ_THREADS",
}


FLAGS = frozenset(
    {"data", "host", "port", "grpc_port", "ledger_url", "public_url", "local_llm", "log_level", "backups"}
)
"""What `assay up` takes on its command line, too."""

_OTHERS = ("ASSAY_URL", "ASSAY_API_KEY", "ASSAY_CACHE_DIR")
_ALIKE = 0.85


def misspelt(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables that are nearly one of ours, and so do nothing: which is meant."""
    known = (*ENVIRONMENT.values(), *_OTHERS)
    strange = (name for name in environment if name.startswith("ASSAY") and name not in known)
    near = {name: get_close_matches(name, known, n=1, cutoff=_ALIKE) for name in strange}
    return {name: found[0] for name, found in near.items() if found}


_ON, _OFF = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


def load(flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration; `flags` that are None were not given. Raises InvalidInput naming every fault."""
    given: dict[str, Any] = {name: environment[key] for name, key in ENVIRONMENT.items() if environment.get(key)}
    given |= {name: value for name, value in flags.items() if value is not None}
    faults: list[str] = []
    values = {name: _parsed(name, value, faults) for name, value in given.items()}
    if faults:
        raise InvalidInput("; ".join(faults), field="configuration", fix="see docs/configuration.md")
    return Config(**values)


def _parsed(name: str, value: Any, faults: list[str]) -> Any:
    label = ENVIRONMENT[name] + (f" / --{name.replace('_', '-')}" if name in FLAGS else "")
    if name in _PARSERS:
        return _PARSERS[name](label, str(value), faults)
    match name:
        case "data" | "backups" | "export_dir":
            return Path(value)
        case "port" | "grpc_port":
            return _port(label, str(value), 0 if name == "grpc_port" else 1, faults)
        case "provider_keys":
            return frozenset(part.strip() for part in str(value).split(",") if part.strip())
        case "log_level" if str(value).lower() not in {"debug", "info", "warning", "error"}:
            faults.append(f"{label}: {value!r} is not one of debug, info, warning, error")
        case "bootstrap_key" if len(str(value)) < SHORTEST_KEY:
            faults.append(f"{label}: shorter than {SHORTEST_KEY} characters")
        case "public_url" if not str(value).startswith(("http://", "https://")):
            faults.append(f"{label}: {value!r} does not start with http:// or https://")
    return value


def _truth(label: str, value: str, faults: list[str]) -> bool:
    if value.lower() not in _ON | _OFF:
        faults.append(f"{label}: {value!r} is neither on (1, true, yes) nor off (0, false, no)")
    return value.lower() in _ON


def _bytes(label: str, value: str, faults: list[str]) -> int:
    if value.isascii() and value.isdigit() and int(value) <= _MOST_BYTES:
        return int(value)
    faults.append(f"{label}: {value!r} is not a number of bytes from 0 to {_MOST_BYTES}")
    return 0


def _size(label: str, value: str, faults: list[str]) -> str:
    try:
        size_of(value)
    except ValueError:
        faults.append(f"{label}: {value!r} is not an amount of memory such as 2GB or 512MiB")
    return value


def _threads(label: str, value: str, faults: list[str]) -> int | None:
    if value.isascii() and value.isdigit() and _FEWEST_THREADS <= int(value) <= _MOST_THREADS:
        return int(value)
    faults.append(f"{label}: {value!r} is not a number of threads from {_FEWEST_THREADS} to {_MOST_THREADS}")
    return None


def _port(label: str, value: str, lowest: int, faults: list[str]) -> int:
    if value.isascii() and value.isdigit() and lowest <= int(value) <= 65535:
        return int(value)
    faults.append(f"{label}: {value!r} is not a port from {lowest}{'' if lowest else ' (off)'} to 65535")
    return 0


def _days(label: str, value: str, faults: list[str]) -> int | None:
    if value.isascii() and value.isdigit() and 1 <= int(value) <= _MOST_DAYS:
        return int(value)
    faults.append(f"{label}: {value!r} is not a number of days from 1 to {_MOST_DAYS}")
    return None


_PARSERS: dict[str, Callable[[str, str, list[str]], Any]] = {
    "backup_days": _days,
    "local_llm": _truth,
    "media_max_bytes": _bytes,
    "read_memory": _size,
    "read_threads": _threads,
}
