"""Which clients there are: every module `expect_*.py` of this folder lists some in `CLIENTS`."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import httpx

from tests.clients.bench import PYTHON, ROOT, SCRIPTS, version_of

UV = ROOT / ".venv" / "bin" / "uv"


@dataclass(slots=True, frozen=True)
class Setting:
    """What a client may be told: where Assay is, a key, and a provider that speaks OpenAI's protocol."""

    url: str
    key: str
    grpc: str  # the address of OTLP over gRPC, http://…
    provider: str
    session: str  # the script uses it as its session, so that the trace is found


@dataclass(slots=True, frozen=True)
class Client:
    """One foreign client: how it is set up by its own documented settings, and what must be found afterwards."""

    name: str
    package: str  # whose version names the recording
    environment: Callable[[Setting], dict[str, str]]
    check: Callable[[httpx.Client, str], None]  # (REST client, session)
    script: str = ""  # in scripts/, without `.py`; the name by default
    version: Callable[[], str] | None = None  # where it is no Python package
    command: tuple[str, ...] | None = None  # instead of the Python script
    over_grpc: bool = False
    provider: str | None = None  # calls models through the gateway, where the bench's provider has this name

    def prepare(self, api: httpx.Client, base_url: str) -> None:
        """What its project must have before it calls."""
        if self.provider:
            api.put(f"/api/v1/providers/{self.provider}", json={"base_url": base_url}).raise_for_status()

    @property
    def session(self) -> str:
        return f"session-{self.name}"

    def line(self) -> list[str]:
        return list(self.command or (str(PYTHON), f"{self.script or self.name}.py"))

    def installed(self) -> str:
        return self.version() if self.version else version_of(self.package)


def alone(package: str, version: str, *others: str) -> tuple[str, ...]:
    """Python with that package in exactly that version, those that it is used with, and nothing else."""
    wanted = [part for one in (f"{package}=={version}", *others) for part in ("--with", one)]
    return (str(UV), "run", "--no-project", "--system-certs", "--quiet", *wanted, "python")


def clients() -> dict[str, Client]:
    """All clients by name."""
    found: dict[str, Client] = {}
    for path in sorted(Path(SCRIPTS).parent.glob("expect_*.py")):
        module = import_module(f"tests.clients.{path.stem}")
        found |= {client.name: client for client in module.CLIENTS}
    return found
