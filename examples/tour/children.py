"""Processes that the tour starts, and stops again by their own pid."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

_START_S = 90.0
_STOP_S = 10.0


class DidNotStart(RuntimeError):
    """A process ended, or said nothing, before it was ready; the message holds what it said."""


@contextlib.asynccontextmanager
async def child(log: Path, module: str, *arguments: str, **environment: str) -> AsyncIterator[Mapping[str, str]]:
    """`python -m module …` until the block ends; yields the line of JSON that it prints when it is ready.

    It is told to follow its standard input, so it ends with us, however we end.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **environment},
        )
        try:
            yield await _ready(process, module, log)
        finally:
            await stop(process)


async def stop(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, and SIGKILL for what does not listen."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _ready(process: asyncio.subprocess.Process, module: str, log: Path) -> Mapping[str, str]:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_S)
    except TimeoutError:
        line = b""
    said: dict[str, str] = json.loads(line) if line.strip() else {}
    if "url" not in said:
        raise DidNotStart(f"{module} did not start: {said.get('error') or _end_of(log)}")
    return said


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:].strip()
