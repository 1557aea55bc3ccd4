"""The command line over the SDK's client. `app` is extended by the room `app`; `run` gives the exit code."""

from assay_server.cli.exits import run
from assay_server.cli.main import app

__all__ = ["app", "run"]
