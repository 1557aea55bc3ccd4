"""Builds the web interface into the server's package."""

import subprocess
import sys

from node import UI, npm


def main() -> int:
    print("· building the web interface", flush=True)
    try:
        if not (UI / "node_modules" / ".package-lock.json").exists() or _lock_is_newer():
            npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
        npm("run", "--silent", "build")
    except subprocess.CalledProcessError as error:
        step = f"npm {error.cmd[-1]}: exit {error.returncode}"
        print(f"assay: the web interface could not be built ({step}).", file=sys.stderr)
        return 1
    return 0


def _lock_is_newer() -> bool:
    lock, installed = UI / "package-lock.json", UI / "node_modules" / ".package-lock.json"
    return lock.stat().st_mtime > installed.stat().st_mtime


if __name__ == "__main__":
    raise SystemExit(main())
