"""The command line over the SDK's client. The room `app` adds commands; `run` gives the exit code."""

from assay_server.cli.exits import run
from assay_server.cli.keeping import backup
from assay_server.cli.main import app
from assay_server.cli.terminal import speak_unicode

__all__ = ["app", "backup", "run", "speak_unicode"]
