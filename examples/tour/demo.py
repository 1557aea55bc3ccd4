"""What `make demo` runs: Assay on port 4600 with its data in ./assay-data, and the guided tour on it.

    python -m examples.tour.demo [--once] [--port 4600] [--data assay-data]

Serves until Ctrl-C; with `--once` it ends after the tour, with exit code 0 when every step did what it should.
"""

import argparse
import asyncio
import os
import secrets
import signal
import sys
from pathlib import Path

import httpx

from examples.tour import children, machine
from examples.tour.run import run

_READY_S = 30.0
_STOPPED = 130  # as a shell says it: nobody knows whether the rest would have gone well


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description="Assay, and a guided tour of it.")
    parser.add_argument("--port", type=int, default=4600)
    parser.add_argument("--data", type=Path, default=Path("assay-data"))
    parser.add_argument("--once", action="store_true", help="end after the tour")
    arguments = parser.parse_args()
    faults = machine.faults(arguments.port, arguments.data)
    for fault in faults:
        print(f"demo: {fault}", file=sys.stderr)
    if faults:
        return 1
    try:
        return asyncio.run(_demo(arguments.port, arguments.data, once=arguments.once))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return _STOPPED if arguments.once else 0


async def _demo(port: int, data: Path, *, once: bool) -> int:
    """Starts the server, takes the tour, stops what was started."""
    url, key = f"http://127.0.0.1:{port}", _key(data)
    process = await _start(port, data, key)
    _end_on_sigterm()
    try:
        if not await _ready(url, process):
            said = _log(data).read_text(errors="replace").strip().splitlines()[-1:]
            print(f"demo: the server did not start: {''.join(said)} (all of it: {_log(data)})", file=sys.stderr)
            return 1
        print(f"Assay is ready on {url}; its data is in {data}. Admin key: {key}")
        return await run(url, key, data / "tour", once=once)
    finally:
        await children.stop(process)


async def _start(port: int, data: Path, key: str) -> asyncio.subprocess.Process:
    _log(data).parent.mkdir(parents=True, exist_ok=True)
    with _log(data).open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "assay_server.app.main", "up", "--data", str(data), "--port", str(port)),
            env={**os.environ, "ASSAY_BOOTSTRAP_KEY": key},
            stdout=log,
            stderr=log,
        )


async def _ready(url: str, process: asyncio.subprocess.Process) -> bool:
    async with httpx.AsyncClient() as http:
        for _ in range(int(_READY_S * 10)):
            if process.returncode is not None:
                return False
            try:
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return True
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    return False


def _key(data: Path) -> str:
    """The demo's admin key: made once, kept beside its data, readable by its owner alone."""
    file = data / "tour" / "admin-key"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(os.environ.get("ASSAY_BOOTSTRAP_KEY") or f"demo-{secrets.token_hex(16)}")
    return file.read_text().strip()


def _log(data: Path) -> Path:
    return data / "tour" / "server.log"


def _end_on_sigterm() -> None:
    """SIGTERM ends the demo as Ctrl-C does: with everything that it started."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


if __name__ == "__main__":
    raise SystemExit(main())
