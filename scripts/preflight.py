"""Says in one line what this machine lacks, before anything is installed. Standard library only.

It must run on the old Pythons that it turns away, so: no syntax newer than 3.7.
"""

from __future__ import annotations

import ctypes.util
import shutil
import sys

NEEDED_GB = 3


def main() -> int:
    faults = [fault for fault in (_python(), _venv(), _disk(), _c_library()) if fault]
    for fault in faults:
        print(f"assay: {fault}", file=sys.stderr)
    return 1 if faults else 0


def _python() -> str | None:
    if sys.version_info >= (3, 11):  # noqa: UP036 - this is the check
        return None
    found = ".".join(map(str, sys.version_info[:3]))
    return f"Python {found} is too old; install 3.11 or newer and run `make PYTHON=python3.11 …`."


def _venv() -> str | None:
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        return "this Python has no venv/ensurepip; install it (Debian, Ubuntu: `apt-get install python3-venv`)."
    return None


def _disk() -> str | None:
    free = shutil.disk_usage(".").free / 1e9
    return None if free >= NEEDED_GB else f"only {free:.1f} GB free on this disk; {NEEDED_GB} GB are needed."


def _c_library() -> str | None:
    """The local model's engine is C++ and brings no runtime of its own."""
    if not sys.platform.startswith("linux"):
        return None
    missing = [name for name in ("stdc++", "gomp") if ctypes.util.find_library(name) is None]
    known = {"stdc++": "libstdc++6", "gomp": "libgomp1"}
    if not missing:
        return None
    packages = " ".join(known[name] for name in missing)
    return f"the C library lib{missing[0]} is missing; install it (Debian, Ubuntu: `apt-get install {packages}`)."


if __name__ == "__main__":
    raise SystemExit(main())
