"""Which server and key the commands use: the environment wins, then what `assay login` stored."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import assay

DEFAULT_URL = "http://127.0.0.1:4600"


@dataclass(slots=True, frozen=True)
class Settings:
    """A server's root and a key; None where nobody said."""

    url: str
    api_key: str | None


def path() -> Path:
    """`~/.config/assay/config.json`, or under `XDG_CONFIG_HOME`."""
    root = os.environ.get("XDG_CONFIG_HOME")
    return (Path(root) if root else Path.home() / ".config") / "assay" / "config.json"


def load() -> Settings:
    """The settings in force. A stored key goes to the server it was stored for, and to no other."""
    stored = _stored()
    url = (os.environ.get("ASSAY_URL") or stored.get("url") or DEFAULT_URL).rstrip("/")
    key = os.environ.get("ASSAY_API_KEY")
    if not key and url == stored.get("url", DEFAULT_URL):
        key = stored.get("api_key")
    return Settings(url, key or None)


def save(settings: Settings) -> Path:
    """Stores them, readable by this user alone."""
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        os.fchmod(out.fileno(), 0o600)  # an older file may have been readable by others
        json.dump({"url": settings.url.rstrip("/"), "api_key": settings.api_key}, out, indent=2)
    return file


def _stored() -> dict[str, str]:
    file = path()
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text())
    except ValueError as error:
        raise assay.InvalidInput(
            f"{file} is not JSON.", field="config", value=str(file), fix="sign in again: assay login URL"
        ) from error
    return found if isinstance(found, dict) else {}
